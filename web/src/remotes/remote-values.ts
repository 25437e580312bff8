import type { ResultOf } from '../graphql/graphql.ts';
import type { RemoteQuery } from './remote-queries.ts';

export interface Fallback {
  readonly url: string;
  readonly upstreamName: string | null;
  readonly credentialId: string | null;
  readonly proxyUrl: string | null;
  readonly sslCaCertificate: string | null;
  readonly sslValidation: boolean;
}

export type Remote = NonNullable<ResultOf<typeof RemoteQuery>['remote']>;

/** The form: the API's fields, where null is none. */
export function valuesOf(remote: Remote | undefined) {
  return {
    name: remote?.name ?? '',
    url: remote?.url ?? '',
    upstreamName: remote?.upstreamName ?? '',
    username: remote?.username ?? null,
    /** Undefined keeps the stored one. */
    password: undefined as string | null | undefined,
    policy: remote?.policy ?? 'IMMEDIATE',
    includeTags: remote?.includeTags ?? null,
    excludeTags: remote?.excludeTags ?? null,
    includeTagPatterns: remote?.includeTagPatterns ?? null,
    excludeTagPatterns: remote?.excludeTagPatterns ?? null,
    semverRanges: remote?.semverRanges ?? null,
    immutableTags: remote?.immutableTags ?? null,
    platforms: remote?.platforms ?? null,
    newest: remote?.newestTags?.count ?? null,
    newestPer: remote?.newestTags?.per ?? 'ALL',
    minimumAgeSeconds: remote?.minimumAgeSeconds ?? null,
    downloadConcurrency: remote?.downloadConcurrency ?? 20,
    rateLimit: remote?.rateLimit ?? null,
    bytesPerSecond: remote?.bytesPerSecond ?? null,
    syncWindows: remote?.syncWindows ?? null,
    reserveRequests: remote?.reserveRequests ?? null,
    /** Never returned with its credentials, so that an unchanged one is not sent. */
    proxyUrl: remote?.proxyUrl ?? null,
    sslValidation: remote?.sslValidation ?? true,
    sslCaCertificate: remote?.sslCaCertificate ?? null,
    tagFailures: remote?.tagFailures ?? 'SKIP_TAG',
    credentialId: remote?.credential?.id ?? null,
    signaturePolicyId: remote?.signaturePolicy?.id ?? null,
    fallbacks: (remote?.fallbacks ?? []).map(toFallback),
  };
}

function toFallback(stored: Remote['fallbacks'][number]): Fallback {
  const { url, upstreamName, credential, proxyUrl, sslCaCertificate, sslValidation } = stored;
  return {
    url,
    upstreamName,
    credentialId: credential?.id ?? null,
    proxyUrl,
    sslCaCertificate,
    sslValidation,
  };
}

export type Values = ReturnType<typeof valuesOf>;

/** The fields that differ from the stored remote, as the API takes them. */
export function inputOf(values: Values, stored: Values): Record<string, unknown> {
  const { newest, newestPer, ...plain } = values;
  const changed = Object.entries(plain).filter(
    ([field, value]) => JSON.stringify(value) !== JSON.stringify(stored[field as keyof Values]),
  );
  const newestChanged = newest !== stored.newest || newestPer !== stored.newestPer;
  const newestTags = newest === null ? null : { count: newest, per: newestPer };
  return { ...Object.fromEntries(changed), ...(newestChanged ? { newestTags } : {}) };
}
