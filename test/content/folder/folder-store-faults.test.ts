import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openFolderStore } from '../../../src/content/folder/folder-store.ts';
import { digestBytes } from '../../../src/oci/digest-bytes.ts';
import type { ContentKey } from '../../../src/oci/content-source.ts';
import { createScriptedSource, keyOf, readAll, refusal, seededBytes } from '../scripted-source.ts';

const run = promisify(execFile);
const pushProcess = fileURLToPath(new URL('../push-process.ts', import.meta.url));

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

describe('files', () => {
  test('a blob lies at blobs/<algorithm>/<hex>, and only when it is whole', async () => {
    const store = await openFolderStore({ root });
    const bytes = seededBytes(100_000);
    const key = keyOf(bytes, 'sha512');
    await refusal(store.push(key, createScriptedSource(bytes, { endAfter: 60_000 })));
    expect(await readdir(join(root, 'blobs', 'sha512'))).toEqual([]);
    expect(await partials()).toHaveLength(1);
    await store.push(key, createScriptedSource(bytes));
    expect((await readFile(pathOf(key))).equals(bytes)).toBe(true);
    expect((await stat(pathOf(key))).mode & 0o777 & ~0o644).toBe(0);
    expect(await partials()).toEqual([]);
  });

  test('fault 84: a blob with another size than its descriptor is not served, and a push repairs it', async () => {
    const store = await openFolderStore({ root });
    const bytes = seededBytes(100_000);
    const key = keyOf(bytes);
    await store.push(key, createScriptedSource(bytes));
    await truncate(pathOf(key), 50_000);
    expect(await store.exists(key)).toBe(false);
    expect(await refusal(store.fetch(key))).toMatchObject({ code: 'CONTENT_UNKNOWN' });
    await store.push(key, createScriptedSource(bytes));
    expect((await readAll(await store.fetch(key))).equals(bytes)).toBe(true);
  });
});

describe('small content', () => {
  test('nothing stays of a push that breaks off, and the next one begins anew; one byte more is resumed', async () => {
    const store = await openFolderStore({ root });
    for (const [sizeBytes, left] of [
      [64 * 1024, 0],
      [64 * 1024 + 1, 1],
    ] as const) {
      const bytes = seededBytes(sizeBytes);
      const broken = createScriptedSource(bytes, { breakAfter: 10_000 });
      await expect(store.push(keyOf(bytes), broken)).rejects.toThrow('broke');
      expect(await partials()).toHaveLength(left);
      const rest = createScriptedSource(bytes);
      await store.push(keyOf(bytes), rest);
      expect(rest.offsets).toEqual([left * 10_000]);
      expect((await readFile(pathOf(keyOf(bytes)))).equals(bytes)).toBe(true);
      expect(await partials()).toEqual([]);
    }
  });

  test('fault 3: a wrong digest is fetched once more, then refused; nothing is written', async () => {
    const store = await openFolderStore({ root });
    const key = keyOf(seededBytes(1000, 1));
    const source = createScriptedSource(seededBytes(1000, 2));
    expect(await refusal(store.push(key, source))).toMatchObject({ code: 'DIGEST_MISMATCH' });
    expect(source.offsets).toEqual([0, 0]);
    expect(await partials()).toEqual([]);
    expect(await store.exists(key)).toBe(false);
  });
});

describe('limits', () => {
  test('fault 53: what would exceed the quota is refused before anything is fetched', async () => {
    const [small, large] = [seededBytes(40_000, 1), seededBytes(60_001, 2)];
    await (await openFolderStore({ root })).push(keyOf(small), createScriptedSource(small));
    const store = await openFolderStore({ root, quotaBytes: 100_000 });
    const source = createScriptedSource(large);
    const error = await refusal(store.push(keyOf(large), source));
    expect(error).toMatchObject({ code: 'STORAGE_QUOTA', origin: 'server' });
    expect(error.message).toMatch(/60001.*40000.*100000/);
    expect(source.offsets).toEqual([]);
    expect(await partials()).toEqual([]);
    expect((await readAll(await store.fetch(keyOf(small)))).equals(small)).toBe(true);
    await store.delete(keyOf(small));
    expect(await store.push(keyOf(large), source)).toEqual({ fetchedBytes: 60_001 });
  });

  test('fault 53: pushes at once cannot exceed the quota together, and a failed one gives its share back', async () => {
    const store = await openFolderStore({ root, quotaBytes: 100_000 });
    const blobs = [1, 2, 3].map((seed) => seededBytes(50_000, seed));
    const results = await Promise.allSettled(
      blobs.map((blob) => store.push(keyOf(blob), createScriptedSource(blob))),
    );
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    // which one has come first, the disk decides
    const of = (status: string) =>
      blobs[results.findIndex((one) => one.status === status)] ?? Buffer.alloc(0);
    const [stored, refused] = [of('fulfilled'), of('rejected')];
    await store.delete(keyOf(stored));
    await expect(
      store.push(keyOf(refused), createScriptedSource(refused, { breakAfter: 10_000 })),
    ).rejects.toThrow('broke');
    expect(await store.push(keyOf(refused), createScriptedSource(refused))).toEqual({ fetchedBytes: 50_000 });
  });

  test('memory does not grow with the size of a blob: 256 MiB', async () => {
    const { stdout } = await run(process.execPath, [pushProcess, 'large', root, '256']);
    expect(stdout).toMatch(/^\d+\n$/);
    expect(Number(stdout)).toBeLessThan(64 * 1024 * 1024);
  });
});

describe('a process that dies', () => {
  test('fault 110: whenever a pushing process is killed, every file in blobs/ is whole and right', async () => {
    let kept = 0;
    for (let round = 1; round <= 8; round++) {
      const child = spawn(process.execPath, [pushProcess, 'loop', root], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      // Killed a different while after its first pushes each time, in the middle of others.
      let lines = 0;
      for await (const output of child.stdout) {
        lines += String(output).split('\n').length - 1;
        if (lines >= round * 5) break;
      }
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      for (const name of await readdir(join(root, 'blobs', 'sha256'))) {
        const bytes = await readFile(join(root, 'blobs', 'sha256', name));
        expect(digestBytes(bytes)).toBe(`sha256:${name}`);
        kept += 1;
      }
    }
    expect(kept).toBeGreaterThan(0);
    // And the next start works with what they left.
    const store = await openFolderStore({ root });
    const bytes = seededBytes(200_000, 1);
    await store.push(keyOf(bytes), createScriptedSource(bytes));
    await store.sweepPartials({ olderThanMs: 0 });
    expect(await partials()).toEqual([]);
  });

  test('fault 112: a sweep removes stale partial files; fresh ones, running ones and strange files stay', async () => {
    const store = await openFolderStore({ root });
    const hourMs = 3_600_000;
    const anHourAgo = new Date(Date.now() - hourMs);
    const stale = await leavePartial(keyOf(seededBytes(5000, 1)), seededBytes(5000, 1));
    const fresh = await leavePartial(keyOf(seededBytes(100, 2)), seededBytes(100, 2));
    const strange = join(root, 'partial', 'notes.txt');
    await writeFile(strange, 'by somebody else');
    for (const path of [stale, strange]) await utimes(path, anHourAgo, anHourAgo);

    const bytes = seededBytes(600_000, 3);
    const abort = new AbortController();
    const hanging = createScriptedSource(bytes, { hangAfter: 300_000 });
    const arrived = Promise.withResolvers<void>();
    const push = store.push(keyOf(bytes), hanging, {
      signal: abort.signal,
      onProgress: (done) => done === 300_000 && arrived.resolve(),
    });
    await arrived.promise;
    expect(await store.sweepPartials({ olderThanMs: hourMs / 2 })).toEqual({
      removedFiles: 1,
      removedBytes: 5000,
    });
    expect(await store.sweepPartials({ olderThanMs: -hourMs })).toEqual({
      removedFiles: 1,
      removedBytes: 100,
    });
    expect(await partials()).toHaveLength(2);
    await expect(readFile(fresh)).rejects.toThrow('ENOENT');
    abort.abort(new Error('enough'));
    await expect(push).rejects.toThrow('enough');
    expect(await store.push(keyOf(bytes), createScriptedSource(bytes))).toEqual({ fetchedBytes: 300_000 });
    expect(await partials()).toEqual(['notes.txt']);
  });
});
