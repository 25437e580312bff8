import { configMaxBytes, parseConfigCreated } from '../../oci/manifest/manifest-parse.ts';
import type { Descriptor } from '../../oci/manifest/descriptor.ts';
import type { Digest } from '../../oci/digest.ts';
import type { ParsedManifest } from '../../oci/manifest/manifest.ts';
import { isImageConfigType } from '../../oci/manifest/media-type.ts';
import { TidemarkError } from '../../oci/error.ts';
import { fetchListed, fetchManifest } from '../../upstream/fetch-manifest.ts';
import { repositoryUrl } from '../../upstream/naming-request.ts';
import type { Upstream } from '../../upstream/naming-request.ts';
import { readSmallBlob } from '../../upstream/read-small-blob.ts';

/** Entries of an index that are read. Real indexes have up to some 30. */
const entriesAtMost = 100;
const depthAtMost = 3;

/**
 * When the image with this digest was created, by its config; of an index, the newest of its images. Undefined: it does not say, or the
 * upstream lacks it.
 * @throws TidemarkError as the requests do.
 */
export async function readCreatedAt(
  upstream: Upstream,
  digest: Digest,
  signal: AbortSignal,
): Promise<Date | undefined> {
  const manifest = await fetchManifest(upstream, digest, signal);
  return manifest && createdOf(upstream, manifest.parsed, signal, depthAtMost);
}

async function createdOf(
  upstream: Upstream,
  { config, manifests }: ParsedManifest,
  signal: AbortSignal,
  depth: number,
): Promise<Date | undefined> {
  if (config !== undefined) return readConfigCreated(upstream, config, signal);
  let newest: Date | undefined;
  if (depth === 0) return newest;
  for (const entry of manifests.slice(0, entriesAtMost)) {
    const child = await fetchListed(upstream, entry, signal);
    const created = child && (await createdOf(upstream, child.parsed, signal, depth - 1));
    if (created !== undefined && (newest === undefined || created > newest)) newest = created;
  }
  return newest;
}

async function readConfigCreated(
  upstream: Upstream,
  { digest, size, mediaType }: Descriptor,
  signal: AbortSignal,
): Promise<Date | undefined> {
  if (!isImageConfigType(mediaType) || size > configMaxBytes) return undefined;
  const bytes = await readSmallBlob(upstream.registry, { digest, sizeBytes: size, mediaType }, signal);
  if (bytes !== undefined) return parseConfigCreated(bytes);
  throw new TidemarkError(
    'CONTENT_UNKNOWN',
    `The config ${digest} of an image of ${repositoryUrl(upstream)} is absent or damaged at the upstream.`,
  );
}
