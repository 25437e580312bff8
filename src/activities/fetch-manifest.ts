import type { ManifestToStore } from '../db/store-manifests.ts';
import { TidemarkError, isTidemarkError } from '../oci/error.ts';
import { parseManifest } from '../oci/manifest-parse.ts';
import type { SyncContext } from './sync-context.ts';

/** Fetches and parses a manifest by tag or digest; undefined where upstream has none. */
export async function fetchManifest(
  sync: SyncContext,
  reference: string,
  signal: AbortSignal,
): Promise<ManifestToStore | undefined> {
  const document = await sync.registry.getManifest(reference, { signal });
  if (!document) return undefined;
  try {
    const parsed = parseManifest(document.bytes, document.mediaType);
    return { document: { ...document, mediaType: parsed.mediaType }, parsed };
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    throw new TidemarkError(error.code, `${describeReference(sync, reference)}: ${error.message}`, {
      origin: error.origin,
      retryable: error.retryable,
      cause: error,
    });
  }
}

/** `library/nginx:1.25 at https://…`, as messages name it. */
export function describeReference(sync: SyncContext, reference: string): string {
  const separator = reference.includes(':') ? '@' : ':';
  return `${sync.remote.upstreamName}${separator}${reference} at ${sync.remote.url}`;
}
