import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openFolderStore } from '../../../src/content/folder/folder-store.ts';
import { digestBytes } from '../../../src/oci/digest-bytes.ts';
import type { ContentKey } from '../../../src/oci/content-source.ts';
import { until } from '../../support/until.ts';
import { createScriptedSource, keyOf, readAll, refusal, seededBytes } from '../scripted-source.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tidemark-store-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const partials = () => readdir(join(root, 'partial'));
const pathOf = ({ digest }: ContentKey) => join(root, 'blobs', ...digest.split(':'));

/** Leaves a partial file as an attempt does that was killed. */
async function leavePartial(key: ContentKey, bytes: Uint8Array, attempt = 1): Promise<string> {
  const path = join(root, 'partial', `${key.digest.replace(':', '-')}.${String(attempt).padStart(16, '0')}`);
  await writeFile(path, bytes);
  return path;
}

describe('resume', () => {
  test('takes the largest partial file, never writes to it, and removes all of them at the end', async () => {
    const store = await openFolderStore({ root });
    const bytes = seededBytes(900_000);
    const key = keyOf(bytes);
    await leavePartial(key, bytes.subarray(0, 100_000), 1);
    const largest = await leavePartial(key, bytes.subarray(0, 500_000), 2);
    await leavePartial(key, Buffer.alloc(0), 3);
    await refusal(store.push(key, createScriptedSource(bytes, { endAfter: 0 })));
    expect((await readFile(largest)).byteLength, 'kept: nothing new came').toBe(500_000);

    const source = createScriptedSource(bytes);
    let sizeAtFetch = 0;
    await store.push(key, {
      async fetch(...asked) {
        sizeAtFetch = (await stat(largest)).size;
        return source.fetch(...asked);
      },
    });
    expect(source.offsets).toEqual([500_000]);
    expect(sizeAtFetch).toBe(500_000);
    expect(await partials()).toEqual([]);
    expect((await readAll(await store.fetch(key))).equals(bytes)).toBe(true);
  });

  test('a push that breaks off again and again leaves one partial file, the longest', async () => {
    const store = await openFolderStore({ root });
    const bytes = seededBytes(1_000_000);
    const key = keyOf(bytes);
    for (const expectedBytes of [300_000, 600_000, 900_000]) {
      await expect(store.push(key, createScriptedSource(bytes, { breakAfter: 300_000 }))).rejects.toThrow(
        'broke',
      );
      const [only = '', ...others] = await partials();
      expect(others).toEqual([]);
      expect((await stat(join(root, 'partial', only))).size).toBe(expectedBytes);
    }
    expect(await store.push(key, createScriptedSource(bytes))).toEqual({ fetchedBytes: 100_000 });
  });

  test('a whole partial file is verified and nothing is fetched', async () => {
    const store = await openFolderStore({ root });
    const bytes = seededBytes(500_000);
    await leavePartial(keyOf(bytes), bytes);
    const source = createScriptedSource(bytes);
    expect(await store.push(keyOf(bytes), source)).toEqual({ fetchedBytes: 0 });
    expect(source.offsets).toEqual([]);
    expect(await partials()).toEqual([]);
  });

  test.each([
    ['as long as the content, but wrong', 500_000],
    ['longer than the content', 500_001],
  ])('a partial file %s is discarded', async (_case, sizeBytes) => {
    const store = await openFolderStore({ root });
    const bytes = seededBytes(500_000);
    await leavePartial(keyOf(bytes), Buffer.alloc(sizeBytes));
    const source = createScriptedSource(bytes);
    expect(await store.push(keyOf(bytes), source)).toEqual({ fetchedBytes: 500_000 });
    expect(source.offsets).toEqual([0]);
    expect(await partials()).toEqual([]);
  });

  test('fault 3: a resumed prefix that was wrong is discarded and the content is fetched whole', async () => {
    const store = await openFolderStore({ root });
    const bytes = seededBytes(500_000);
    await leavePartial(keyOf(bytes), Buffer.alloc(200_000));
    const source = createScriptedSource(bytes);
    expect(await store.push(keyOf(bytes), source)).toEqual({ fetchedBytes: 800_000 });
    expect(source.offsets).toEqual([200_000, 0]);
    expect(await partials()).toEqual([]);
  });

  test('two processes that push one digest at once both end well', async () => {
    // Two stores on one folder share nothing in memory, as two processes.
    const stores = await Promise.all([openFolderStore({ root }), openFolderStore({ root })]);
    const bytes = seededBytes(3_000_000);
    for (let round = 0; round < 10; round++) {
      await Promise.all(stores.map((store) => store.push(keyOf(bytes), createScriptedSource(bytes))));
      expect(digestBytes(await readFile(pathOf(keyOf(bytes))))).toBe(keyOf(bytes).digest);
      expect(await partials()).toEqual([]);
      await stores[0].delete(keyOf(bytes));
    }
  });
  test('a push whose partial file another process removed, having stored the digest, ends well', async () => {
    const [slow, quick] = await Promise.all([openFolderStore({ root }), openFolderStore({ root })]);
    const bytes = seededBytes(2_000_000);
    const key = keyOf(bytes);
    async function* halting() {
      yield bytes.subarray(0, 1_000_000);
      const [name = ''] = await partials();
      await until(async () => (await stat(join(root, 'partial', name))).size > 0);
      // The other process resumes what is written of the first half, and stores the whole.
      const { fetchedBytes } = await quick.push(key, createScriptedSource(bytes));
      expect(fetchedBytes).toBeGreaterThanOrEqual(1_000_000);
      expect(fetchedBytes).toBeLessThan(2_000_000);
      expect(await partials()).toEqual([]);
      yield bytes.subarray(1_000_000);
    }
    const pushed = await slow.push(key, { fetch: async () => ({ offset: 0, bytes: halting() }) });
    expect(pushed).toEqual({ fetchedBytes: 2_000_000 });
    expect((await readFile(pathOf(key))).equals(bytes)).toBe(true);
  });
});
