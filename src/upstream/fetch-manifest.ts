import type { ManifestToStore } from '../db/content/meaning.ts';
import type { Digest } from '../oci/digest.ts';
import type { ManifestDocument, ParsedManifest } from '../oci/manifest/manifest.ts';
import { parseManifestDocument } from '../threads/parse-manifest.ts';
import { namingRequest, repositoryUrl } from './naming-request.ts';
import type { Upstream } from './naming-request.ts';

/** Fetches and parses a manifest by tag or digest. Undefined: the upstream has none. `known` is a manifest that may be there. */
export async function fetchManifest(
  upstream: Upstream,
  reference: string,
  signal: AbortSignal,
  known?: ManifestDocument,
): Promise<ManifestToStore | undefined> {
  const document = await upstream.registry.getManifest(reference, { signal, known });
  if (!document) return undefined;
  return parseFetched({ upstream, reference, document }, signal);
}

/** The same for an entry of an index. The index and the bytes tell what the manifest is, not the Content-Type. */
export async function fetchListed(
  upstream: Upstream,
  { digest, mediaType: listedAs }: { readonly digest: Digest; readonly mediaType: string },
  signal: AbortSignal,
): Promise<ManifestToStore | undefined> {
  const document =
    (await upstream.registry.getManifest(digest, { signal })) ??
    (await upstream.registry.getManifest(digest, { signal, address: 'blobs' }));
  if (!document) return undefined;
  return { ...(await parseFetched({ upstream, reference: digest, document, listedAs }, signal)), listedAs };
}

interface Fetched {
  readonly upstream: Upstream;
  readonly reference: string;
  readonly document: ManifestDocument;
  readonly listedAs?: string;
}

function parseFetched(
  { upstream, reference, document, listedAs }: Fetched,
  signal: AbortSignal,
): Promise<ManifestToStore> {
  return namingRequest(
    describeManifest(upstream, reference),
    async () => {
      const parsed = await parseOnce(document, listedAs, signal);
      return { document: { ...document, mediaType: parsed.mediaType }, parsed };
    },
    advice,
  );
}

/** The last parsed manifests by digest and type. Tags of one image are often neighbours. */
const recent = new Map<string, ParsedManifest>();
const recentAtMost = { count: 256, documentBytes: 16 * 1024 };

async function parseOnce(
  { digest, mediaType, bytes }: ManifestDocument,
  listedAs: string | undefined,
  signal: AbortSignal,
): Promise<ParsedManifest> {
  const key = `${digest} ${mediaType} ${listedAs ?? ''}`;
  const known = recent.get(key);
  if (known !== undefined) return known;
  const parsed = await parseManifestDocument(bytes, mediaType, { listedAs, signal });
  if (bytes.byteLength > recentAtMost.documentBytes) return parsed;
  if (recent.size >= recentAtMost.count) recent.delete(recent.keys().next().value ?? '');
  recent.set(key, parsed);
  return parsed;
}

const pushAgain = 'Push it upstream again with a current client, or leave its tag out with excludeTags.';
const advice = new Map(
  ['MANIFEST_INVALID', 'DIGEST_INVALID', 'DIGEST_UNSUPPORTED'].map((code) => [code, pushAgain]),
);

/** For messages: `GET https://…/v2/library/nginx/manifests/1.25`. */
export function describeManifest(upstream: Upstream, reference: string): string {
  return `GET ${repositoryUrl(upstream)}/manifests/${reference}`;
}
