import type { Viewer } from '../../access/viewer.ts';
import { quoteValue } from '../../oci/error.ts';
import { namespacesOf, needsNamespaces } from '../../oci/hosts/discovery.ts';
import type { Discovery } from '../../oci/hosts/discovery.ts';
import { parseGlob } from '../../selection/globs.ts';
import { scopeBelow } from '../../selection/rule-target.ts';
import { checkInteger, checkText, invalid, notNull } from '../mistakes.ts';
import type { Checked, Mistake } from '../mistakes.ts';
import { lacksRole } from '../permit.ts';
import { ofFallback } from '../remotes/fallbacks.ts';
import type { FallbackFields } from '../remotes/fallbacks.ts';
import { keysOf } from '../remotes/given-fields.ts';
import { checkRemoteFields } from '../remotes/remote-fields.ts';
import type { RemoteFields } from '../remotes/remote-fields.ts';
import type { AddressRules } from '../remotes/urls.ts';
import { checkRepositoryName } from '../repositories.ts';
import { checkCron, checkTimeZone } from '../schedules/cron.ts';
import type { Reference } from '../operation.ts';

/** In an update, undefined keeps a field and null clears it. The fields of a remote are those of the remotes that the rule makes. */
export interface RuleFields extends Omit<RemoteFields, 'upstreamName'> {
  readonly discovery?: Discovery | null | undefined;
  readonly repositories?: string[] | null | undefined;
  readonly includeRepositories?: string[] | null | undefined;
  readonly excludeRepositories?: string[] | null | undefined;
  readonly stripPrefix?: string | null | undefined;
  readonly targetPrefix?: string | null | undefined;
  readonly repositoriesAtMost?: number | null | undefined;
  readonly mirror?: boolean | null | undefined;
  readonly cron?: string | null | undefined;
  readonly intervalSeconds?: number | null | undefined;
  readonly timeZone?: string | null | undefined;
  readonly paused?: boolean | null | undefined;
  readonly signaturePolicy?: Reference | null | undefined;
  readonly credential?: Reference | null | undefined;
}

/** The own fields of a rule that always have a value, with what they are where none is given. */
export const ruleDefaults = {
  discovery: 'CATALOG',
  targetPrefix: '',
  repositoriesAtMost: 1_000,
  mirror: false,
  timeZone: 'UTC',
  paused: false,
} as const satisfies RuleFields;

export const mostRepositories = 100_000;
const globsAtMost = 100;
const namesAtMost = 10_000;
export const yearSeconds = 31_622_400;

/** Every mistake in the values that were given. */
export function checkRuleFields(input: RuleFields, addresses: AddressRules): Mistake[] {
  const checks: Checked[] = keysOf(ruleDefaults).map((field) => notNull(field, input[field]));
  const on = <Value>(value: Value | null | undefined, check: (value: Value) => Checked | Checked[]): void => {
    if (value !== null && value !== undefined) checks.push(...[check(value)].flat());
  };
  on(input.repositories, checkListed);
  on(input.includeRepositories, (globs) => checkGlobs('includeRepositories', globs));
  on(input.excludeRepositories, (globs) => checkGlobs('excludeRepositories', globs));
  on(input.stripPrefix, (prefix) => checkText('stripPrefix', prefix, 255));
  on(input.targetPrefix, checkTargetPrefix);
  on(input.repositoriesAtMost, (count) => checkInteger('repositoriesAtMost', count, [1, mostRepositories]));
  on(input.cron, (cron) => checkCron('cron', cron));
  on(input.intervalSeconds, (seconds) => checkInteger('intervalSeconds', seconds, [1, yearSeconds]));
  on(input.timeZone, (timeZone) => checkTimeZone('timeZone', timeZone));
  on(input.fallbacks, checkNoNames);
  return [...checkRemoteFields(input, addresses), ...checks.flatMap((found) => found ?? [])];
}

/** The mistakes of a rule as a whole, as it is to be. */
export function checkWhole(rule: {
  readonly discovery: Discovery;
  readonly repositories?: readonly string[] | null | undefined;
  readonly includeRepositories?: readonly string[] | null | undefined;
  readonly credential?: Reference | number | null | undefined;
  readonly cron?: string | null | undefined;
  readonly intervalSeconds?: number | null | undefined;
}): Mistake[] {
  const hasList = (rule.repositories ?? []).length > 0;
  const mistakes: Checked[] = [];
  if (rule.discovery === 'LIST' && !hasList)
    mistakes.push(
      invalid('repositories', 'repositories is empty; discovery LIST needs the names of repositories.'),
    );
  if (rule.discovery !== 'LIST' && hasList)
    mistakes.push(
      invalid(
        'repositories',
        'repositories is for discovery LIST; use includeRepositories to choose from what is found.',
      ),
    );
  const globs = rule.includeRepositories ?? [];
  if (
    needsNamespaces(rule.discovery) &&
    (globs.length === 0 || namespacesOf(rule.discovery, globs) === undefined)
  )
    mistakes.push(
      invalid(
        'includeRepositories',
        `discovery ${rule.discovery} lists one namespace at a time; expected globs that begin with one, as "bitnami/*".`,
      ),
    );
  if (rule.discovery === 'ECR' && rule.credential == null)
    mistakes.push(invalid('credentialId', 'discovery ECR needs a credential of the kind ECR; give its id.'));
  if (typeof rule.cron === 'string' && typeof rule.intervalSeconds === 'number')
    mistakes.push(
      invalid('cron', 'Both cron and intervalSeconds are given; expected one of them, or neither.'),
    );
  return mistakes.flatMap((found) => found ?? []);
}

/** A rule makes repositories and remotes below its target prefix, so that needs the role maintainer for all names there. */
export function lacksTarget(viewer: Viewer, targetPrefix: string, field: string): Mistake[] {
  return lacksRole(viewer, 'maintainer', scopeBelow(targetPrefix), field);
}

/** A fallback has the repositories of the upstream under the same names. */
export function checkNoNames(fallbacks: readonly FallbackFields[]): Checked[] {
  return fallbacks.map(({ upstreamName }, index) => {
    if (upstreamName === null || upstreamName === undefined) return undefined;
    const message =
      'upstreamName is given; omit it, because there are many repositories. Each has the same name at a fallback.';
    return ofFallback(index, invalid('upstreamName', message));
  });
}

function checkListed(names: readonly string[]): Checked[] {
  if (names.length > namesAtMost)
    return [
      invalid(
        'repositories',
        `repositories has ${names.length} entries; at most ${namesAtMost} are accepted.`,
      ),
    ];
  return names.map((name, index) => {
    if (name.length <= 512 && /^[A-Za-z0-9_][A-Za-z0-9._/-]*$/.test(name)) return undefined;
    return invalid(
      ['repositories', String(index)],
      `repositories[${index}] is ${quoteValue(name)}; expected the name of a repository at the upstream, as library/nginx, without host and tag.`,
    );
  });
}

/** Globs over names at an upstream. */
export function checkGlobs(field: string, globs: readonly string[]): Checked[] {
  if (globs.length > globsAtMost)
    return [invalid(field, `${field} has ${globs.length} entries; at most ${globsAtMost} are accepted.`)];
  return globs.map((glob, index) => {
    const parsed = parseGlob(glob);
    if (!('mistake' in parsed)) return undefined;
    return invalid([field, String(index)], `${field}[${index}] is ${quoteValue(glob)}: ${parsed.mistake}`);
  });
}

function checkTargetPrefix(prefix: string): Checked {
  if (prefix === '') return undefined;
  return checkRepositoryName(prefix.replace(/\/$/, ''), 'targetPrefix');
}
