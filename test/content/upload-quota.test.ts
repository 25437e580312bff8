import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openFolderStore } from '../../src/content/folder/folder-store.ts';
import { openUploadFolder } from '../../src/content/folder/upload-folder.ts';
import { digestBytes } from '../../src/oci/digest-bytes.ts';

const KIB = 1024;
const quotaBytes = 20 * KIB;
let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tidemark-upload-quota-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function open() {
  const store = await openFolderStore({ root, quotaBytes, fsync: false });
  return { store, uploads: await openUploadFolder({ root, blobs: store, fsync: false }) };
}

async function* chunks(count: number, fill = 1): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < count; sent += 1) yield Buffer.alloc(KIB, fill);
}

async function uploadedBytes(): Promise<number> {
  const names = await readdir(join(root, 'uploads'));
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(root, 'uploads', name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

const modeOf = async (name: string) => (await stat(join(root, name))).mode & 0o777;
const full = { code: 'STORAGE_QUOTA' };

describe('open uploads are charged to the quota', () => {
  test('300 KiB do not get into 20, in one upload or in many', async () => {
    const { uploads } = await open();
    for (let index = 0; index < 10; index += 1) {
      const id = randomUUID();
      await uploads.create(id);
      if (index < 2) await uploads.append(id, chunks(9, index));
      else await expect(uploads.append(id, chunks(30, index))).rejects.toMatchObject(full);
    }
    expect(await uploadedBytes()).toBeLessThanOrEqual(quotaBytes);
  });

  test('cancelled and expired uploads free their quota, and a finished one is counted once', async () => {
    const { uploads } = await open();
    const [first, second, third] = [randomUUID(), randomUUID(), randomUUID()];
    for (const id of [first, second, third]) await uploads.create(id);
    await uploads.append(first, chunks(20));
    await expect(uploads.append(second, chunks(1))).rejects.toMatchObject(full);
    await uploads.cancel(first);
    await uploads.append(second, chunks(15, 2));
    await uploads.finish(second, digestBytes(Buffer.alloc(15 * KIB, 2)));
    await uploads.append(third, chunks(5, 3));
    await expect(uploads.append(third, chunks(1))).rejects.toMatchObject(full);
    await uploads.sweep({ olderThanMs: 0 });
    const again = randomUUID();
    await uploads.create(again);
    expect(await uploads.append(again, chunks(5))).toBe(5 * KIB);
  });

  test('one is finished while a sync still fetches the same digest, and counts once', async () => {
    const { store, uploads } = await open();
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
    const bytes = Buffer.alloc(9 * KIB, 1);
    const descriptor = { digest: digestBytes(bytes), size: bytes.length, mediaType: 'x/y' };
    const slow = async function* () {
      await held;
      yield bytes;
    };
    const pushed = store.push(descriptor, { fetch: () => Promise.resolve({ offset: 0, bytes: slow() }) });
    const id = randomUUID();
    await uploads.create(id);
    await uploads.append(id, chunks(9));
    await uploads.finish(id, descriptor.digest);
    expect(await store.exists(descriptor)).toBe(true);
    letGo();
    await pushed;
    const next = randomUUID();
    await uploads.create(next);
    expect(await uploads.append(next, chunks(11))).toBe(11 * KIB);
    await expect(uploads.append(next, chunks(1))).rejects.toMatchObject(full);
  });

  test('one that its digest refuses stays charged, and so does one of an earlier process', async () => {
    const id = randomUUID();
    const first = await open();
    await first.uploads.create(id);
    await first.uploads.append(id, chunks(18));
    await expect(first.uploads.finish(id, digestBytes(Buffer.from('other')))).rejects.toMatchObject({
      code: 'DIGEST_INVALID',
    });
    for (const { uploads } of [first, await open()]) {
      const next = randomUUID();
      await uploads.create(next);
      await expect(uploads.append(next, chunks(3))).rejects.toMatchObject(full);
      await uploads.cancel(next);
    }
  });
});

test('only the user of the process can read stored blobs', async () => {
  const { uploads } = await open();
  const id = randomUUID();
  await uploads.create(id);
  await uploads.append(id, chunks(1));
  expect(await modeOf(`uploads/${id}`)).toBe(0o600);
  const digest = digestBytes(Buffer.alloc(KIB, 1));
  await uploads.finish(id, digest);
  expect(await modeOf(`blobs/sha256/${digest.slice(7)}`)).toBe(0o600);
  for (const folder of ['blobs', 'blobs/sha256', 'partial', 'uploads'])
    expect(await modeOf(folder)).toBe(0o700);
});
