import { describe, expect, test } from 'vitest';
import { digestBytes } from '../../../src/oci/digest-bytes.ts';
import { json, hang, reset } from '../../support/upstream/fake-upstream.ts';
import type { Answer } from '../../support/upstream/fake-upstream.ts';
import { failure, manifestOf, ociManifest, openClient, openUpstream } from '../open-client.ts';

const path = '/v2/library/app/manifests/latest';
const { bytes, digest, answer } = manifestOf();
const otherDigest = digestBytes(Buffer.from('other'));
const withHeaders = (headers: Record<string, string>): Answer => ({
  headers: { 'content-type': ociManifest, ...headers },
  body: bytes,
});

describe('resolve', () => {
  test('HEAD tells all, and connections are used again', async () => {
    const upstream = await openUpstream();
    upstream.on(`HEAD ${path}`, answer);
    const registry = openClient(upstream);
    const expected = { digest, mediaType: ociManifest, size: bytes.length };
    for (let round = 0; round < 10; round += 1) expect(await registry.resolve('latest')).toEqual(expected);
    // undici may open a second one before it knows the first to be free; without `reset: false` there are ten.
    expect(upstream.connections()).toBeLessThanOrEqual(2);
  });

  test.each<{ readonly name: string; readonly head: Answer }>([
    { name: 'no Docker-Content-Digest (fault 6)', head: withHeaders({}) },
    { name: 'no digest in Docker-Content-Digest', head: withHeaders({ 'docker-content-digest': 'md5:x' }) },
    { name: 'a generic type', head: withHeaders({ ...answer.headers, 'content-type': 'application/json' }) },
    {
      name: 'the type of a web page',
      head: withHeaders({ ...answer.headers, 'content-type': 'text/html' }),
    },
    { name: 'a length of 0', head: { headers: { ...answer.headers, 'content-length': '0' } } },
    { name: '304 that nobody asked for', head: { status: 304 } },
    { name: '403 (containerd/containerd#6684)', head: { status: 403 } },
    { name: '404 (crazy-max/diun#1614)', head: { status: 404 } },
    { name: '405 (distribution/distribution#1485)', head: { status: 405 } },
    ...[400, 401, 406, 410, 500, 501, 503].map((status) => ({ name: `${status}`, head: { status } })),
    { name: '401 with Basic', head: { status: 401, headers: { 'www-authenticate': 'Basic realm="r"' } } },
    { name: 'a reset', head: reset },
  ])('GET decides where HEAD is answered with $name', async ({ head }) => {
    const upstream = await openUpstream();
    upstream.on(`HEAD ${path}`, head);
    upstream.script(`GET ${path}`, answer);
    expect(await openClient(upstream, { maxRetries: 0 }).resolve('latest')).toEqual({
      digest,
      mediaType: ociManifest,
      size: bytes.length,
    });
    upstream.assertDone();
  });

  test('GET decides where HEAD of a digest has another digest', async () => {
    const upstream = await openUpstream();
    const byDigest = `/v2/library/app/manifests/${digest}`;
    upstream.script(`HEAD ${byDigest}`, withHeaders({ 'docker-content-digest': otherDigest }));
    upstream.script(`GET ${byDigest}`, answer);
    expect(await openClient(upstream).resolve(digest)).toMatchObject({ digest });
    upstream.assertDone();
  });

  test('a HEAD that asks to slow down is passed on', async () => {
    const upstream = await openUpstream();
    upstream.script(`HEAD ${path}`, { status: 429 });
    const error = await failure(openClient(upstream, { maxRetries: 0 }).resolve('latest'));
    expect(error).toMatchObject({ code: 'UPSTREAM_RATE_LIMITED', retryable: true });
    upstream.assertDone();
  });

  const known = digestBytes(Buffer.from('what was there before'));
  const present = digestBytes(bytes);
  const tagged = { ...answer, headers: { ...answer.headers, etag: `"${digest}"` } };

  test('a registry whose entity tags are digests is asked by what is known, and 304 says that it is still there', async () => {
    const upstream = await openUpstream();
    upstream.script(`HEAD ${path}`, tagged, { status: 304 }, tagged);
    const registry = openClient(upstream);
    expect(await registry.resolve('latest', { known: present })).toMatchObject({ digest });
    expect(await registry.resolve('latest', { known: present })).toBe('unchanged');
    expect(await registry.resolve('latest', { known })).toMatchObject({ digest });
    const asked = upstream.requests.map(({ headers }) => headers['if-none-match']);
    expect(asked).toEqual([undefined, `"${digest}"`, `"${known}"`]);
    upstream.assertDone();
  });

  test('a registry with other entity tags, or none, is asked without', async () => {
    const upstream = await openUpstream();
    const other = { ...answer, headers: { ...answer.headers, etag: '"0x8D"' } };
    upstream.script(`HEAD ${path}`, other, answer, answer);
    const registry = openClient(upstream);
    for (let round = 0; round < 3; round += 1)
      expect(await registry.resolve('latest', { known: present })).toMatchObject({ digest });
    expect(upstream.requests.map(({ headers }) => headers['if-none-match'])).toEqual(
      Array.from({ length: 3 }),
    );
  });

  test('304 with another digest is not believed: GET is asked', async () => {
    const upstream = await openUpstream();
    upstream.script(`HEAD ${path}`, tagged, { status: 304, headers: { 'docker-content-digest': digest } });
    upstream.script(`GET ${path}`, answer);
    const registry = openClient(upstream);
    await registry.resolve('latest', { known });
    expect(await registry.resolve('latest', { known })).toMatchObject({ digest });
    expect(upstream.requests[2]?.headers['if-none-match']).toBeUndefined();
    upstream.assertDone();
  });

  test('GET answers what is known where the registry says that it is still there, and fetches what is another', async () => {
    const upstream = await openUpstream();
    const other = { status: 304, headers: { 'docker-content-digest': otherDigest } };
    upstream.script(`GET ${path}`, tagged, { status: 304 }, tagged, other, answer);
    const registry = openClient(upstream);
    const document = await registry.getManifest('latest');
    if (document === undefined) throw new Error('nothing came');
    expect(await registry.getManifest('latest', { known: document })).toBe(document);
    expect(await registry.getManifest('latest', { known: { ...document, digest: known } })).toEqual(document);
    expect(await registry.getManifest('latest', { known: document })).toEqual(document);
    const asked = upstream.requests.map(({ headers }) => headers['if-none-match']);
    expect(asked).toEqual([undefined, `"${digest}"`, `"${known}"`, `"${digest}"`, undefined]);
    upstream.assertDone();
  });

  test('fault 35: 404 is undefined, for GET too', async () => {
    const upstream = await openUpstream();
    upstream.on(`HEAD ${path}`, { status: 404 });
    upstream.on(`GET ${path}`, json({ errors: [{ code: 'MANIFEST_UNKNOWN' }] }, {}, 404));
    expect(await openClient(upstream).resolve('latest')).toBeUndefined();
    expect(await openClient(upstream).getManifest('latest')).toBeUndefined();
  });
});

describe('faults that pass', () => {
  test.each([
    { name: '503', fault: { status: 503 } as Answer },
    { name: 'a reset', fault: reset },
    {
      name: 'fault 10: 429 with a Retry-After that is no time',
      fault: { status: 429, headers: { 'retry-after': 'soon' } } as Answer,
    },
    {
      name: 'fault 10: 429 with a Retry-After in the past',
      fault: { status: 429, headers: { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' } } as Answer,
    },
  ])('$name is followed by another try', async ({ fault }) => {
    const upstream = await openUpstream();
    upstream.script(`GET ${path}`, fault, answer);
    expect((await openClient(upstream).getManifest('latest'))?.digest).toBe(digest);
    upstream.assertDone();
  });

  test('fault 10: what a 429 asks to wait is told, and capped at a day', async () => {
    const upstream = await openUpstream();
    upstream.script(`GET ${path}`, { status: 429, headers: { 'retry-after': '31536000' } });
    const waits: number[] = [];
    const registry = openClient(upstream, { onRateLimited: (waitMs) => waits.push(waitMs) });
    const error = await failure(registry.getManifest('latest'));
    expect(error).toMatchObject({
      code: 'UPSTREAM_RATE_LIMITED',
      retryable: true,
      retryAfterMs: 86_400_000,
      status: 429,
    });
    expect(waits).toEqual([86_400_000]);
    upstream.assertDone();
  });

  test('fault 52: no header in time is a timeout, not repeated here', async () => {
    const upstream = await openUpstream();
    upstream.on(`GET ${path}`, hang);
    const error = await failure(openClient(upstream, { sockReadTimeoutMs: 100 }).getManifest('latest'));
    expect(error).toMatchObject({ code: 'UPSTREAM_TIMEOUT', retryable: true });
    expect(upstream.requests).toHaveLength(1);
  });

  test('the total timeout ends a request that hangs', async () => {
    const upstream = await openUpstream();
    upstream.on(`GET ${path}`, hang);
    const error = await failure(openClient(upstream, { totalTimeoutMs: 50 }).getManifest('latest'));
    expect(error.code).toBe('UPSTREAM_TIMEOUT');
    expect(error.message).toContain('total timeout');
  });

  test('an abort ends a request that hangs, with the reason given', async () => {
    const upstream = await openUpstream();
    const controller = new AbortController();
    const reason = new Error('cancelled by the test');
    upstream.on(`GET ${path}`, () => controller.abort(reason));
    await expect(openClient(upstream).getManifest('latest', { signal: controller.signal })).rejects.toBe(
      reason,
    );
  });

  test('beforeRequest is awaited before each request, tokens included', async () => {
    const upstream = await openUpstream();
    upstream.script(
      `GET ${path}`,
      { status: 401, headers: { 'www-authenticate': `Bearer realm="${upstream.url}/token"` } },
      answer,
    );
    upstream.script('GET /token', json({ token: 't' }));
    const before: number[] = [];
    const registry = openClient(upstream, {
      beforeRequest: async () => void before.push(upstream.requests.length),
    });
    await registry.getManifest('latest');
    expect(before).toEqual([0, 1, 2]);
    upstream.assertDone();
  });
});
