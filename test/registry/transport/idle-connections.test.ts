/** Connections are used again before new ones are opened, and one that the server has closed meanwhile costs no try. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { forEachConcurrently } from '../../../src/upstream/limiter.ts';
import type { Answer } from '../../support/upstream/fake-upstream.ts';
import { failure, fixtureCa, manifestOf, openClient, openUpstream } from '../open-client.ts';

const { answer, digest } = manifestOf();
const path = '/v2/library/app/manifests/v1';
const head = { ...answer, status: 200 };

/** Answers the first request of each connection, and closes the connection at the next one. */
function onceAConnection(close: (request: IncomingMessage) => void): Answer {
  const served = new WeakSet<Socket>();
  return (request, response) => {
    if (served.has(request.socket)) return close(request);
    served.add(request.socket);
    response.writeHead(200, {
      ...head.headers,
      'content-length': String(Buffer.byteLength(head.body ?? '')),
    });
    response.end(request.method === 'HEAD' ? undefined : head.body);
  };
}

function sendPart({ socket }: IncomingMessage): void {
  socket.end('HTTP/1.1 200 OK\r\ncontent-');
}

test.each([1, 4])('%d lanes use as many connections', async (lanes) => {
  const upstream = await openUpstream({ fallback: answer });
  const client = openClient(upstream);
  const { signal } = new AbortController();
  await forEachConcurrently(Array(60).keys(), { concurrency: lanes, signal }, async (number) => {
    if (number % 2 === 0) await client.resolve('v1', { signal });
    else await client.getManifest('v1', { signal });
  });
  expect(upstream.requests).toHaveLength(60);
  expect(upstream.connections()).toBeLessThanOrEqual(lanes);
});

describe.each([
  ['http', {}, {}],
  ['https', { tls: {} }, { tls: { ca: fixtureCa } }],
] as const)('a connection that the server closes while it is idle, %s', (_, upstreamOptions, options) => {
  test.each<[string, (request: IncomingMessage) => void]>([
    ['RST', ({ socket }) => void ('encrypted' in socket ? socket.destroy() : socket.resetAndDestroy())],
    ['FIN', ({ socket }) => void socket.destroy()],
  ])('%s: the request is sent on another one, without a retry', async (__, close) => {
    const upstream = await openUpstream({ ...upstreamOptions, fallback: onceAConnection(close) });
    const client = openClient(upstream, { ...options, maxRetries: 0 });
    expect(await client.resolve('v1')).toMatchObject({ digest });
    expect(await client.getManifest('v1')).toMatchObject({ digest });
    expect(upstream.requests).toHaveLength(3);
    expect(upstream.connections()).toBe(2);
  });

  test('bytes came: that counts as a failure', async () => {
    const upstream = await openUpstream({ ...upstreamOptions, fallback: onceAConnection(sendPart) });
    const client = openClient(upstream, { ...options, maxRetries: 0 });
    await client.resolve('v1');
    expect(await failure(client.getManifest('v1'))).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    expect(upstream.requests).toHaveLength(2);
  });
});

test('a new connection that is closed without an answer counts as a failure', async () => {
  const upstream = await openUpstream();
  upstream.on(`GET ${path}`, ({ socket }) => void socket.resetAndDestroy());
  const client = openClient(upstream, { maxRetries: 0 });
  expect(await failure(client.getManifest('v1'))).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
  expect(upstream.requests).toHaveLength(1);
});

test('an idle connection whose server does not answer is no closed one', async () => {
  const upstream = await openUpstream({ fallback: onceAConnection(() => undefined) });
  const client = openClient(upstream, { maxRetries: 0, sockReadTimeoutMs: 100 });
  await client.resolve('v1');
  expect(await failure(client.getManifest('v1'))).toMatchObject({ code: 'UPSTREAM_TIMEOUT' });
  expect(upstream.requests).toHaveLength(2);
});
