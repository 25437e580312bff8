import { mkdir, open, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContentBody, ContentKey, FetchOptions } from '../oci/content-source.ts';
import type { Digest, DigestAlgorithm } from '../oci/digest.ts';
import { digestAlgorithm, digestHex, parseDigest } from '../oci/digest.ts';
import { TidemarkError } from '../oci/error.ts';
import { contentUnknown, offsetInvalid } from './content-error.ts';
import { createDirectorySync, syncDirectory } from './directory-sync.ts';
import { publish, pushToFolder } from './folder-push.ts';
import type { SweepResult } from './partial-folder.ts';
import { removeFile, sizeOf, sweepPartialFolder } from './partial-folder.ts';
import { createSingleFlight } from './single-flight.ts';
import { onDisk, systemCode } from './storage-error.ts';
import type { ContentDeleter, ContentStore } from './store.ts';

export interface FolderStoreOptions {
  /** The folder; made where missing. Files get 0644 and folders 0755, minus the umask: blobs are no secrets of one user. */
  readonly root: string;
  /**
   * Most bytes that all blobs together may have. Counted at open and kept in memory: processes that share the folder do
   * not see each other's later pushes. Leftover partial files are not counted. Default: no limit.
   */
  readonly quotaBytes?: number;
  /** Whether a push returns only when its blob survives a power loss. Default true; false for tests and caches. */
  readonly fsync?: boolean;
}

export interface FolderStore extends ContentStore, ContentDeleter {
  /**
   * Removes partial files that no attempt has written to for `olderThanMs` (FAULTS row 112). Those of pushes that run in
   * this process stay; for those of other processes choose an age beyond their longest pause, a day say.
   */
  sweepPartials(options: { readonly olderThanMs: number }): Promise<SweepResult>;
  /**
   * Takes a file of the same volume over as a blob. The caller has verified its size and digest and waited for the disk. It replaces a
   * blob that is there: a push repairs what was damaged (FAULTS 84).
   * @throws TidemarkError `STORAGE_QUOTA`, `STORAGE_UNAVAILABLE`
   */
  adopt(descriptor: ContentKey, path: string): Promise<void>;
}

const readBytes = 1024 * 1024;
const algorithms: readonly DigestAlgorithm[] = ['sha256', 'sha512'];

/**
 * Blobs in a folder, laid out as an OCI image layout's `blobs/<algorithm>/<hex>`; partial files beside it in `partial/`.
 * Besides what `ContentStore` names, a push throws `STORAGE_QUOTA`, `STORAGE_UNAVAILABLE`, and the reason of the signal.
 * @throws TidemarkError `STORAGE_UNAVAILABLE` when the folder cannot be made or read.
 */
export async function openFolderStore(options: FolderStoreOptions): Promise<FolderStore> {
  const { root, quotaBytes, fsync = true } = options;
  const partialFolder = join(root, 'partial');
  await makeFolders(root, fsync);
  const quota = quotaBytes === undefined ? undefined : createQuota(quotaBytes, await storedBytes(root));
  const syncFolder: Record<DigestAlgorithm, () => Promise<void>> = {
    sha256: createDirectorySync(blobFolder(root, 'sha256')),
    sha512: createDirectorySync(blobFolder(root, 'sha512')),
  };
  const live = new Set<string>();
  const singleFlight = createSingleFlight();

  const store: FolderStore = {
    exists: async ({ digest, size }) => (await sizeOf(blobPath(root, digest))) === size,

    fetch: async (descriptor, fetchOptions) =>
      fetchBlob(blobPath(root, descriptor.digest), descriptor, fetchOptions),

    push: (descriptor, source, pushOptions = {}) =>
      singleFlight(descriptor.digest, pushOptions.signal, async () => {
        const target = blobPath(root, descriptor.digest);
        const sync = syncFolder[digestAlgorithm(descriptor.digest)];
        const presentBytes = await sizeOf(target);
        if (presentBytes === descriptor.size) {
          // Renamed by a process that died, or is just now, before its fsync of the folder: a caller may rely on it from here on.
          if (fsync) await onDisk('fsync of the blob folder', sync());
          pushOptions.onProgress?.(descriptor.size);
          return { fetchedBytes: 0 };
        }
        const place = { partialFolder, target, fsync, syncFolder: sync, live };
        const push = () => pushToFolder(place, descriptor, source, pushOptions);
        return quota === undefined ? push() : quota.charge(descriptor, presentBytes ?? 0, push);
      }),

    async delete({ digest }) {
      const path = blobPath(root, digest);
      const presentBytes = quota && (await sizeOf(path));
      await removeFile(path);
      quota?.release(presentBytes ?? 0);
    },

    ...(quota && { checkRoom: (moreBytes: number) => quota.check('What is to be fetched', moreBytes) }),

    adopt: (descriptor, path) =>
      singleFlight(descriptor.digest, undefined, async () => {
        const target = blobPath(root, descriptor.digest);
        const place = { target, fsync, syncFolder: syncFolder[digestAlgorithm(descriptor.digest)] };
        const take = () => publish(place, path, descriptor);
        const presentBytes = (await sizeOf(target)) ?? 0;
        await (quota === undefined ? take() : quota.charge(descriptor, presentBytes, take));
      }),

    sweepPartials: ({ olderThanMs }) => sweepPartialFolder(partialFolder, olderThanMs, live),
  };
  return store;
}

function blobFolder(root: string, algorithm: DigestAlgorithm): string {
  return join(root, 'blobs', algorithm);
}

/** Parsed once more where the path is made: no other value gets into one (CVE-2024-3727). */
function blobPath(root: string, digest: Digest): string {
  const parsed = parseDigest(digest);
  return join(blobFolder(root, digestAlgorithm(parsed)), digestHex(parsed));
}

async function makeFolders(root: string, fsync: boolean): Promise<void> {
  const folders = [join(root, 'partial'), ...algorithms.map((algorithm) => blobFolder(root, algorithm))];
  for (const folder of folders)
    await onDisk('making the folders of the blob store', mkdir(folder, { recursive: true, mode: 0o755 }));
  if (!fsync) return;
  for (const folder of [root, join(root, 'blobs'), ...folders])
    await onDisk('fsync of the folders of the blob store', syncDirectory(folder));
}

async function fetchBlob(
  path: string,
  descriptor: ContentKey,
  options: FetchOptions = {},
): Promise<ContentBody> {
  const { offset = 0, chunkBytes = readBytes } = options;
  options.signal?.throwIfAborted();
  const sizeBytes = await sizeOf(path);
  if (sizeBytes !== descriptor.size) throw contentUnknown(descriptor, sizeBytes);
  if (!Number.isSafeInteger(offset) || offset < 0 || offset > sizeBytes)
    throw offsetInvalid(descriptor, offset);
  return { offset, bytes: readBlob(path, descriptor, { ...options, offset, chunkBytes }) };
}

/** Opened at the first read, so that a body nobody reads holds no file open. */
async function* readBlob(
  path: string,
  descriptor: ContentKey,
  { offset, chunkBytes, signal }: FetchOptions & { readonly offset: number; readonly chunkBytes: number },
): AsyncGenerator<Uint8Array> {
  const handle = await openBlob(path, descriptor);
  try {
    const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, descriptor.size - offset));
    for (let position = offset; position < descriptor.size;) {
      signal?.throwIfAborted();
      const read = handle.read(buffer, 0, Math.min(buffer.byteLength, descriptor.size - position), position);
      const { bytesRead } = await onDisk(`reading ${descriptor.digest}`, read);
      if (bytesRead === 0) throw contentUnknown(descriptor, position);
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

async function openBlob(path: string, descriptor: ContentKey) {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') throw contentUnknown(descriptor, undefined);
    return onDisk(`opening ${descriptor.digest}`, Promise.reject(error as Error));
  }
}

/** One look at each blob, one name in memory at a time. */
async function storedBytes(root: string): Promise<number> {
  let sum = 0;
  for (const algorithm of algorithms) {
    const folder = blobFolder(root, algorithm);
    for await (const entry of await onDisk('counting the stored blobs', opendir(folder)))
      if (entry.isFile()) sum += (await sizeOf(join(folder, entry.name))) ?? 0;
  }
  return sum;
}

interface Quota {
  /** @param what For the message: what has so many bytes. */
  check(what: string, moreBytes: number): void;
  /** Runs a push with its size set aside; refuses before the first byte (FAULTS row 53). */
  charge<T>(descriptor: ContentKey, replacedBytes: number, push: () => Promise<T>): Promise<T>;
  release(bytes: number): void;
}

function createQuota(quotaBytes: number, storedAtOpen: number): Quota {
  let usedBytes = storedAtOpen;
  const check: Quota['check'] = (what, moreBytes) => {
    if (usedBytes + moreBytes <= quotaBytes) return;
    throw new TidemarkError(
      'STORAGE_QUOTA',
      `${what} has ${moreBytes} bytes, and ${usedBytes} of the blob store's quota of ${quotaBytes} are used or set aside; ` +
        'nothing was fetched. Raise the quota, or remove versions and collect what is unreferenced.',
      { origin: 'server' },
    );
  };
  return {
    check,
    async charge({ digest, size }, replacedBytes, push) {
      const moreBytes = size - replacedBytes;
      check(digest, moreBytes);
      usedBytes += moreBytes;
      try {
        return await push();
      } catch (error) {
        usedBytes -= moreBytes;
        throw error;
      }
    },
    release(bytes) {
      usedBytes -= bytes;
    },
  };
}
