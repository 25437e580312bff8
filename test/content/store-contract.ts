import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ContentDeleter, ContentStore } from '../../src/content/store.ts';
import { createScriptedSource, keyOf, readAll, refusal, seededBytes } from './scripted-source.ts';
import { testFaults } from './store-contract-faults.ts';

export interface OpenedStore {
  readonly store: ContentStore & ContentDeleter;
  /** The names of temporary files that are there now; a store that has none answers an empty list. */
  temporaryFiles(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** What every store must do; a store without resume by offset is not one. */
export function storeContract(name: string, open: () => Promise<OpenedStore>): void {
  describe(`${name}: the contract of a store`, () => {
    let opened: OpenedStore;
    let store: OpenedStore['store'];
    beforeEach(async () => {
      opened = await open();
      store = opened.store;
    });
    afterEach(async () => {
      const left = await opened.temporaryFiles();
      await opened.close();
      expect(left, 'no temporary file remains').toEqual([]);
    });

    test.each([
      ['no bytes', 0, 10],
      ['one byte', 1, 10],
      ['small chunks', 300_001, 777],
      ['TLS records', 1_500_000, 16_384],
      ['large chunks', 3_000_001, 1_048_576],
      ['one chunk of all', 2_000_000, 2_000_000],
    ])('what was pushed is fetched: %s', async (_case, sizeBytes, chunkBytes) => {
      const bytes = seededBytes(sizeBytes);
      const key = keyOf(bytes);
      expect(await store.exists(key)).toBe(false);
      expect(await store.push(key, createScriptedSource(bytes, { chunkBytes }))).toEqual({
        fetchedBytes: sizeBytes,
      });
      expect(await store.exists(key)).toBe(true);
      expect((await readAll(await store.fetch(key))).equals(bytes)).toBe(true);
    });

    test('sha512 content is stored beside sha256 content', async () => {
      const bytes = seededBytes(1000);
      for (const algorithm of ['sha512', 'sha256'] as const) {
        const key = keyOf(bytes, algorithm);
        expect(await store.exists(key)).toBe(false);
        await store.push(key, createScriptedSource(bytes));
        expect((await readAll(await store.fetch(key))).equals(bytes)).toBe(true);
      }
    });

    test.each([0, 1, 99_999, 100_000])('is fetched from byte %d of 100,000', async (offset) => {
      const bytes = seededBytes(100_000);
      await store.push(keyOf(bytes), createScriptedSource(bytes));
      const body = await store.fetch(keyOf(bytes), { offset });
      expect(body.offset).toBe(offset);
      expect((await readAll(body)).equals(bytes.subarray(offset))).toBe(true);
    });

    test('an offset beyond the end is refused', async () => {
      const bytes = seededBytes(10);
      await store.push(keyOf(bytes), createScriptedSource(bytes));
      expect(await refusal(store.fetch(keyOf(bytes), { offset: 11 }))).toMatchObject({
        code: 'OFFSET_INVALID',
      });
    });

    test('an absent blob is CONTENT_UNKNOWN', async () => {
      expect(await refusal(store.fetch(keyOf(seededBytes(10))))).toMatchObject({ code: 'CONTENT_UNKNOWN' });
    });

    test('a stored blob is not fetched again, and is counted as done', async () => {
      const bytes = seededBytes(1000);
      await store.push(keyOf(bytes), createScriptedSource(bytes));
      const source = createScriptedSource(bytes);
      expect(await store.push(keyOf(bytes), source)).toEqual({ fetchedBytes: 0 });
      expect(source.offsets).toEqual([]);
    });

    test('a store is a source for another push', async () => {
      const bytes = seededBytes(2_500_000);
      const key = keyOf(bytes);
      await store.push(key, createScriptedSource(bytes));
      const other = await open();
      expect(await other.store.push(key, store)).toEqual({ fetchedBytes: key.size });
      expect((await readAll(await other.store.fetch(key))).equals(bytes)).toBe(true);
      await other.close();
    });

    test('deleted content is gone, deleting it again does nothing, and it can be pushed again', async () => {
      const bytes = seededBytes(1000);
      const key = keyOf(bytes);
      await store.push(key, createScriptedSource(bytes));
      await store.delete(key);
      await store.delete(key);
      expect(await store.exists(key)).toBe(false);
      expect(await refusal(store.fetch(key))).toMatchObject({ code: 'CONTENT_UNKNOWN' });
      await store.push(key, createScriptedSource(bytes));
      expect(await store.exists(key)).toBe(true);
    });

    test('progress rises to the size', async () => {
      const bytes = seededBytes(1_000_000);
      const seen: number[] = [];
      await store.push(keyOf(bytes), createScriptedSource(bytes), { onProgress: (done) => seen.push(done) });
      expect(seen.at(-1)).toBe(1_000_000);
      expect(seen).toEqual([...seen].sort((a, b) => a - b));
    });

    test('ten pushes of one digest at once all end well', async () => {
      const bytes = seededBytes(1_000_000);
      const sources = Array.from({ length: 10 }, () => createScriptedSource(bytes));
      const results = await Promise.all(sources.map((source) => store.push(keyOf(bytes), source)));
      expect(results.reduce((sum, { fetchedBytes }) => sum + fetchedBytes, 0)).toBe(1_000_000);
      expect((await readAll(await store.fetch(keyOf(bytes)))).equals(bytes)).toBe(true);
    });

    test('when the first of two pushes breaks off, the second goes on with its own source', async () => {
      const bytes = seededBytes(1_000_000);
      const second = createScriptedSource(bytes);
      const [broken, whole] = await Promise.allSettled([
        store.push(keyOf(bytes), createScriptedSource(bytes, { breakAfter: 400_000 })),
        store.push(keyOf(bytes), second),
      ]);
      expect(broken).toMatchObject({ status: 'rejected', reason: { message: 'the connection broke' } });
      expect(whole).toMatchObject({ status: 'fulfilled', value: { fetchedBytes: 600_000 } });
      expect(second.offsets).toEqual([400_000]);
    });

    testFaults(() => store);

    test('an abort frees a push whose source hangs, and what came is resumed', async () => {
      const bytes = seededBytes(1_000_000);
      const key = keyOf(bytes);
      const abort = new AbortController();
      const push = store.push(key, createScriptedSource(bytes, { hangAfter: 400_000 }), {
        signal: abort.signal,
        onProgress: (done) => done === 400_000 && abort.abort(new Error('enough')),
      });
      await expect(push).rejects.toThrow('enough');
      const resumed = new Set<number>();
      const onProgress = (_: number, resumedBytes: number) => resumed.add(resumedBytes);
      expect(await store.push(key, createScriptedSource(bytes), { onProgress })).toEqual({
        fetchedBytes: 600_000,
      });
      // what was there is told as such, and what is fetched adds nothing to it
      expect(Math.max(...resumed)).toBe(400_000);
      expect([...resumed].at(-1)).toBe(400_000);
    });

    test('an abort frees a push that waits for another one of the same digest', async () => {
      const bytes = seededBytes(1000);
      const [first, second] = [new AbortController(), new AbortController()];
      const running = store.push(keyOf(bytes), createScriptedSource(bytes, { hangAfter: 0 }), {
        signal: first.signal,
      });
      const waiting = store.push(keyOf(bytes), createScriptedSource(bytes), { signal: second.signal });
      second.abort(new Error('second'));
      await expect(waiting).rejects.toThrow('second');
      first.abort(new Error('first'));
      await expect(running).rejects.toThrow('first');
    });
  });
}
