import { Readable } from 'node:stream';
import { verifyInPassing } from '../content/verified-source.ts';
import type { Em } from '../db/open-database.ts';
import { readRawManifest } from '../db/reads/read-inline.ts';
import type { BatchBlob } from '../db/staging/sync-blobs.ts';
import type { ContentKey, ContentSource, FetchOptions } from '../oci/content-source.ts';
import { isTidemarkError } from '../oci/error.ts';
import { readInlineData } from '../oci/manifest/inline-data.ts';
import type { ManifestDocument } from '../oci/manifest/manifest.ts';
import type { Registry } from '../registry/registry.ts';

/** The source of a blob: its `data` field, or else the upstream. */
export async function openBlobSource(
  em: Em,
  registry: Registry,
  blob: Pick<BatchBlob, 'digest' | 'sizeBytes' | 'isEntry' | 'inlineManifestId'>,
): Promise<ContentSource> {
  const { digest, sizeBytes: size, isEntry, inlineManifestId } = blob;
  const document = inlineManifestId === null ? undefined : await readRawManifest(em, inlineManifestId);
  const inline =
    document && readInlineData(document, { digest, size, mediaType: 'application/octet-stream' });
  if (inline !== undefined) return bytesSource(inline);
  return isEntry ? withOtherAddress(registry) : registry;
}

/** Also asks `/manifests/`, where some registries serve entries of an index whose types are not those of manifests. */
export function withOtherAddress(registry: Registry): ContentSource {
  return {
    async fetch(descriptor, options = {}) {
      try {
        return await registry.fetch(descriptor, options);
      } catch (error) {
        if (!isTidemarkError(error) || error.code !== 'CONTENT_UNKNOWN') throw error;
        const found = await getQuietly(registry, descriptor, options);
        if (found === undefined) throw error;
        return bytesSource(found.bytes).fetch(descriptor);
      }
    },
  };
}

/** The caller reports that the blob is missing, rather than an error of this address. */
async function getQuietly(
  registry: Registry,
  { digest }: ContentKey,
  { signal }: FetchOptions,
): Promise<ManifestDocument | undefined> {
  try {
    return await registry.getManifest(digest, signal === undefined ? {} : { signal });
  } catch (error) {
    if (!isTidemarkError(error) || error.retryable) throw error;
    return undefined;
  }
}

export function bytesSource(bytes: Buffer): ContentSource {
  return { fetch: () => Promise.resolve({ offset: 0, bytes: Readable.from([bytes]) }) };
}

/** Downloads and verifies a blob without storing it. */
export async function readThrough(
  source: ContentSource,
  descriptor: ContentKey,
  signal: AbortSignal,
): Promise<void> {
  const body = await verifyInPassing(source).fetch(descriptor, { signal });
  for await (const chunk of body.bytes) if (chunk.byteLength > descriptor.size) return;
}
