import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openFolderStore } from '../../src/content/folder/folder-store.ts';
import { chooseThread, threadOf } from '../../src/threads/download-threads.ts';
import { createScriptedSource } from '../content/scripted-source.ts';
import { blobOf, failure, openClient, openUpstream } from '../registry/open-client.ts';
import { blob } from '../support/upstream/fake-upstream.ts';

const large = blobOf(3_000_000);
const half = 1_500_000;
const lost = { code: 'THREAD_LOST', origin: 'server', retryable: true };

async function openStore() {
  const root = await mkdtemp(join(tmpdir(), 'tidemark-threads-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const store = await openFolderStore({ root });
  const stored = () => readFile(join(root, 'blobs', ...large.key.digest.split(':')));
  return { store, stored, partials: () => readdir(join(root, 'partial')) };
}

/** Ends the thread that reads, in the second half. */
async function* endReader(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let received = 0;
  for await (const chunk of bytes) {
    yield chunk;
    received += chunk.byteLength;
    if (received >= half) await threadOf(chunk).end();
  }
}

/** Ends a thread that hashes and writes, in the second half. */
async function* endWriter(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let received = 0;
  for await (const chunk of bytes) {
    received += chunk.byteLength;
    if (received > half && received - chunk.byteLength <= half) await chooseThread().end();
    yield chunk;
  }
}

test('fault 124: a download thread that ends in the middle of a blob fails the push, and the next one resumes', async () => {
  const { store, stored, partials } = await openStore();
  const upstream = await openUpstream();
  upstream.on(`GET ${large.path}`, (_request, response) => {
    response.writeHead(200, { 'content-length': String(large.bytes.length) });
    response.write(large.bytes.subarray(0, half));
  });
  const registry = openClient(upstream);
  const source: typeof registry = {
    ...registry,
    async fetch(...asked) {
      const { offset, bytes } = await registry.fetch(...asked);
      return { offset, bytes: endReader(bytes) };
    },
  };
  expect(await failure(store.push(large.key, source))).toMatchObject(lost);
  expect(await partials()).toHaveLength(1);

  upstream.on(`GET ${large.path}`, blob(large.bytes));
  const { fetchedBytes } = await store.push(large.key, registry);
  expect(fetchedBytes).toBeLessThan(large.bytes.length);
  expect((await stored()).equals(large.bytes)).toBe(true);
  expect(await partials()).toEqual([]);
});

test('bytes of any source are hashed and written on a thread; a thread that ends takes its hashes along', async () => {
  const { store, stored } = await openStore();
  const source = createScriptedSource(large.bytes);
  const ending = {
    async fetch(...asked: Parameters<typeof source.fetch>) {
      const body = await source.fetch(...asked);
      return { offset: body.offset, bytes: endWriter(body.bytes) };
    },
  };
  expect(await failure(store.push(large.key, ending))).toMatchObject(lost);
  await store.push(large.key, source);
  expect((await stored()).equals(large.bytes)).toBe(true);
});
