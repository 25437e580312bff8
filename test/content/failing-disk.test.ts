/** The disk of the blob folder is full, or cannot be written any more. */
import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openFolderStore } from '../../src/content/folder/folder-store.ts';
import {
  fillDisk,
  mountFileDisk,
  mountMemoryDisk,
  remountDisk,
  unmountDisk,
} from '../support/servers/small-disk.ts';
import { createScriptedSource, keyOf, readAll, refusal, seededBytes } from './scripted-source.ts';

let root: string;
let folder: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tidemark-store-'));
  folder = join(root, 'disk');
  await mkdir(folder);
});
afterEach(() => rm(root, { recursive: true, force: true }));

interface OnDisk {
  readonly fault: string;
  readonly mount: () => Promise<string | undefined>;
  readonly skip: (note: string) => void;
}

/** Skips, and says why, where no disk can be mounted. */
async function onDisk({ fault, mount, skip }: OnDisk, play: () => Promise<void>): Promise<void> {
  const reason = await mount();
  if (reason !== undefined) {
    console.warn(`skipped: fault ${fault}: ${reason}`);
    skip(reason);
    return;
  }
  try {
    await play();
  } finally {
    await unmountDisk(folder);
  }
}

const inMemory = () => mountMemoryDisk(folder, 1);

test('fault 109: a full disk is STORAGE_FULL, frees what was written, and pushes go on after space', ({
  skip,
}) =>
  onDisk({ fault: '109', mount: inMemory, skip }, async () => {
    const store = await openFolderStore({ root: folder });
    const [small, large] = [seededBytes(300_000, 1), seededBytes(900_000, 2)];
    await store.push(keyOf(small), createScriptedSource(small));
    // Interrupted first, so that the earlier partial file must go too.
    await refusal(store.push(keyOf(large), createScriptedSource(large, { endAfter: 200_000 })));
    const error = await refusal(store.push(keyOf(large), createScriptedSource(large)));
    expect(error).toMatchObject({ code: 'STORAGE_FULL', origin: 'server', retryable: true });
    expect(error.message).not.toContain(folder);
    expect(await readdir(join(folder, 'partial'))).toEqual([]);
    expect((await readAll(await store.fetch(keyOf(small)))).equals(small)).toBe(true);
    await store.delete(keyOf(small));
    expect(await store.push(keyOf(large), createScriptedSource(large))).toEqual({ fetchedBytes: 900_000 });
  }));

test('fault 109: a disk without room for one more name is STORAGE_FULL at the rename, and loses nothing', ({
  skip,
}) =>
  onDisk({ fault: '109', mount: () => mountFileDisk(folder, 4), skip }, async () => {
    const store = await openFolderStore({ root: folder });
    const [stored, verified] = [seededBytes(50_000, 1), seededBytes(60_000, 2)];
    await store.push(keyOf(stored), createScriptedSource(stored));
    const upload = join(folder, 'upload');
    await writeFile(upload, verified, { flush: true });
    await fillNames(join(folder, 'blobs', 'sha256'), 1);
    const filler = await fillDisk(folder, 0);

    const error = await refusal(store.adopt(keyOf(verified), upload));
    expect(error).toMatchObject({ code: 'STORAGE_FULL', origin: 'server', retryable: true });
    expect(error.message).toContain('renaming');
    expect((await readFile(upload)).equals(verified)).toBe(true);
    expect(await store.exists(keyOf(verified))).toBe(false);
    expect((await readAll(await store.fetch(keyOf(stored)))).equals(stored)).toBe(true);

    await filler.free();
    await store.adopt(keyOf(verified), upload);
    expect((await readAll(await store.fetch(keyOf(verified)))).equals(verified)).toBe(true);
  }));

const name = (number: number) => number.toString(16).padStart(64, '0');

/** Fills the block that a folder has its names in: as many as fit into the first block of another one, less those that it has. */
async function fillNames(target: string, present: number): Promise<void> {
  const scratch = join(folder, 'scratch');
  await mkdir(scratch);
  const { size } = await stat(scratch);
  let fit = 0;
  for (; (await stat(scratch)).size === size; fit += 1) await writeFile(join(scratch, name(fit)), '');
  await rm(scratch, { recursive: true });
  for (let number = 0; number < fit - 1 - present; number += 1)
    await writeFile(join(target, name(number)), '');
}

test('fault 113: a read-only disk is STORAGE_UNAVAILABLE, and what it holds is served', ({ skip }) =>
  onDisk({ fault: '113', mount: inMemory, skip }, async () => {
    const store = await openFolderStore({ root: folder });
    const [stored, other] = [seededBytes(1000, 1), seededBytes(1000, 2)];
    await store.push(keyOf(stored), createScriptedSource(stored));
    await remountDisk(folder, 'ro');
    const error = await refusal(store.push(keyOf(other), createScriptedSource(other)));
    expect(error).toMatchObject({ code: 'STORAGE_UNAVAILABLE', origin: 'server', retryable: true });
    expect(error.message).toContain('EROFS');
    expect((await readAll(await store.fetch(keyOf(stored)))).equals(stored)).toBe(true);
  }));
