import { expect, describe, test } from 'vitest';
import { blob, hang, reset, truncated } from '../../support/upstream/fake-upstream.ts';
import type { Answer } from '../../support/upstream/fake-upstream.ts';
import { blobOf, failure, fixtureCa, openClient, openUpstream, readBody } from '../open-client.ts';

const large = blobOf(3_000_000);
const offset = 1_000_000;
const part = (contentRange: string | string[] | undefined): Answer => ({
  status: 206,
  headers: contentRange === undefined ? {} : { 'content-range': contentRange },
  body: large.bytes.subarray(offset),
});
const size = large.bytes.length;

describe.each([
  { way: 'this thread', threadsFrom: Number.POSITIVE_INFINITY },
  { way: 'a download thread', threadsFrom: 0 },
])('over $way', ({ threadsFrom }) => {
  const settings = { threadsFrom };

  test('a blob comes byte for byte, and connections are used again', async () => {
    const upstream = await openUpstream();
    upstream.on(`GET ${large.path}`, blob(large.bytes));
    const registry = openClient(upstream, {}, settings);
    for (let round = 0; round < 6; round += 1) {
      const body = await registry.fetch(large.key);
      expect(body.offset).toBe(0);
      expect(large.bytes.equals(await readBody(body))).toBe(true);
    }
    // undici may open a second one before it knows the first to be free.
    expect(upstream.connections()).toBeLessThanOrEqual(threadsFrom === 0 ? 1 : 2);
  });

  test('a blob comes over TLS from several requests at once', async () => {
    const upstream = await openUpstream({ tls: {} });
    upstream.on(`GET ${large.path}`, blob(large.bytes));
    const registry = openClient(upstream, { tls: { ca: fixtureCa } }, settings);
    const bodies = await Promise.all(
      [0, offset, 5].map(async (from) => registry.fetch(large.key, { offset: from })),
    );
    const read = await Promise.all(bodies.map(readBody));
    expect(bodies.map((body) => body.offset)).toEqual([0, offset, 5]);
    expect(
      read.map((bytes, index) => bytes.equals(large.bytes.subarray(bodies[index]?.offset ?? 0))),
    ).toEqual([true, true, true]);
  });

  test('a chunked blob comes whole', async () => {
    const upstream = await openUpstream();
    upstream.on(`GET ${large.path}`, (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/octet-stream' });
      response.write(large.bytes.subarray(0, offset));
      response.end(large.bytes.subarray(offset));
    });
    expect(
      large.bytes.equals(await readBody(await openClient(upstream, {}, settings).fetch(large.key))),
    ).toBe(true);
  });

  test('fault 1: a body that ends early is UPSTREAM_TRUNCATED, after the bytes that came', async () => {
    const upstream = await openUpstream();
    upstream.on(`GET ${large.path}`, truncated({ body: large.bytes }, offset));
    const body = await openClient(upstream, {}, settings).fetch(large.key);
    let received = 0;
    const reading = (async () => {
      for await (const chunk of body.bytes) received += chunk.length;
    })();
    expect(await failure(reading)).toMatchObject({ code: 'UPSTREAM_TRUNCATED', retryable: true });
    expect(received).toBe(offset);
  });

  test.each([
    { name: 'larger', body: Buffer.alloc(size + 1) },
    { name: 'smaller', body: large.bytes.subarray(1) },
  ])('fault 2: a Content-Length $name than the descriptor is refused before the body', async ({ body }) => {
    const upstream = await openUpstream();
    upstream.on(`GET ${large.path}`, { body });
    expect((await failure(openClient(upstream, {}, settings).fetch(large.key))).code).toBe('SIZE_MISMATCH');
  });

  test('fault 2: an endless body is read to one byte more than its size', async () => {
    const upstream = await openUpstream();
    upstream.on(`GET ${large.path}`, (_request, response) => {
      response.writeHead(200);
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      };
      response.on('drain', more);
      more();
    });
    const read = await readBody(await openClient(upstream, {}, settings).fetch(large.key));
    expect(read.length).toBe(size + 1);
  });

  test('fault 7: 200 instead of 206 begins at 0', async () => {
    const upstream = await openUpstream();
    upstream.script(`GET ${large.path}`, { body: large.bytes });
    const body = await openClient(upstream, {}, settings).fetch(large.key, { offset });
    expect(body.offset).toBe(0);
    expect(large.bytes.equals(await readBody(body))).toBe(true);
    expect(upstream.requests[0]?.headers.range).toBe(`bytes=${offset}-`);
    upstream.assertDone();
  });

  test.each([
    { name: 'no Content-Range', answer: part(undefined) },
    {
      name: 'two',
      answer: part([`bytes ${offset}-${size - 1}/${size}`, `bytes ${offset}-${size - 1}/${size}`]),
    },
    { name: 'another start', answer: part(`bytes 0-${size - 1}/${size}`) },
    { name: 'another end', answer: part(`bytes ${offset}-${size - 2}/${size}`) },
    { name: 'another total', answer: part(`bytes ${offset}-${size - 1}/${size + 1}`) },
    { name: '416', answer: { status: 416 } as Answer },
  ])('fault 8: 206 with $name is let go, and the whole asked for', async ({ answer }) => {
    const upstream = await openUpstream();
    upstream.script(`GET ${large.path}`, answer, { body: large.bytes });
    const body = await openClient(upstream, {}, settings).fetch(large.key, { offset });
    expect(body.offset).toBe(0);
    expect(large.bytes.equals(await readBody(body))).toBe(true);
    expect(upstream.requests[1]?.headers.range).toBeUndefined();
    upstream.assertDone();
  });

  test.each([`bytes ${offset}-${size - 1}/${size}`, `bytes ${offset}-${size - 1}/*`])(
    'fault 9: %s is the part that was asked for',
    async (contentRange) => {
      const upstream = await openUpstream();
      upstream.script(`GET ${large.path}`, part(contentRange));
      const body = await openClient(upstream, {}, settings).fetch(large.key, { offset });
      expect(body.offset).toBe(offset);
      expect(large.bytes.subarray(offset).equals(await readBody(body))).toBe(true);
      upstream.assertDone();
    },
  );

  test('fault 51: bytes that trickle are a timeout', async () => {
    const upstream = await openUpstream();
    upstream.on(`GET ${large.path}`, (_request, response) => {
      response.writeHead(200, { 'content-length': String(size) });
      const timer = setInterval(() => response.write('x'), 20);
      response.on('close', () => clearInterval(timer));
    });
    const registry = openClient(
      upstream,
      {},
      { ...settings, minimumRate: { bytesPerSecond: 1024, windowMs: 100 } },
    );
    const error = await failure(registry.fetch(large.key).then(readBody));
    expect(error).toMatchObject({ code: 'UPSTREAM_TIMEOUT', retryable: true });
    expect(error.message).toContain('1024 a second');
  });

  test('fault 51: a body that stops is a timeout', async () => {
    const upstream = await openUpstream();
    upstream.on(`GET ${large.path}`, (_request, response) => {
      response.writeHead(200, { 'content-length': String(size) });
      response.write('x');
    });
    const registry = openClient(upstream, { sockReadTimeoutMs: 100 }, settings);
    expect((await failure(registry.fetch(large.key).then(readBody))).code).toBe('UPSTREAM_TIMEOUT');
  });

  test('fault 52: no header in time is a timeout', async () => {
    const upstream = await openUpstream();
    upstream.on(`GET ${large.path}`, hang);
    const registry = openClient(upstream, { sockReadTimeoutMs: 100 }, settings);
    expect((await failure(registry.fetch(large.key))).code).toBe('UPSTREAM_TIMEOUT');
  });

  test('an abort in mid-body ends it with the reason given', async () => {
    const upstream = await openUpstream();
    upstream.on(`GET ${large.path}`, (_request, response) => {
      response.writeHead(200, { 'content-length': String(size) });
      response.write('x');
    });
    const controller = new AbortController();
    const reason = new Error('cancelled by the test');
    const body = await openClient(upstream, {}, settings).fetch(large.key, { signal: controller.signal });
    const reading = (async () => {
      for await (const _chunk of body.bytes) controller.abort(reason);
    })();
    await expect(reading).rejects.toBe(reason);
  });

  test('fault 11: a reset before the answer is followed by another try', async () => {
    const upstream = await openUpstream();
    upstream.script(`GET ${large.path}`, reset, blob(large.bytes));
    expect(
      (await readBody(await openClient(upstream, {}, settings).fetch(large.key))).equals(large.bytes),
    ).toBe(true);
    upstream.assertDone();
  });

  test('404 is CONTENT_UNKNOWN', async () => {
    const upstream = await openUpstream();
    upstream.on(`GET ${large.path}`, { status: 404 });
    expect((await failure(openClient(upstream, {}, settings).fetch(large.key))).code).toBe('CONTENT_UNKNOWN');
  });
});
