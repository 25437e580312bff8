import { randomBytes } from 'node:crypto';
import { appendFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateMultipartUploadCommand, ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { S3Timing } from '../../../src/content/s3/s3-request.ts';
import { openS3Store } from '../../../src/content/s3/s3-store.ts';
import type { ContentKey } from '../../../src/oci/content-source.ts';
import { skipWithout } from '../../interop/peers.ts';
import { answerError, openS3Proxy } from '../../support/servers/s3-proxy.ts';
import type { Fault, S3Proxy } from '../../support/servers/s3-proxy.ts';
import { startS3Server } from '../../support/servers/s3-server.ts';
import type { S3Server } from '../../support/servers/s3-server.ts';
import { createScriptedSource, keyOf, readAll, refusal, seededBytes } from '../scripted-source.ts';

const MIB = 1024 * 1024;
const partBytes = 5 * MIB;
/** Generated and hashed before the tests begin. */
const large = seededBytes(11 * MIB);
const largeKey = keyOf(large);
const silent: Fault = () => undefined;

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
  const isStored = (digest: string) =>
    readdir(join(server.folder, prefix, 'blobs', 'sha256')).then(
      (names) => names.includes(digest.slice(7)),
      () => false,
    );
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

  describe('a server that says nothing', () => {
    let patient: Awaited<ReturnType<typeof openS3Store>>;
    const unavailable = { code: 'STORAGE_UNAVAILABLE', retryable: true };

    beforeEach(async () => {
      patient = await open({}, { answerWithinMs: 2_000, silenceMs: 2_000, giveUpAfterMs: 1_000 });
    });
    afterEach(() => patient.close());

    test.each(['HEAD', 'GET', 'PUT'])('to %s is given up at one deadline', async (method) => {
      const bytes = seededBytes(10_000);
      const key = keyOf(bytes);
      if (method !== 'PUT') await store.push(key, createScriptedSource(bytes));
      proxy.fail(method, key.digest.slice(7), 100, silent);
      proxy.requests.length = 0;
      const path = join(root, 'verified');
      await writeFile(path, bytes);
      const asked = {
        HEAD: () => patient.exists(key),
        GET: () => patient.fetch(key),
        PUT: () => patient.adopt(key, path),
      }[method];
      await expect(asked?.()).rejects.toMatchObject(unavailable);
      expect(count(method)).toBe(1);
    });

    test('in the middle of a body is given up too', async () => {
      const bytes = seededBytes(3 * MIB);
      const key = keyOf(bytes);
      await store.push(key, createScriptedSource(bytes));
      proxy.fail('GET', key.digest.slice(7), 100, (_request, response) => {
        response.writeHead(200, { 'content-length': bytes.length }).write(bytes.subarray(0, 1_000));
      });
      await expect(patient.fetch(key).then(readAll)).rejects.toMatchObject(unavailable);
    });
  });

  test('fault 114: a server that stays away makes a retryable error, and the next push fetches nothing again', async () => {
    proxy.fail('PUT', '/blobs/', 6, answerError(503, 'SlowDown'));
    const bytes = seededBytes(1000);
    const error = await refusal(store.push(keyOf(bytes), createScriptedSource(bytes)));
    expect(error).toMatchObject({ code: 'STORAGE_UNAVAILABLE', retryable: true, origin: 'server' });
    expect(error.message).toContain('SlowDown (HTTP 503)');
    expect(await store.exists(keyOf(bytes))).toBe(false);
    const again = createScriptedSource(bytes);
    expect(await store.push(keyOf(bytes), again)).toEqual({ fetchedBytes: 0 });
    expect(again.offsets).toEqual([]);
  });

  test('fault 114: a 404 right after the upload is looked at again', async () => {
    const bytes = seededBytes(1000);
    // the first says that it is not stored yet; the others come after the PUT
    proxy.fail('HEAD', '/blobs/', 4, answerError(404, 'NotFound'));
    await store.push(keyOf(bytes), createScriptedSource(bytes));
    expect(count('HEAD')).toBe(5);
    expect(count('PUT')).toBe(1);
  });

  test('fault 114: what stays invisible after its upload is not taken for stored', async () => {
    const bytes = seededBytes(1000);
    proxy.fail('HEAD', '/blobs/', 7, answerError(404, 'NotFound'));
    const error = await refusal(store.push(keyOf(bytes), createScriptedSource(bytes)));
    expect(error).toMatchObject({ code: 'STORAGE_UNAVAILABLE', retryable: true });
    expect(error.message).toContain('does not have it now');
  });

  test('fault 114: uploads in parts that nobody goes on with are aborted, others are not', async () => {
    const client = new S3Client({
      endpoint: server.url,
      forcePathStyle: true,
      region: 'us-east-1',
      credentials: server.credentials,
    });
    const bucket = server.location(prefix).bucket;
    for (const folder of [prefix, `${prefix}-other`])
      await client.send(
        new CreateMultipartUploadCommand({ Bucket: bucket, Key: `${folder}/blobs/sha256/x` }),
      );
    const keys = async () =>
      (await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads?.map(
        ({ Key = '' }) => Key,
      ).filter((key) => key.startsWith(prefix));
    await store.sweepPartials({ olderThanMs: 60_000 });
    expect(await keys()).toHaveLength(2);
    await store.sweepPartials({ olderThanMs: -60_000 });
    expect(await keys()).toEqual([`${prefix}-other/blobs/sha256/x`]);
    client.destroy();
  });

  test('a part that fails for good aborts its upload, and nothing is stored', async () => {
    proxy.fail('PUT', 'partNumber=2', 9, answerError(403, 'AccessDenied'));
    const error = await refusal(store.push(largeKey, createScriptedSource(large)));
    expect(error).toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    expect(error.message).toContain('AccessDenied (HTTP 403)');
    expect(proxy.requests.filter((request) => /^DELETE .*uploadId=/.test(request))).toHaveLength(1);
    expect(await isStored(largeKey.digest)).toBe(false);
  });

  test.each([1000, 11 * MIB])(
    'bytes that change on the way to S3 are refused by it: %d bytes',
    async (sizeBytes) => {
      let changed = 0;
      proxy.fail('PUT', '/blobs/', 99, (_request, _response, forward) =>
        forward({
          body: (chunk) => {
            changed += 1;
            const other = Buffer.from(chunk);
            other[0] = (other[0] ?? 0) ^ 1;
            return other;
          },
        }),
      );
      const [bytes, key] = contentOf(sizeBytes);
      const error = await refusal(store.push(key, createScriptedSource(bytes)));
      expect(changed).toBeGreaterThan(0);
      expect(error.code).toBe('STORAGE_UNAVAILABLE');
      expect(await isStored(key.digest)).toBe(false);
    },
  );

  test('a body that breaks off is gone on with from there', async () => {
    const bytes = seededBytes(3 * MIB);
    await store.push(keyOf(bytes), createScriptedSource(bytes));
    proxy.fail('GET', '/blobs/', 2, (_request, _response, forward) => forward({ breakAfter: MIB }));
    expect((await readAll(await store.fetch(keyOf(bytes)))).equals(bytes)).toBe(true);
    expect(count('GET')).toBe(3);
  });

  test('an aborted reader lets go of its body', async () => {
    const bytes = seededBytes(8 * MIB);
    await store.push(keyOf(bytes), createScriptedSource(bytes));
    const abort = new AbortController();
    const { bytes: body } = await store.fetch(keyOf(bytes), { signal: abort.signal });
    const reading = body[Symbol.asyncIterator]();
    await reading.next();
    abort.abort(new Error('enough'));
    await expect(
      (async () => {
        while ((await reading.next()).done !== true);
      })(),
    ).rejects.toThrow('enough');
  });

  test('an object that was replaced by another size is as good as absent', async () => {
    const bytes = seededBytes(1000);
    const key = keyOf(bytes);
    await store.push(key, createScriptedSource(bytes));
    await appendFile(join(server.folder, prefix, 'blobs', 'sha256', key.digest.slice(7)), 'more');
    expect(await store.exists(key)).toBe(false);
    expect(await refusal(store.fetch(key))).toMatchObject({ code: 'CONTENT_UNKNOWN' });
    await store.push(key, createScriptedSource(bytes));
    expect((await readAll(await store.fetch(key))).equals(bytes)).toBe(true);
  });
});
