import { randomBytes } from 'node:crypto';
import { opendir, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../../oci/digest.ts';
import { digestAlgorithm, digestHex, parseDigest } from '../../oci/digest.ts';
import { onDisk, systemCode } from '../storage-error.ts';
import type { StoredContent, SweepResult } from '../store.ts';

export interface Partial {
  readonly path: string;
  readonly sizeBytes: number;
}

const partialName = /^(?:sha256-[a-f0-9]{64}|sha512-[a-f0-9]{128})(?:\.[a-z0-9]{1,24})?\.[a-f0-9]{16}$/;

/** A unique name, across processes. */
export function newPartialPath(folder: string, digest: Digest, apart?: string): string {
  return join(folder, `${namePrefix(digest, apart)}${randomBytes(8).toString('hex')}`);
}

/** The files of other attempts at this digest, with the same `apart`, the largest first. They may be written to by other processes. */
export type PartialFinder = (digest: Digest, apart?: string) => Promise<Partial[]>;

/** Calls during a reading of the folder share the next reading. */
export function createPartialFinder(folder: string): PartialFinder {
  let next: Promise<Map<string, string[]>> | undefined;
  let last: Promise<unknown> = Promise.resolve();

  async function readAfter(previous: Promise<unknown>): Promise<Map<string, string[]>> {
    await previous.catch(() => undefined);
    next = undefined;
    const byPrefix = new Map<string, string[]>();
    for await (const path of listPartials(folder)) {
      const prefix = path.slice(0, path.lastIndexOf('.') + 1);
      byPrefix.set(prefix, [...(byPrefix.get(prefix) ?? []), path]);
    }
    return byPrefix;
  }

  return async (digest, apart) => {
    next ??= last = readAfter(last);
    const paths = (await next).get(join(folder, namePrefix(digest, apart))) ?? [];
    const found: Partial[] = [];
    for (const path of paths) {
      const sizeBytes = await sizeOf(path);
      if (sizeBytes !== undefined) found.push({ path, sizeBytes });
    }
    return found.sort((one, other) => other.sizeBytes - one.sizeBytes);
  };
}

/** Removes files that were not written to for `olderThanMs`, except for those in `live`. */
export async function sweepPartialFolder(
  folder: string,
  olderThanMs: number,
  live: ReadonlySet<string>,
): Promise<SweepResult> {
  const newestMs = Date.now() - olderThanMs;
  let removedFiles = 0;
  let removedBytes = 0;
  for await (const path of listPartials(folder)) {
    if (live.has(path)) continue;
    const found = await onDisk('reading the partial files', stat(path).catch(ignoreMissing));
    if (found === undefined || found.mtimeMs > newestMs) continue;
    await removeFile(path);
    removedFiles += 1;
    removedBytes += found.size;
  }
  return { removedFiles, removedBytes };
}

/** Removes a file; does nothing if it is missing. */
export async function removeFile(path: string): Promise<void> {
  await onDisk('removing a file', unlink(path).catch(ignoreMissing));
}

/** Undefined if the file is missing. */
export async function sizeOf(path: string): Promise<number | undefined> {
  return (await describeFile(path))?.sizeBytes;
}

/** Undefined if the file is missing. */
export async function describeFile(path: string): Promise<StoredContent | undefined> {
  const found = await onDisk('reading the size of a file', stat(path).catch(ignoreMissing));
  return found && { sizeBytes: found.size, modifiedAt: found.mtime };
}

/** Rejects while the folder is not writable: read-only, full, missing (fault 113). */
export async function probeFolder(folder: string): Promise<void> {
  const probe = join(folder, `.probe-${process.pid}`);
  await onDisk('writing a file', writeFile(probe, 'probe\n'));
  // A concurrent probe may have removed it, also in another container with the same process id.
  await removeFile(probe);
}

function ignoreMissing(error: unknown): undefined {
  if (systemCode(error) === 'ENOENT') return undefined;
  throw error;
}

function namePrefix(digest: Digest, apart: string | undefined): string {
  const parsed = parseDigest(digest);
  return `${digestAlgorithm(parsed)}-${digestHex(parsed)}.${apart === undefined ? '' : `${apart}.`}`;
}

async function* listPartials(folder: string): AsyncGenerator<string> {
  for await (const entry of await onDisk('reading the partial files', opendir(folder)))
    if (entry.isFile() && partialName.test(entry.name)) yield join(folder, entry.name);
}
