import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { S3Timing } from '../../../src/content/s3/s3-request.ts';
import { openS3Store } from '../../../src/content/s3/s3-store.ts';
import type { ContentKey } from '../../../src/oci/content-source.ts';
import { skipWithout } from '../../interop/peers.ts';
import { answerError, openS3Proxy } from '../../support/servers/s3-proxy.ts';
import type { S3Proxy } from '../../support/servers/s3-proxy.ts';
import { startS3Server } from '../../support/servers/s3-server.ts';
import type { S3Server } from '../../support/servers/s3-server.ts';
import { createScriptedSource, keyOf, readAll, refusal, seededBytes } from '../scripted-source.ts';
import { testSecret } from '../../support/test-secret.ts';

const MIB = 1024 * 1024;
const partBytes = 5 * MIB;
/** Generated and hashed before the tests begin. */
const large = seededBytes(11 * MIB);
const largeKey = keyOf(large);

function contentOf(sizeBytes: number): [Buffer, ContentKey] {
  if (sizeBytes === large.length) return [large, largeKey];
  const bytes = seededBytes(sizeBytes);
  return [bytes, keyOf(bytes)];
}

describe.skipIf(skipWithout('versitygw'))('S3 on its bad days', () => {
  let server: S3Server;
  let proxy: S3Proxy;
  let root: string;
  let prefix: string;
  let store: Awaited<ReturnType<typeof openS3Store>>;

  const open = (change: object = {}, timing?: S3Timing) =>
    openS3Store({
      location: { ...server.location(prefix), endpoint: proxy.url, ...change },
      root,
      credentials: server.credentials,
      partBytes,
      ...(timing && { timing }),
    });
  const count = (start: string) => proxy.requests.filter((request) => request.startsWith(start)).length;

  beforeAll(async () => {
    server = await startS3Server();
  });
  afterAll(() => server?.stop());
  beforeEach(async () => {
    proxy = await openS3Proxy(server.url);
    root = await mkdtemp(join(tmpdir(), 'tidemark-s3-faults-'));
    prefix = randomBytes(6).toString('hex');
    store = await open();
    proxy.requests.length = 0;
  });
  afterEach(async () => {
    store.close();
    await proxy.close();
    await rm(root, { recursive: true, force: true });
  });

  test('a large blob goes in parts of the size that was set, and comes back whole, from any byte', async () => {
    const bytes = seededBytes(12 * MIB + 1);
    const key = keyOf(bytes);
    await store.push(key, createScriptedSource(bytes));
    expect(proxy.requests.filter((request) => request.includes('partNumber='))).toHaveLength(3);
    expect((await readAll(await store.fetch(key))).equals(bytes)).toBe(true);
    const offset = 5 * MIB - 7;
    expect((await readAll(await store.fetch(key, { offset }))).equals(bytes.subarray(offset))).toBe(true);
    expect(await store.stat(key.digest)).toMatchObject({ sizeBytes: bytes.length });
    const listed: string[] = [];
    for await (const digest of store.list()) listed.push(digest);
    expect(listed).toEqual([key.digest]);
    expect(await readdir(join(root, 'partial'))).toEqual([]);
  });

  test('a sha512 blob in parts is verified as well', async () => {
    const bytes = large;
    const key = keyOf(bytes, 'sha512');
    await store.push(key, createScriptedSource(bytes));
    const stored = await readAll(await store.fetch(key));
    expect(`sha512:${createHash('sha512').update(stored).digest('hex')}`).toBe(key.digest);
  });

  test.each([
    ['PUT', '/blobs/', 503, 'SlowDown', 1000],
    ['PUT', 'partNumber=2', 503, 'SlowDown', 11 * MIB],
    ['POST', 'uploads', 500, 'InternalError', 11 * MIB],
    ['HEAD', '/blobs/', 503, 'ServiceUnavailable', 1000],
    ['GET', '/blobs/', 429, 'TooManyRequests', 1000],
  ])('fault 114: %s %s is tried again after %d %s', async (method, part, status, code, sizeBytes) => {
    proxy.fail(method, part, 2, answerError(status, code));
    const [bytes, key] = contentOf(sizeBytes);
    await store.push(key, createScriptedSource(bytes));
    expect((await readAll(await store.fetch(key))).equals(bytes)).toBe(true);
  });

  test('an upload is taken over, and replaces what is there', async () => {
    const path = join(root, 'upload');
    for (let round = 0; round < 2; round += 1) {
      await writeFile(path, large);
      await store.adopt(largeKey, path);
      expect((await readAll(await store.fetch(largeKey))).equals(large)).toBe(true);
      expect(await readdir(root)).toEqual(['partial']);
    }
    expect(count('POST')).toBe(4);
  });

  test('fault 109: a bucket that is full says so', async () => {
    proxy.fail('PUT', '/blobs/', 9, answerError(507, 'InsufficientStorage'));
    const bytes = seededBytes(1000);
    const error = await refusal(store.push(keyOf(bytes), createScriptedSource(bytes)));
    expect(error).toMatchObject({ code: 'STORAGE_FULL', retryable: true });
  });

  test('a bucket that is not there, and keys that do not fit, are told without the keys', async () => {
    expect((await refusal(open({ bucket: 'not-there' }))).message).toContain('NoSuchBucket (HTTP 404)');
    const secretAccessKey = testSecret('s3-wrong');
    const location = { ...server.location(prefix), endpoint: proxy.url };
    const credentials = { ...server.credentials, secretAccessKey };
    const error = await refusal(openS3Store({ location, root, credentials }));
    expect(error.message).toContain('SignatureDoesNotMatch (HTTP 403)');
    expect(error.message).not.toContain(secretAccessKey);
    expect(error.message).not.toContain(credentials.accessKeyId);
  });

  test('a signed address is good for whoever has it, in part too', async () => {
    const sending = await open({ redirect: true });
    const bytes = seededBytes(100_000);
    await sending.push(keyOf(bytes), createScriptedSource(bytes));
    const url = (await sending.signUrl?.(keyOf(bytes))) ?? '';
    const answer = await fetch(url, { headers: { range: 'bytes=10-19' } });
    expect(answer.status).toBe(206);
    expect(Buffer.from(await answer.arrayBuffer()).equals(bytes.subarray(10, 20))).toBe(true);
    sending.close();
    expect(store.signUrl).toBeUndefined();
  });

  test('fault 113: the check of a bucket that is away fails', async () => {
    await store.check();
    proxy.fail('GET', 'list-type=2', 9, answerError(503, 'SlowDown'));
    expect(await refusal(store.check())).toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
  });
});
