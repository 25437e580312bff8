/** How one setting's text is read: a value, or the rest of a sentence that begins with the setting's name. */
import { isIP } from 'node:net';
import { parseSecretKeys as readSecretKeys } from './access/secrets.ts';
import { isLoopbackHost } from './api/host-guard.ts';
import { parseS3Location } from './content/s3/s3-location.ts';
import type { S3Location } from './content/s3/s3-location.ts';
import type { EarlierAccess } from './db/distributions/earlier-distributions.ts';
import { isTidemarkError, quoteValue } from './oci/error.ts';

export type Parsed<T> = { readonly value: T } | { readonly mistake: string };

/** Reads one setting; a mistake in it is noted, and the fallback returned. */
export type Read = <T, D>(name: string, fallback: D, parse: (value: string) => Parsed<T>) => T | D;

/** An empty variable is treated as unset. */
export function settingText(env: NodeJS.ProcessEnv, name: string): string | undefined {
  return env[name]?.trim() || undefined;
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

const UNIT_BYTES: Readonly<Record<string, number>> = {
  '': 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

export function parseInteger(lowest: number, highest: number): (value: string) => Parsed<number> {
  return (value) => {
    const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
    if (number >= lowest && number <= highest) return { value: number };
    return { mistake: `is ${quoteValue(value)}; expected a whole number from ${lowest} to ${highest}` };
  };
}

/** A positive count of bytes, in digits or with one of the units KiB, MiB, GiB, TiB: `4194304`, `4MiB`. */
export function parseByteCount(value: string): Parsed<number> {
  const [, digits, unit = ''] = /^(\d{1,16}) ?([KMGT]iB)?$/.exec(value) ?? [];
  const bytes = Number(digits) * (UNIT_BYTES[unit] ?? 1);
  if (Number.isSafeInteger(bytes) && bytes > 0) return { value: bytes };
  return { mistake: `is ${quoteValue(value)}; expected a number of bytes such as 4194304 or 4MiB` };
}

/** Where blobs are; a folder is named by `TIDEMARK_DATA`. The value may hold credentials, so it is not repeated in the mistake. */
export function parseBlobLocation(value: string): Parsed<S3Location> {
  const location = parseS3Location(value);
  return 'mistake' in location ? location : { value: location };
}

export const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** A time in seconds, written with a unit: `90s`, `30m`, `24h`, `7d`; 0 with any. */
export function parseDuration(value: string): Parsed<number> {
  const [, digits, unit = ''] = /^(\d{1,6}) ?([smhd])$/.exec(value) ?? [];
  const seconds = Number(digits) * (UNIT_SECONDS[unit] ?? Number.NaN);
  if (seconds >= 0) return { value: seconds };
  return { mistake: `is ${quoteValue(value)}; expected a time such as 90s, 30m, 24h or 7d` };
}

export function parseSwitch(value: string): Parsed<boolean> {
  if (value === 'on' || value === 'off') return { value: value === 'on' };
  return { mistake: `is ${quoteValue(value)}; expected on or off` };
}

/** The same, at least a second; or `off`. */
export function parseInterval(value: string): Parsed<number | undefined> {
  if (value === 'off') return { value: undefined };
  const parsed = parseDuration(value);
  if ('value' in parsed && parsed.value > 0) return parsed;
  return { mistake: `is ${quoteValue(value)}; expected a time such as 90s, 30m, 24h or 7d, or "off"` };
}

export function parseLogLevel(value: string): Parsed<LogLevel> {
  const level = LOG_LEVELS.find((one) => one === value.toLowerCase());
  if (level !== undefined) return { value: level };
  return { mistake: `is ${quoteValue(value)}; expected one of ${LOG_LEVELS.join(', ')}` };
}

const ACCESS_LOGS = ['off', 'json'] as const;

export type AccessLogFormat = (typeof ACCESS_LOGS)[number];

export function parseAccessLog(value: string): Parsed<AccessLogFormat> {
  const format = ACCESS_LOGS.find((one) => one === value.toLowerCase());
  if (format !== undefined) return { value: format };
  return { mistake: `is ${quoteValue(value)}; expected one of ${ACCESS_LOGS.join(', ')}` };
}

const EARLIER_ACCESS = ['public', 'private'] as const;

export function parseEarlierAccess(value: string): Parsed<EarlierAccess> {
  const access = EARLIER_ACCESS.find((one) => one === value.toLowerCase());
  if (access !== undefined) return { value: access };
  return { mistake: `is ${quoteValue(value)}; expected one of ${EARLIER_ACCESS.join(', ')}` };
}

/** The value may hold a password, so it is not repeated in the mistake. */
export function parseDatabaseUrl(value: string): Parsed<string> {
  const url = URL.parse(value);
  if (url !== null && /^postgres(ql)?:$/.test(url.protocol) && url.pathname.length > 1) return { value };
  return { mistake: 'is not a PostgreSQL URL; expected postgresql://user:password@host:5432/database' };
}

export function parseHostPort(value: string): Parsed<string> {
  const url = /^[^/?#@\s]+:\d+$/.test(value) ? URL.parse(`tcp://${value}`) : null;
  if (url !== null && Number(url.port) > 0) return { value };
  return {
    mistake: `is ${quoteValue(withoutCredentials(value))}; expected host:port such as 127.0.0.1:7233`,
  };
}

export function parseHttpUrl(value: string): Parsed<string> {
  const url = URL.parse(value);
  if (url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '')
    return { value };
  return {
    mistake: `is ${quoteValue(withoutCredentials(value))}; expected an http or https URL without credentials`,
  };
}

/** An https URL; http too where it does not leave this machine. */
export function parseSecureUrl(value: string): Parsed<string> {
  const parsed = parseHttpUrl(value);
  const url = 'value' in parsed ? new URL(parsed.value) : undefined;
  if (url === undefined || url.protocol === 'https:' || isLoopbackHost(url.hostname)) return parsed;
  return {
    mistake: `is ${quoteValue(value)}; expected https: who can change the answer can log in as anybody`,
  };
}

export type LoginKind = 'tokens' | 'oidc';

/** `off`, or `tokens`, `oidc` or both between commas. */
export function parseLoginKinds(value: string): Parsed<readonly LoginKind[]> {
  if (value === 'off') return { value: [] };
  const words = splitList(value);
  const kinds = words.filter((word): word is LoginKind => word === 'tokens' || word === 'oidc');
  if (kinds.length > 0 && kinds.length === words.length) return { value: kinds };
  return { mistake: `is ${quoteValue(value)}; expected off, tokens, oidc, or tokens,oidc` };
}

/** Scopes of OpenID Connect, separated by blanks (RFC 6749, section 3.3). */
export function parseScopes(value: string): Parsed<string> {
  const scopes = value.split(' ').filter((scope) => scope !== '');
  if (scopes.includes('openid') && scopes.every((scope) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope)))
    return { value: scopes.join(' ') };
  return {
    mistake: `is ${quoteValue(value)}; expected scopes separated by blanks with openid among them, such as "openid groups"`,
  };
}

/** Hosts (`registry.lan`, `*.lan`, `registry.lan:5000`), addresses and CIDR ranges (`10.0.0.0/8`, `fd00::/8`), between commas. */
export function parseUpstreamRules(value: string): Parsed<string[]> {
  const rules = splitList(value).map((rule) => rule.toLowerCase());
  const wrong = rules.filter((rule) => !isUpstreamRule(rule));
  if (wrong.length === 0) return { value: rules };
  return {
    mistake: `holds ${wrong.map((rule) => quoteValue(rule)).join(', ')}; expected hosts (registry.lan, *.lan, registry.lan:5000), addresses or ranges (10.0.0.0/8) between commas`,
  };
}

/** Keys of 32 bytes in base64, between commas or line ends. The mistake does not repeat them. */
export function parseSecretKeys(value: string): Parsed<Buffer[]> {
  try {
    return { value: readSecretKeys(value) };
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    return {
      mistake: `does not hold 32 bytes in base64 (${error.message.split('.', 1)[0]}); make one with "openssl rand -base64 32"`,
    };
  }
}

/** The known name that a mistyped one most likely means; undefined when none is near. */
export function closestName(name: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
    .sort((one, other) => one.distance - other.distance);
  const [best] = ranked;
  return best !== undefined && best.distance <= 4 ? best.candidate : undefined;
}

function isUpstreamRule(rule: string): boolean {
  const [address = '', prefix, ...rest] = rule.split('/');
  const family = isIP(address);
  if (prefix !== undefined) {
    const bits = family === 6 ? 128 : 32;
    return family !== 0 && rest.length === 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= bits;
  }
  if (family !== 0) return true;
  const [, host, port] = /^(\[[0-9a-f:.]+\]|[^:*]+):(\d{1,5})$/.exec(rule) ?? [];
  if (host !== undefined) {
    const isPort = Number(port) > 0 && Number(port) <= 65_535;
    return isPort && (host.startsWith('[') ? isIP(host.slice(1, -1)) === 6 : isUpstreamRule(host));
  }
  return (
    rule.length <= 253 &&
    /^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/.test(rule)
  );
}

function splitList(value: string): string[] {
  return value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function withoutCredentials(value: string): string {
  return value.replace(/^([^/]*\/\/)?[^/]*@/, '$1…@');
}

/** Levenshtein's distance: how many letters to add, drop or change. */
function editDistance(one: string, other: string): number {
  let previous = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let row = 1; row <= one.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= other.length; column += 1) {
      const changed = (previous[column - 1] ?? 0) + (one[row - 1] === other[column - 1] ? 0 : 1);
      current.push(Math.min((previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, changed));
    }
    previous = current;
  }
  return previous[other.length] ?? 0;
}

/** Names of credential helpers between commas, without `docker-credential-`: they are run by these names only. */
export function parseHelpers(value: string): Parsed<readonly string[]> {
  const names = splitList(value);
  const wrong = names.find((name) => !/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name));
  if (wrong === undefined) return { value: names.map((name) => name.replace(/^docker-credential-/, '')) };
  return { mistake: `has ${quoteValue(wrong)}; expected names of helpers such as ecr-login,gcloud` };
}
