import { setTimeout as sleep } from 'node:timers/promises';
import type { Remote } from '../../db/schema/remotes.ts';
import { takeRequestSlot } from '../../db/tasks/rate-budget.ts';
import { isListedHost } from '../../oci/hosts/address.ts';
import type { RegistryOptions } from '../../registry/registry.ts';
import type { UpstreamDeps } from '../deps.ts';
import { createLimiter } from '../limiter.ts';

export type RemoteDeps = Omit<UpstreamDeps, 'connections'>;

/** The settings of a client, with the secrets in clear text. Undefined and null are the defaults. */
export interface ClientFields {
  readonly url: string;
  readonly upstreamName: string;
  readonly username?: string | null | undefined;
  readonly password?: string | null | undefined;
  readonly credentialId?: number | null | undefined;
  readonly realmHosts?: string[] | null | undefined;
  readonly headers?: readonly { readonly name: string; readonly value: string }[] | null | undefined;
  readonly sslCaCertificate?: string | null | undefined;
  readonly sslClientCertificate?: string | null | undefined;
  readonly sslClientKey?: string | null | undefined;
  readonly sslValidation?: boolean | null | undefined;
  readonly proxyUrl?: string | null | undefined;
  readonly totalTimeout?: number | null | undefined;
  readonly connectTimeout?: number | null | undefined;
  readonly sockReadTimeout?: number | null | undefined;
  readonly maxRetries?: number | null | undefined;
  readonly rateLimit?: number | null | undefined;
  readonly sigstore?: string | null | undefined;
}

/** The options of a remote's client: its settings, its decrypted secrets, its limits, and our rules on addresses. */
export function remoteOptions(
  deps: RemoteDeps,
  remote: Remote,
  more: Pick<RegistryOptions, 'onRateLimited' | 'onRateLimit'> = {},
): RegistryOptions {
  const byteBudget = deps.bandwidth.budgetOf(remote);
  const open = (sealed: string | null | undefined, column: string) =>
    sealed == null ? undefined : deps.secrets.decrypt(sealed, `remote:${remote.id}:${column}`);
  const headers = open(remote.headersSealed, 'headers');
  const stored = headers === undefined ? {} : (JSON.parse(headers) as Record<string, string>);
  return fieldOptions(
    deps,
    {
      ...remote,
      password: open(remote.passwordSealed, 'password'),
      headers: Object.entries(stored).map(([name, value]) => ({ name, value })),
      sslClientKey: open(remote.sslClientKeySealed, 'ssl_client_key'),
      proxyUrl: open(remote.proxyUrlSealed, 'proxy_url') ?? remote.proxyUrl,
    },
    { ...more, ...(byteBudget !== undefined && { byteBudget }) },
  );
}

/** The same of fields that are no row of a remote, without a limit of bandwidth. */
export function fieldOptions(
  deps: RemoteDeps,
  remote: ClientFields,
  more: Pick<RegistryOptions, 'onRateLimited' | 'onRateLimit' | 'byteBudget'> = {},
): RegistryOptions {
  const { rateLimit, headers, credentialId } = remote;
  const mayBePrivate = (url: string) => deps.allowPrivate || isListedHost(new URL(url), deps.allowUpstream);
  return dropUndefined({
    url: remote.url,
    upstreamName: remote.upstreamName,
    username: remote.username ?? undefined,
    password: remote.password ?? undefined,
    logins: credentialId == null ? undefined : deps.credentials.loginsFor(credentialId, remote.url),
    ecrTags: ecrTags(deps, remote),
    realmHosts: remote.realmHosts ?? [],
    headers:
      headers == null || headers.length === 0
        ? undefined
        : Object.fromEntries(headers.map(({ name, value }) => [name, value])),
    tls: dropUndefined({
      ca: remote.sslCaCertificate ?? undefined,
      cert: remote.sslClientCertificate ?? undefined,
      key: remote.sslClientKey ?? undefined,
      rejectUnauthorized: remote.sslValidation ?? true,
    }),
    proxyUrl: remote.proxyUrl ?? undefined,
    totalTimeoutMs: milliseconds(remote.totalTimeout),
    connectTimeoutMs: milliseconds(remote.connectTimeout),
    sockReadTimeoutMs: milliseconds(remote.sockReadTimeout),
    maxRetries: remote.maxRetries ?? undefined,
    manifestMaxBytes: deps.manifestMaxBytes,
    allowPrivate: mayBePrivate(remote.url),
    allowAddresses: deps.allowUpstream,
    signatureStore:
      remote.sigstore == null
        ? undefined
        : { url: remote.sigstore, allowPrivate: mayBePrivate(remote.sigstore) },
    beforeRequest: rateLimit == null ? undefined : paceRequests(deps, new URL(remote.url).host, rateLimit),
    ...more,
  });
}

function ecrTags(
  { credentials }: RemoteDeps,
  { credentialId, url: registryUrl, upstreamName: repositoryName }: ClientFields,
): RegistryOptions['ecrTags'] {
  if (credentialId == null) return undefined;
  return (signal) => credentials.listEcrTags(credentialId, { registryUrl, repositoryName }, signal);
}

/**
 * Waits for the next request slot of the host. A process holds at most the slots of one second, because slots of abandoned requests are
 * lost for all processes.
 */
function paceRequests({ database }: RemoteDeps, host: string, rateLimit: number) {
  const ahead = createLimiter(rateLimit);
  return (signal = new AbortController().signal): Promise<void> =>
    ahead.run(signal, async () => {
      const waitMs = await takeRequestSlot(database.em.fork(), host, rateLimit);
      if (waitMs > 0) await sleep(waitMs, undefined, { signal });
    });
}

function milliseconds(seconds: number | null | undefined): number | undefined {
  return seconds == null ? undefined : Math.round(seconds * 1000);
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** exactOptionalPropertyTypes refuses explicit undefined. */
function dropUndefined<T extends object>(value: T): Partial<Defined<T>> & Pick<Defined<T>, RequiredKeys<T>> {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as Partial<
    Defined<T>
  > &
    Pick<Defined<T>, RequiredKeys<T>>;
}

type RequiredKeys<T> = { [K in keyof T]-?: undefined extends T[K] ? never : K }[keyof T];
