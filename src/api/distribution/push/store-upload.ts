import {
  recordUploadedBlob,
  recordVerifiedUpload,
  uploadedBlobLock,
  wasUploaded,
} from '../../../db/content/uploads.ts';
import type { OpenUpload } from '../../../db/content/uploads.ts';
import type { Digest } from '../../../oci/digest.ts';
import type { Exchange } from '../exchange.ts';

export interface UploadTarget {
  readonly id: string;
  readonly repositoryId: number;
}

/** Stores an upload as the blob of this digest, which its bytes must have. */
export async function storeUpload(exchange: Exchange, upload: UploadTarget, digest: Digest): Promise<void> {
  const { em, api } = exchange;
  await record(exchange, upload, digest, () =>
    api.uploads.finish(upload.id, digest, (sizeBytes) =>
      recordVerifiedUpload(em, upload.id, { digest, sizeBytes }),
    ),
  );
}

/**
 * Whether an earlier request has stored this upload, or a process was killed after it had verified the bytes and moved them among the blobs: the
 * blob is recorded then. The digest alone is not enough, because the blob may be another repository's: the bytes of this upload had it.
 */
export async function completeUpload(
  exchange: Exchange,
  upload: UploadTarget,
  { open, digest }: { readonly open: OpenUpload | undefined; readonly digest: Digest },
): Promise<boolean> {
  const { em, api } = exchange;
  if (open === undefined) return wasUploaded(em, { uploadId: upload.id, ...upload, digest });
  const { verified } = open;
  if (verified?.digest !== digest) return false;
  return record(exchange, upload, digest, async () =>
    (await api.uploads.isMoved(upload.id, verified)) ? verified : undefined,
  );
}

/** Records the blob that `store` has stored, if it has. */
async function record(
  { em, locks, api }: Exchange,
  { id, repositoryId }: UploadTarget,
  digest: Digest,
  store: () => Promise<{ readonly sizeBytes: number } | undefined>,
): Promise<boolean> {
  // Until the row exists, a garbage collection would remove the file (fault 111).
  const isStored = await locks.guarded(uploadedBlobLock(digest), async () => {
    const stored = await store();
    if (stored === undefined) return false;
    await recordUploadedBlob(em, { uploadId: id, repositoryId, digest, sizeBytes: stored.sizeBytes });
    return true;
  });
  // The blob is stored. The sweep removes parts that cannot be removed now.
  if (isStored) await api.uploads.cancel(id).catch(() => undefined);
  return isStored;
}
