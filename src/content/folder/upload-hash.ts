import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { Digest } from '../../oci/digest.ts';
import { digestAlgorithm } from '../../oci/digest.ts';
import { onDisk } from '../storage-error.ts';
import type { StreamHash } from './file-target.ts';

/** Uploads that are hashed while they arrive; the others are read again at the end. */
const maxHashed = 1_000;
const readBytes = 1024 * 1024;

export interface Hashed {
  readonly hash: Hash;
  bytes: number;
}

/** By the ids of the uploads. */
export type UploadHashes = Map<string, Hashed>;

/** The hash so far, if this process has hashed every byte of the file. */
export function hashedUpTo(hashes: UploadHashes, id: string, sizeBytes: number): Hashed | undefined {
  const hashed = hashes.get(id);
  if (hashed !== undefined && hashed.bytes === sizeBytes) return hashed;
  hashes.delete(id);
  if (sizeBytes > 0 || hashes.size >= maxHashed) return undefined;
  const fresh = { hash: createHash('sha256'), bytes: 0 };
  hashes.set(id, fresh);
  return fresh;
}

/** The hash of an upload lives longer than one request. */
export function countInto(hashed: Hashed | undefined): StreamHash {
  return {
    update(chunk) {
      if (hashed === undefined) return;
      hashed.hash.update(chunk);
      hashed.bytes += chunk.byteLength;
    },
    digest: () => hashed?.hash.copy().digest('hex') ?? '',
  };
}

export async function hashFile(handle: FileHandle, digest: Digest): Promise<string> {
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

export function hexOf(hash: Hash, digest: Digest): string {
  return `${digestAlgorithm(digest)}:${hash.digest('hex')}`;
}
