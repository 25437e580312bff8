/** Inputs of remotes, and what an answer says of one. */
import { fixture } from '../upstream/fake-upstream.ts';
import { testSecret } from '../test-secret.ts';

export const certificate = fixture('client.pem');
export const key = fixture('client.key');

export const fields = `id name url upstreamName policy includeTags excludeTags includeTagPatterns excludeTagPatterns
  semverRanges semverPrereleases semverSuffix newestTags { count order per } platforms minimumAgeSeconds minimumAgeFor sigstore downloadConcurrency proxyUrl
  sslCaCertificate sslClientCertificate hasSslClientKey sslValidation followLayerUrls totalTimeout connectTimeout sockReadTimeout maxRetries rateLimit
  bytesPerSecond syncWindows reserveRequests
  headerNames realmHosts username hasPassword`;

export interface Payload {
  readonly remote: Record<string, unknown> & { readonly id: string };
  readonly userErrors: readonly {
    readonly code: string;
    readonly field: readonly string[];
    readonly message: string;
  }[];
}

let sequence = 0;
export function valid(more: object = {}): object {
  sequence += 1;
  return {
    name: `remote ${sequence}`,
    url: 'https://registry.example',
    upstreamName: 'library/nginx',
    ...more,
  };
}

export const leaked = testSecret('mistake');
