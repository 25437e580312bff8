import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { mkdir, open, opendir, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../../oci/digest.ts';
import { digestAlgorithm } from '../../oci/digest.ts';
import { TidemarkError } from '../../oci/error.ts';
import type { StreamHash } from './hash-thread.ts';
import { writePartialFile } from './partial-file.ts';
import { removeFile, sizeOf } from './partial-folder.ts';
import { onDisk, systemCode } from '../storage-error.ts';
import { createUploadCharges } from '../upload-charges.ts';
import type { UploadCharges } from '../upload-charges.ts';
import type { FileAdopter } from '../store.ts';

export interface UploadFolderOptions {
  /** Of the blob store: uploads lie beside the blobs, so that a finished one is only renamed. */
  readonly root: string;
  /** Takes a verified file over as a blob. */
  readonly blobs: FileAdopter;
  /** Whether `finish` returns only when the blob survives a power loss. Default true. */
  readonly fsync?: boolean;
}

/**
 * Blobs that clients are uploading, a file each: `uploads/<uuid>`. Its length is how far the upload is, so that one goes on after a
 * restart. The caller sees to it that one at a time writes to an upload. An upload that is not there: `UPLOAD_UNKNOWN`.
 */
export interface UploadFolder {
  create(id: string): Promise<void>;
  /** How many bytes have come; undefined where there is no such upload. */
  sizeOf(id: string): Promise<number | undefined>;
  /**
   * Appends. What came before the source broke off stays.
   * @returns the bytes that the upload has now.
   * @throws TidemarkError `STORAGE_QUOTA` where more does not fit into the blob store's quota; what came before stays.
   */
  append(id: string, bytes: AsyncIterable<Uint8Array>): Promise<number>;
  /**
   * Makes the upload the blob of this digest: verified → fsync → into `blobs/`.
   * @throws TidemarkError `DIGEST_INVALID` when it is not its digest; the upload stays then.
   */
  finish(id: string, digest: Digest): Promise<{ readonly sizeBytes: number }>;
  /** Nothing happens when it is not there. */
  cancel(id: string): Promise<void>;
  /** Removes what nobody has written to for so long, whether anyone knows of it or not. */
  sweep(options: { readonly olderThanMs: number }): Promise<{ readonly removedFiles: number }>;
}

interface Hashed {
  readonly hash: Hash;
  bytes: number;
}

const uploadId = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Uploads whose digest is counted while they come; of the others the file is read once more at the end. */
const maxHashed = 1_000;
const readBytes = 1024 * 1024;

/** @throws TidemarkError `STORAGE_UNAVAILABLE` when the folder cannot be made. */
export async function openUploadFolder(options: UploadFolderOptions): Promise<UploadFolder> {
  const { root, blobs, fsync = true } = options;
  const folder = join(root, 'uploads');
  await onDisk('making the folder of uploads', mkdir(folder, { recursive: true, mode: 0o700 }));
  const hashes = new Map<string, Hashed>();
  const charges = createUploadCharges(blobs.quota);
  if (blobs.quota !== undefined) await chargeFound(folder, charges);

  /** Only what we made ourselves gets into a path. */
  function pathOf(id: string): string {
    if (!uploadId.test(id)) throw unknown(id);
    return join(folder, id);
  }

  /** The digest so far, where this process has counted every byte of the file. */
  function hashedUpTo(id: string, sizeBytes: number): Hashed | undefined {
    const hashed = hashes.get(id);
    if (hashed !== undefined && hashed.bytes === sizeBytes) return hashed;
    hashes.delete(id);
    if (sizeBytes > 0 || hashes.size >= maxHashed) return undefined;
    const fresh = { hash: createHash('sha256'), bytes: 0 };
    hashes.set(id, fresh);
    return fresh;
  }

  return {
    async create(id) {
      const handle = await onDisk('creating an upload', open(pathOf(id), 'wx', 0o600));
      await handle.close();
    },

    sizeOf: async (id) => (uploadId.test(id) ? sizeOf(pathOf(id)) : undefined),

    async append(id, bytes) {
      const handle = await openUpload(pathOf(id), id);
      const before = (await onDisk('reading the size of an upload', handle.stat())).size;
      charges.settle(id, before);
      const hashed = hashedUpTo(id, before);
      const file = writePartialFile({
        handle,
        what: 'an upload',
        sizeBytes: Number.POSITIVE_INFINITY,
        start: before,
        openHash: () => countInto(hashed),
      });
      try {
        for await (const chunk of bytes) {
          charges.more(id, chunk.byteLength);
          await file.append(chunk);
        }
      } finally {
        // After a failed write the file is shorter than what was hashed, and `finish` reads it again.
        try {
          await file.close();
        } finally {
          charges.settle(id, (await sizeOf(pathOf(id))) ?? 0);
        }
      }
      return file.sizeBytes;
    },

    async finish(id, digest) {
      const path = pathOf(id);
      const handle = await openUpload(path, id);
      let sizeBytes: number;
      try {
        sizeBytes = (await onDisk('reading the size of an upload', handle.stat())).size;
        const hashed = digestAlgorithm(digest) === 'sha256' ? hashedUpTo(id, sizeBytes) : undefined;
        const actual =
          hashed === undefined ? await hashFile(handle, digest) : hexOf(hashed.hash.copy(), digest);
        if (actual !== digest) throw mismatch(digest, actual, sizeBytes);
        if (fsync) await onDisk('fsync of an upload', handle.sync());
      } finally {
        await handle.close();
      }
      // as a blob it is charged anew, less what it replaces
      charges.drop(id);
      try {
        await blobs.adopt({ digest, size: sizeBytes, mediaType: 'application/octet-stream' }, path);
      } catch (error) {
        charges.settle(id, (await sizeOf(path)) ?? 0);
        throw error;
      }
      hashes.delete(id);
      return { sizeBytes };
    },

    async cancel(id) {
      hashes.delete(id);
      await removeFile(pathOf(id));
      charges.drop(id);
    },

    async sweep({ olderThanMs }) {
      let removedFiles = 0;
      for await (const entry of await onDisk('reading the uploads', opendir(folder))) {
        if (!entry.isFile() || !uploadId.test(entry.name)) continue;
        if (!(await isOlder(join(folder, entry.name), olderThanMs))) continue;
        hashes.delete(entry.name);
        await removeFile(join(folder, entry.name));
        charges.drop(entry.name);
        removedFiles += 1;
      }
      // finished or cancelled by another process
      for (const id of charges.ids()) if ((await sizeOf(pathOf(id))) === undefined) charges.drop(id);
      return { removedFiles };
    },
  };
}

async function chargeFound(folder: string, charges: UploadCharges): Promise<void> {
  for await (const entry of await onDisk('reading the uploads', opendir(folder)))
    if (entry.isFile() && uploadId.test(entry.name))
      charges.settle(entry.name, (await sizeOf(join(folder, entry.name))) ?? 0);
}

/** The hash of an upload lives longer than one request. */
function countInto(hashed: Hashed | undefined): StreamHash {
  return {
    update(chunk) {
      if (hashed === undefined) return;
      hashed.hash.update(chunk);
      hashed.bytes += chunk.byteLength;
    },
    digest: () => hashed?.hash.copy().digest('hex') ?? '',
    drop() {},
  };
}

async function openUpload(path: string, id: string): Promise<FileHandle> {
  try {
    return await open(path, 'r+');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') throw unknown(id);
    return onDisk('opening an upload', Promise.reject(error as Error));
  }
}

async function hashFile(handle: FileHandle, digest: Digest): Promise<string> {
  const hash = createHash(digestAlgorithm(digest));
  const buffer = Buffer.allocUnsafe(readBytes);
  for (let position = 0; ;) {
    const { bytesRead } = await onDisk(
      'reading an upload',
      handle.read(buffer, 0, buffer.byteLength, position),
    );
    if (bytesRead === 0) return hexOf(hash, digest);
    hash.update(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
}

function hexOf(hash: Hash, digest: Digest): string {
  return `${digestAlgorithm(digest)}:${hash.digest('hex')}`;
}

async function isOlder(path: string, olderThanMs: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && found.mtimeMs <= Date.now() - olderThanMs;
}

function unknown(id: string): TidemarkError {
  return new TidemarkError(
    'UPLOAD_UNKNOWN',
    `There is no upload ${JSON.stringify(id.slice(0, 80))}: it was finished, cancelled, or has expired. Begin a new one.`,
    { origin: 'caller' },
  );
}

function mismatch(digest: Digest, actual: string, sizeBytes: number): TidemarkError {
  return new TidemarkError(
    'DIGEST_INVALID',
    `The ${sizeBytes} bytes that were uploaded have the digest ${actual}, not ${digest}. Cancel the upload and send them again.`,
    { origin: 'caller' },
  );
}
