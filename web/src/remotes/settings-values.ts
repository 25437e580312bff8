import type { ResultOf } from '../graphql/graphql.ts';
import type { FieldProps } from '../shared/forms/fields.ts';
import type { RemoteSettings } from './remote-queries.ts';

/** As a remote has them, and a mirror rule for the remotes that it makes. */
type Stored = ResultOf<typeof RemoteSettings>;

export interface Fallback {
  readonly url: string;
  readonly upstreamName: string | null;
  readonly credentialId: string | null;
  readonly proxyUrl: string | null;
  readonly sslCaCertificate: string | null;
  readonly sslValidation: boolean;
}

/** Settings in a form: the API's fields, where null is none. */
export function settingsOf(stored: Stored | undefined) {
  return {
    username: stored?.username ?? null,
    /** Undefined keeps the stored one. */
    password: undefined as string | null | undefined,
    credentialId: stored?.credential?.id ?? null,
    policy: stored?.policy ?? 'IMMEDIATE',
    signaturePolicyId: stored?.signaturePolicy?.id ?? null,
    ...tagRulesOf(stored),
    ...connectionOf(stored),
    fallbacks: (stored?.fallbacks ?? []).map(toFallback),
  };
}

function tagRulesOf(stored: Stored | undefined) {
  return {
    includeTags: stored?.includeTags ?? null,
    excludeTags: stored?.excludeTags ?? null,
    includeTagPatterns: stored?.includeTagPatterns ?? null,
    excludeTagPatterns: stored?.excludeTagPatterns ?? null,
    semverRanges: stored?.semverRanges ?? null,
    semverSuffix: stored?.semverSuffix ?? null,
    semverPrereleases: stored?.semverPrereleases ?? false,
    immutableTags: stored?.immutableTags ?? null,
    platforms: stored?.platforms ?? null,
    newestTags: stored?.newestTags ?? null,
    minimumAgeSeconds: stored?.minimumAgeSeconds ?? null,
    tagFailures: stored?.tagFailures ?? 'SKIP_TAG',
  };
}

function connectionOf(stored: Stored | undefined) {
  return {
    downloadConcurrency: stored?.downloadConcurrency ?? 20,
    rateLimit: stored?.rateLimit ?? null,
    bytesPerSecond: stored?.bytesPerSecond ?? null,
    syncWindows: stored?.syncWindows ?? null,
    reserveRequests: stored?.reserveRequests ?? null,
    /** Never returned with its credentials, so that an unchanged one is not sent. */
    proxyUrl: stored?.proxyUrl ?? null,
    sslValidation: stored?.sslValidation ?? true,
    sslCaCertificate: stored?.sslCaCertificate ?? null,
  };
}

function toFallback({ credential, ...stored }: Stored['fallbacks'][number]): Fallback {
  const { url, upstreamName, proxyUrl, sslCaCertificate, sslValidation } = stored;
  return {
    url,
    upstreamName,
    credentialId: credential?.id ?? null,
    proxyUrl,
    sslCaCertificate,
    sslValidation,
  };
}

export type Settings = ReturnType<typeof settingsOf>;
export type SettingsProps = FieldProps<Settings>;
