import { mkdir, open, opendir } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContentKey } from '../../oci/content-source.ts';
import type { Digest } from '../../oci/digest.ts';
import { digestAlgorithm } from '../../oci/digest.ts';
import { TidemarkError } from '../../oci/error.ts';
import { createLocalTarget } from './file-target.ts';
import { writePartialFile } from './partial-file.ts';
import { describeFile, removeFile, sizeOf } from './partial-folder.ts';
import { countInto, hashFile, hashedUpTo, hexOf } from './upload-hash.ts';
import type { UploadHashes } from './upload-hash.ts';
import { onDisk, systemCode } from '../storage-error.ts';
import type { FileAdopter, ReadOnlyStore } from '../store.ts';
import type { UploadStore } from '../upload-store.ts';
import { unknownUpload } from '../upload-store.ts';

type UploadedBlobs = FileAdopter & Pick<ReadOnlyStore, 'exists'>;

export interface UploadFolderOptions {
  /** The folder of the blob store: uploads are beside the blobs, so that a finished one is only renamed. */
  readonly root: string;
  /** Stores a verified file as a blob. */
  readonly blobs: UploadedBlobs;
  /** Whether a finished blob survives a power loss. Default true. */
  readonly fsync?: boolean;
}

/** A file `uploads/<uuid>` each, whose length is the progress, so that uploads continue after a restart and at another process on the folder. */
export interface UploadFolder extends UploadStore {
  readonly pathOf: (id: string) => string;
}

const uploadId = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

interface Uploads {
  readonly folder: string;
  readonly blobs: UploadedBlobs;
  readonly fsync: boolean;
  readonly hashes: UploadHashes;
}

/** @throws TidemarkError `STORAGE_UNAVAILABLE` if the folder cannot be created. */
export async function openUploadFolder(options: UploadFolderOptions): Promise<UploadFolder> {
  const { root, blobs, fsync = true } = options;
  const folder = join(root, 'uploads');
  await onDisk('making the folder of uploads', mkdir(folder, { recursive: true, mode: 0o700 }));
  const hashes: UploadHashes = new Map();
  if (blobs.quota !== undefined)
    for await (const id of listUploads(folder)) blobs.quota.found((await sizeOf(join(folder, id))) ?? 0);
  const uploads = { folder, blobs, fsync, hashes };
  return {
    pathOf: (id) => pathOf(uploads, id),
    async create(id) {
      const handle = await onDisk('creating an upload', open(pathOf(uploads, id), 'wx', 0o600));
      await handle.close();
    },
    sizeOf: async (id) => (uploadId.test(id) ? openedSize(pathOf(uploads, id)) : undefined),
    append: (id, bytes) => append(uploads, id, bytes),
    finish: (id, digest, onVerified) => finish(uploads, id, digest, onVerified),
    isMoved: (id, verified) => isMoved(uploads, id, verified),
    cancel: (id) => cancel(uploads, id),
    async sweep({ olderThanMs }) {
      const newest = Date.now() - olderThanMs;
      let removedFiles = 0;
      for await (const id of listUploads(folder)) {
        const found = await describeFile(pathOf(uploads, id)).catch(() => undefined);
        if (found === undefined || found.modifiedAt.getTime() > newest) continue;
        await cancel(uploads, id);
        removedFiles += 1;
      }
      return { removedFiles };
    },
  };
}

async function* listUploads(folder: string): AsyncGenerator<string> {
  for await (const entry of await onDisk('reading the uploads', opendir(folder)))
    if (entry.isFile() && uploadId.test(entry.name)) yield entry.name;
}

/** Only our own ids become paths. */
function pathOf({ folder }: Uploads, id: string): string {
  if (!uploadId.test(id)) throw unknownUpload(id);
  return join(folder, id);
}

async function append(uploads: Uploads, id: string, bytes: AsyncIterable<Uint8Array>): Promise<number> {
  const path = pathOf(uploads, id);
  const handle = await openUpload(path, id);
  const before = (await onDisk('reading the size of an upload', handle.stat())).size;
  const reserved = uploads.blobs.quota?.reserve();
  const hashed = hashedUpTo(uploads.hashes, id, before);
  const file = writePartialFile({
    handle,
    what: 'an upload',
    sizeBytes: Number.POSITIVE_INFINITY,
    start: before,
    target: createLocalTarget(handle, () => countInto(hashed)),
  });
  // After a failed write the file is shorter than what was hashed, and another process may fill the gap: `finish` reads it again.
  const forgetHash = () => uploads.hashes.delete(id);
  try {
    for await (const chunk of bytes) {
      reserved?.more('The upload', chunk.byteLength);
      await file.append(chunk);
    }
  } catch (error) {
    forgetHash();
    throw error;
  } finally {
    try {
      await file.close().catch((error: unknown) => {
        forgetHash();
        throw error;
      });
    } finally {
      const after = reserved && (await sizeOf(path));
      // cancelled meanwhile: what has come since then is freed when the quota learns of it
      reserved?.end(after === undefined ? undefined : after - before);
    }
  }
  return file.sizeBytes;
}

async function finish(
  uploads: Uploads,
  id: string,
  digest: Digest,
  onVerified?: (sizeBytes: number) => Promise<void>,
): Promise<{ readonly sizeBytes: number }> {
  const { blobs, fsync, hashes } = uploads;
  const path = pathOf(uploads, id);
  const handle = await openUpload(path, id);
  let sizeBytes: number;
  try {
    sizeBytes = (await onDisk('reading the size of an upload', handle.stat())).size;
    const hashed =
      digestAlgorithm(digest) === 'sha256' ? hashedUpTo(uploads.hashes, id, sizeBytes) : undefined;
    const actual = hashed === undefined ? await hashFile(handle, digest) : hexOf(hashed.hash.copy(), digest);
    if (actual !== digest) throw mismatch(digest, actual, sizeBytes);
    if (fsync) await onDisk('fsync of an upload', handle.sync());
  } finally {
    await handle.close();
  }
  await onVerified?.(sizeBytes);
  // The blob is charged anew, less what it replaces.
  blobs.quota?.add(-sizeBytes);
  try {
    await blobs.adopt(describe(digest, sizeBytes), path);
  } catch (error) {
    blobs.quota?.add(sizeBytes);
    throw error;
  }
  hashes.delete(id);
  return { sizeBytes };
}

async function isMoved(
  uploads: Uploads,
  id: string,
  { digest, sizeBytes }: Parameters<UploadStore['isMoved']>[1],
): Promise<boolean> {
  const path = pathOf(uploads, id);
  const descriptor = describe(digest, sizeBytes);
  if ((await sizeOf(path)) !== undefined || !(await uploads.blobs.exists(descriptor))) return false;
  // Without its file this is only the part that makes the blob durable.
  await uploads.blobs.adopt(descriptor, path);
  return true;
}

function describe(digest: Digest, size: number): ContentKey {
  return { digest, size, mediaType: 'application/octet-stream' };
}

async function cancel(uploads: Uploads, id: string): Promise<void> {
  const { blobs, hashes } = uploads;
  hashes.delete(id);
  const path = pathOf(uploads, id);
  const sizeBytes = blobs.quota && (await sizeOf(path));
  await removeFile(path);
  blobs.quota?.add(-(sizeBytes ?? 0));
}

/** Opened, because another process may have written on another host: NFS then asks its server, and answers from its cache otherwise. */
async function openedSize(path: string): Promise<number | undefined> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined;
    return onDisk('opening an upload', Promise.reject(error as Error));
  });
  if (handle === undefined) return undefined;
  try {
    return (await onDisk('reading the size of an upload', handle.stat())).size;
  } finally {
    await handle.close();
  }
}

async function openUpload(path: string, id: string): Promise<FileHandle> {
  try {
    return await open(path, 'r+');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') throw unknownUpload(id);
    return onDisk('opening an upload', Promise.reject(error as Error));
  }
}

function mismatch(digest: Digest, actual: string, sizeBytes: number): TidemarkError {
  return new TidemarkError(
    'DIGEST_INVALID',
    `The ${sizeBytes} uploaded bytes have the digest ${actual}, not ${digest}. Cancel the upload and send them again.`,
    { origin: 'caller' },
  );
}
