/** Uploads in parts, continued by several processes: each has a folder of its own, and all share the parts and their records. */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { openFolderStore } from '../../src/content/folder/folder-store.ts';
import { openUploadFolder } from '../../src/content/folder/upload-folder.ts';
import type { PartStore, UploadPart, UploadRecords, UploadStore } from '../../src/content/upload-store.ts';
import { createUploadsInParts } from '../../src/content/uploads-in-parts.ts';
import type { Digest } from '../../src/oci/digest.ts';

const partBytes = 1_000;
const folders: string[] = [];
afterEach(() => Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true }))));

function endOf(parts: readonly UploadPart[]): number {
  const last = parts.at(-1);
  return last === undefined ? 0 : last.startBytes + last.sizeBytes;
}

/** Parts and records in memory, as a bucket and a database keep them. */
function openShared() {
  const objects = new Map<string, Buffer>();
  const uploads = new Map<string, UploadPart[]>();
  const store: PartStore = {
    partBytes,
    async put(id, { path, start, end }) {
      const bytes = (await readFile(path)).subarray(start, end);
      const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest;
      objects.set(`${id}/${digest}`, bytes);
      return digest;
    },
    fetch: (id, { digest }) => Promise.resolve(chunks(objects.get(`${id}/${digest}`) ?? Buffer.alloc(0))),
    async remove(id) {
      for (const key of objects.keys()) if (key.startsWith(`${id}/`)) objects.delete(key);
      await Promise.resolve();
    },
    async *list() {
      yield* new Set([...objects.keys()].map((key) => key.split('/')[0] ?? ''));
    },
  };
  const records: UploadRecords = {
    sizeOf: (id) => Promise.resolve(uploads.has(id) ? endOf(uploads.get(id) ?? []) : undefined),
    parts: (id) => Promise.resolve(uploads.get(id) ?? []),
    add(id, part) {
      const parts = uploads.get(id);
      if (parts === undefined || endOf(parts) !== part.startBytes) return Promise.resolve(false);
      parts.push(part);
      return Promise.resolve(true);
    },
  };
  return { objects, uploads, store, records };
}

type Shared = ReturnType<typeof openShared>;

async function openProcess({ store, records }: Shared): Promise<{ uploads: UploadStore; root: string }> {
  const root = await mkdtemp(join(tmpdir(), 'tidemark-parts-'));
  folders.push(root);
  const blobs = await openFolderStore({ root, fsync: false });
  const local = await openUploadFolder({ root, blobs, fsync: false });
  return { uploads: createUploadsInParts({ local, store, records }), root };
}

async function* chunks(bytes: Buffer, each = 137): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += each) yield bytes.subarray(start, start + each);
}

async function* broken(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield* chunks(bytes);
  throw new Error('the client has gone');
}

const digestOf = (bytes: Buffer): Digest =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest;

async function begin(shared: Shared, uploads: UploadStore): Promise<string> {
  const id = randomUUID();
  shared.uploads.set(id, []);
  await uploads.create(id);
  return id;
}

test('each request at another process: the blob is whole at the last one, and each part has at most its size', async () => {
  const shared = openShared();
  const [one, two, three] = [await openProcess(shared), await openProcess(shared), await openProcess(shared)];
  const processes = [one, two, three];
  const bytes = randomBytes(9_321);
  const id = await begin(shared, one.uploads);
  const ends = [0, 2_500, 2_501, 5_000, 8_000];
  for (const [turn, start] of ends.slice(0, -1).entries()) {
    const { uploads } = processes[(turn + 1) % 3] ?? one;
    await uploads.append(id, chunks(bytes.subarray(start, ends[turn + 1])));
    for (const other of processes) expect(await other.uploads.sizeOf(id)).toBe(ends[turn + 1]);
  }
  expect(shared.uploads.get(id)?.map(({ sizeBytes }) => sizeBytes)).toEqual([
    1_000, 1_000, 500, 1, 1_000, 1_000, 499, 1_000, 1_000, 1_000,
  ]);
  const { uploads, root } = two;
  await uploads.append(id, chunks(bytes.subarray(8_000)), true);
  expect(await uploads.finish(id, digestOf(bytes))).toEqual({ sizeBytes: 9_321 });
  expect(await readFile(join(root, 'blobs', 'sha256', digestOf(bytes).slice(7)))).toEqual(bytes);
  shared.uploads.delete(id);
  for (const process of processes) await process.uploads.sweep({ olderThanMs: 1_000_000 });
  expect([...shared.objects.keys()]).toEqual([]);
  for (const process of processes) expect(await readdir(join(process.root, 'uploads'))).toEqual([]);
});

test('what has arrived of a broken body is kept, and another process goes on after it', async () => {
  const shared = openShared();
  const [one, two] = [await openProcess(shared), await openProcess(shared)];
  const bytes = randomBytes(4_000);
  const id = await begin(shared, one.uploads);
  await expect(one.uploads.append(id, broken(bytes.subarray(0, 1_500)))).rejects.toThrow(
    'the client has gone',
  );
  expect(await two.uploads.sizeOf(id)).toBe(1_500);
  await two.uploads.append(id, chunks(bytes.subarray(1_500)));
  // The file of the first process ends before the upload does.
  await one.uploads.append(id, chunks(Buffer.alloc(0)), true);
  await expect(one.uploads.finish(id, digestOf(Buffer.from('other')))).rejects.toMatchObject({
    code: 'DIGEST_INVALID',
  });
  expect(await one.uploads.finish(id, digestOf(bytes))).toEqual({ sizeBytes: 4_000 });
});

test('fault 72: a process that has lost its lock adds nothing', async () => {
  const shared = openShared();
  const [one, two] = [await openProcess(shared), await openProcess(shared)];
  const id = await begin(shared, one.uploads);
  const late = (async function* late(): AsyncGenerator<Uint8Array> {
    yield Buffer.alloc(10, 1);
    await two.uploads.append(id, chunks(Buffer.alloc(20, 2)));
  })();
  await expect(one.uploads.append(id, late)).rejects.toThrow('which has 20 bytes now');
  expect(shared.uploads.get(id)?.map(({ startBytes, sizeBytes }) => [startBytes, sizeBytes])).toEqual([
    [0, 20],
  ]);
});

test('an upload in one request has no parts, and one that is gone is unknown', async () => {
  const shared = openShared();
  const { uploads } = await openProcess(shared);
  const bytes = randomBytes(2_500);
  const id = await begin(shared, uploads);
  await uploads.append(id, chunks(bytes), true);
  await uploads.finish(id, digestOf(bytes));
  expect(shared.objects.size).toBe(0);
  shared.uploads.delete(id);
  for (const isLast of [true, false])
    await expect(uploads.append(id, chunks(bytes), isLast)).rejects.toMatchObject({ code: 'UPLOAD_UNKNOWN' });
});
