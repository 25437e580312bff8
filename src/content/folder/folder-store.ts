import { mkdir, open, opendir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContentBody, ContentKey, ContentSource, FetchOptions } from '../../oci/content-source.ts';
import type { Digest, DigestAlgorithm } from '../../oci/digest.ts';
import { digestAlgorithm, digestHex, isDigest, parseDigest } from '../../oci/digest.ts';
import { contentUnknown, offsetInvalid } from '../content-error.ts';
import { syncFolder } from '../../files/sync-folder.ts';
import { createDirectorySync } from './directory-sync.ts';
import { openGrowingBlob } from './growing-blob.ts';
import type { PartialPlace } from './partial-blob.ts';
import { pushByFile } from './push-by-file.ts';
import { pushSmall, smallBytes } from './push-small.ts';
import {
  createPartialFinder,
  describeFile,
  probeFolder,
  removeFile,
  sizeOf,
  sweepPartialFolder,
} from './partial-folder.ts';
import { createQuota } from '../quota.ts';
import type { Quota } from '../quota.ts';
import { keepBuffer, takeBuffer } from './read-buffers.ts';
import { createSingleFlight } from '../single-flight.ts';
import { onDisk, systemCode } from '../storage-error.ts';
import type { BlobStore, PushOptions, PushResult } from '../store.ts';

export interface FolderStoreOptions {
  /** The folder, created if missing. Files get 0600 and folders 0700. */
  readonly root: string;
  /**
   * The limit of all blobs together; default none. Stored blobs are counted at open, leftover partial files are not. What other processes store
   * is learned from outside (`Quota.learn`).
   */
  readonly quotaBytes?: number;
  /** Whether a pushed blob survives a power loss. Default true; false for tests and caches. */
  readonly fsync?: boolean;
}

const readBytes = 1024 * 1024;
const algorithms: readonly DigestAlgorithm[] = ['sha256', 'sha512'];

/**
 * Blobs in a folder, laid out as an OCI image layout's `blobs/<algorithm>/<hex>`; partial files beside it in `partial/`.
 * Besides the errors of `ContentStore`, a push throws `STORAGE_QUOTA`, `STORAGE_UNAVAILABLE`, and the signal's reason.
 * @throws TidemarkError `STORAGE_UNAVAILABLE` if the folder cannot be created or read.
 */
export async function openFolderStore(options: FolderStoreOptions): Promise<BlobStore> {
  const { root, quotaBytes, fsync = true } = options;
  await makeFolders(root, fsync);
  const partialFolder = join(root, 'partial');
  const syncs: Record<DigestAlgorithm, () => Promise<void>> = {
    sha256: createDirectorySync(blobFolder(root, 'sha256')),
    sha512: createDirectorySync(blobFolder(root, 'sha512')),
  };
  const folder: Folder = {
    root,
    quota: quotaBytes === undefined ? undefined : createQuota(quotaBytes, await storedBytes(root)),
    partials: {
      folder: partialFolder,
      find: createPartialFinder(partialFolder),
      live: new Set<string>(),
      fsync,
    },
    async syncNames(digest) {
      if (fsync) await onDisk('fsync of the blob folder', syncs[digestAlgorithm(digest)]());
    },
  };
  const { partials, quota } = folder;
  const singleFlight = createSingleFlight();
  const store: BlobStore = {
    exists: async ({ digest, size }) => (await sizeOf(blobPath(root, digest))) === size,
    fetch: async (descriptor, fetchOptions) =>
      fetchBlob(blobPath(root, descriptor.digest), descriptor, fetchOptions),
    push: (descriptor, source, pushOptions = {}) =>
      singleFlight(flightOf(descriptor, pushOptions), pushOptions.signal, () =>
        pushBlob(folder, descriptor, source, pushOptions),
      ),
    grow: (descriptor, growOptions) => {
      const publish = (path: string) => store.adopt(descriptor, path);
      return openGrowingBlob({ ...partials, publish }, store, descriptor, growOptions);
    },
    async delete({ digest }) {
      const path = blobPath(root, digest);
      const presentBytes = quota && (await sizeOf(path));
      await removeFile(path);
      quota?.add(-(presentBytes ?? 0));
    },
    ...(quota && { quota }),
    // Not in single flight with pushes: a wait would reveal another download.
    adopt: (descriptor, path) =>
      singleFlight(`${descriptor.digest} adopted`, undefined, async () => {
        const presentBytes = (await sizeOf(blobPath(root, descriptor.digest))) ?? 0;
        const take = () => moveIn(folder, path, descriptor);
        await (quota === undefined ? take() : quota.charge(descriptor, presentBytes, take));
      }),
    sweepPartials: ({ olderThanMs }) => sweepPartialFolder(partialFolder, olderThanMs, partials.live),
    list: () => listBlobs(root),
    stat: async (digest) => describeFile(blobPath(root, digest)),
    check: () => probeFolder(partialFolder),
  };
  return store;
}

interface Folder {
  readonly root: string;
  readonly quota: Quota | undefined;
  readonly partials: Omit<PartialPlace, 'publish'>;
  /** Makes the name of a blob durable, if the store uses fsync. */
  readonly syncNames: (digest: Digest) => Promise<void>;
}

async function pushBlob(
  folder: Folder,
  descriptor: ContentKey,
  source: ContentSource,
  options: PushOptions,
): Promise<PushResult> {
  const { partials, quota, root } = folder;
  const { digest, size } = descriptor;
  const target = blobPath(root, digest);
  const presentBytes = options.apart === undefined ? await sizeOf(target) : undefined;
  if (presentBytes === size) {
    // Another process may have renamed the blob and not called fsync for the folder yet.
    await folder.syncNames(digest);
    options.onProgress?.(size, size);
    return { fetchedBytes: 0 };
  }
  const publish = async (path: string) => {
    // With `apart` the push was charged in full, so that the quota does not reveal a stored blob. The replaced bytes are freed now.
    const replacedBytes = (await sizeOf(target)) ?? 0;
    await moveIn(folder, path, descriptor);
    quota?.add((presentBytes ?? 0) - replacedBytes);
  };
  const pushBySize = size <= smallBytes ? pushSmall : pushByFile;
  const push = () => pushBySize({ ...partials, publish }, descriptor, source, options);
  return quota === undefined ? push() : quota.charge(descriptor, presentBytes ?? 0, push);
}

/** Pushes of one digest run in series; those with `apart` do not wait for others. */
function flightOf({ digest }: ContentKey, { apart }: PushOptions): string {
  return apart === undefined ? digest : `${digest} ${apart}`;
}

function blobFolder(root: string, algorithm: DigestAlgorithm): string {
  return join(root, 'blobs', algorithm);
}

/** Parses the digest again, so that no other text becomes a path (CVE-2024-3727). */
function blobPath(root: string, digest: Digest): string {
  const parsed = parseDigest(digest);
  return join(blobFolder(root, digestAlgorithm(parsed)), digestHex(parsed));
}

async function makeFolders(root: string, fsync: boolean): Promise<void> {
  const folders = [join(root, 'partial'), ...algorithms.map((algorithm) => blobFolder(root, algorithm))];
  for (const folder of folders)
    await onDisk('making the folders of the blob store', mkdir(folder, { recursive: true, mode: 0o700 }));
  if (!fsync) return;
  for (const folder of [root, join(root, 'blobs'), ...folders])
    await onDisk('fsync of the folders of the blob store', syncFolder(folder));
}

/** Rename, then fsync of the folder. The file was fsynced before (fault 110). */
async function moveIn(folder: Folder, path: string, { digest, size }: ContentKey): Promise<void> {
  const target = blobPath(folder.root, digest);
  try {
    await rename(path, target);
  } catch (error) {
    // Another process may have stored this digest and removed the other partial files, including this one.
    const stored = systemCode(error) === 'ENOENT' && (await sizeOf(target)) === size;
    if (!stored) await onDisk(`renaming ${digest}`, Promise.reject(error as Error));
  }
  await folder.syncNames(digest);
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

/** Opens the file at the first read, so that an unread body keeps no file open. */
async function* readBlob(
  path: string,
  descriptor: ContentKey,
  { offset, chunkBytes, signal }: FetchOptions & { readonly offset: number; readonly chunkBytes: number },
): AsyncGenerator<Uint8Array> {
  const handle = await openBlob(path, descriptor);
  const buffer = takeBuffer(chunkBytes, descriptor.size - offset);
  try {
    for (let position = offset; position < descriptor.size;) {
      signal?.throwIfAborted();
      const read = handle.read(buffer, 0, Math.min(buffer.byteLength, descriptor.size - position), position);
      const { bytesRead } = await onDisk(`reading ${descriptor.digest}`, read);
      if (bytesRead === 0) throw contentUnknown(descriptor, position);
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    keepBuffer(buffer);
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

/** Keeps one name in memory. */
async function* listBlobs(root: string): AsyncGenerator<Digest> {
  for (const algorithm of algorithms)
    for await (const entry of await onDisk(
      'listing the stored blobs',
      opendir(blobFolder(root, algorithm)),
    )) {
      const name = `${algorithm}:${entry.name}`;
      if (entry.isFile() && isDigest(name)) yield name;
    }
}

async function storedBytes(root: string): Promise<number> {
  let sum = 0;
  for await (const digest of listBlobs(root)) sum += (await sizeOf(blobPath(root, digest))) ?? 0;
  return sum;
}
