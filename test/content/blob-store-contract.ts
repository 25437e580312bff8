import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BlobStore } from '../../src/content/store.ts';
import { createScriptedSource, keyOf, readAll, refusal, seededBytes } from './scripted-source.ts';

export interface OpenedBlobStore {
  readonly store: BlobStore;
  close(): Promise<void>;
}

/** What a server's blob store does beside `storeContract`. */
export function blobStoreContract(name: string, open: () => Promise<OpenedBlobStore>): void {
  describe(`${name}: the contract of a blob store`, () => {
    let opened: OpenedBlobStore;
    let store: BlobStore;
    beforeEach(async () => {
      opened = await open();
      store = opened.store;
    });
    afterEach(() => opened.close());

    test('a push apart reads the source whole, and resumes only what was begun apart for the same', async () => {
      const bytes = seededBytes(1_000_000);
      const key = keyOf(bytes);
      const push = async (apart: string | undefined, endAfter?: number) => {
        const source = createScriptedSource(bytes, endAfter === undefined ? {} : { endAfter });
        const pushed = store.push(key, source, apart === undefined ? {} : { apart });
        if (endAfter === undefined) await pushed;
        else await refusal(pushed);
        return source.offsets;
      };
      expect(await push('a', 700_000)).toEqual([0]);
      expect(await push('b', 400_000)).toEqual([0]);
      expect(await push(undefined)).toEqual([0]);
      expect(await push('c')).toEqual([0]);
      expect(await push('b')).toEqual([400_000]);
      expect(await push('a')).toEqual([700_000]);
      expect(await push(undefined)).toEqual([]);
      expect((await readAll(await store.fetch(key))).equals(bytes)).toBe(true);
    });

    test('an adopted file leaves its place, and replaces a blob that is there', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'tidemark-adopt-'));
      const path = join(folder, 'upload');
      const bytes = seededBytes(100_000);
      const key = keyOf(bytes);
      for (let round = 0; round < 2; round += 1) {
        await writeFile(path, bytes);
        await store.adopt(key, path);
        await expect(readFile(path)).rejects.toThrow('ENOENT');
        expect((await readAll(await store.fetch(key))).equals(bytes)).toBe(true);
      }
      await rm(folder, { recursive: true });
    });

    test('the inventory has what is stored, and nothing else', async () => {
      const kept = [1, 2, 3].map((seed) => seededBytes(1000 + seed, seed));
      const unfinished = seededBytes(200_000, 4);
      for (const bytes of kept) await store.push(keyOf(bytes), createScriptedSource(bytes));
      await refusal(store.push(keyOf(unfinished), createScriptedSource(unfinished, { endAfter: 100_000 })));
      const listed: string[] = [];
      for await (const digest of store.list()) listed.push(digest);
      expect(listed.sort()).toEqual(kept.map((bytes) => keyOf(bytes).digest).sort());
      const [first = Buffer.alloc(0)] = kept;
      expect(await store.stat(keyOf(first).digest)).toEqual({
        sizeBytes: first.length,
        modifiedAt: expect.any(Date) as Date,
      });
      expect(await store.stat(keyOf(unfinished).digest)).toBeUndefined();
    });

    test('a sweep removes partial files of that age only; then nothing is resumed', async () => {
      const bytes = seededBytes(1_000_000);
      const key = keyOf(bytes);
      await refusal(store.push(key, createScriptedSource(bytes, { endAfter: 400_000 })));
      expect((await store.sweepPartials({ olderThanMs: 3_600_000 })).removedFiles).toBe(0);
      expect((await store.sweepPartials({ olderThanMs: -1000 })).removedBytes).toBe(400_000);
      const source = createScriptedSource(bytes);
      await store.push(key, source);
      expect(source.offsets).toEqual([0]);
    });

    test('a store that works says so', async () => {
      await expect(store.check()).resolves.toBeUndefined();
    });
  });
}
