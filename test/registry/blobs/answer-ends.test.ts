import type { Socket } from 'node:net';
import { expect, describe, test } from 'vitest';
import { raw } from '../../support/upstream/fake-upstream.ts';
import { blobOf, failure, fixtureCa, openClient, openUpstream, readBody } from '../open-client.ts';

const large = blobOf(3_000_000);
const size = large.bytes.length;

test('an empty blob and one that is whole already need no part', async () => {
  const upstream = await openUpstream();
  const empty = blobOf(0);
  upstream.script(`GET ${empty.path}`, { body: '' });
  const registry = openClient(upstream);
  expect(await readBody(await registry.fetch(empty.key))).toEqual(Buffer.alloc(0));
  expect(await readBody(await registry.fetch(large.key, { offset: size }))).toEqual(Buffer.alloc(0));
  upstream.assertDone();
});

describe.each([
  { scheme: 'http', tls: undefined },
  { scheme: 'https', tls: {} },
])('what follows an answer never becomes the head of the next, over $scheme', ({ tls }) => {
  const small = blobOf(70_000);
  const head = `HTTP/1.1 200 OK\r\ncontent-length: ${small.bytes.length}\r\n\r\n`;
  const forged = `HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nbad`;

  test.each(['with the body', 'after the body was read'])('bytes that come %s', async (when) => {
    const upstream = await openUpstream(tls === undefined ? {} : { tls });
    const sockets: Socket[] = [];
    upstream.on(`GET ${small.path}`, ({ socket }) => {
      sockets.push(socket);
      socket.setNoDelay(true);
      socket.write(Buffer.concat([Buffer.from(head), small.bytes]));
      if (when === 'with the body') socket.write(forged);
    });
    const registry = openClient(
      upstream,
      { maxRetries: 0, ...(tls && { tls: { ca: fixtureCa } }) },
      { threadsFrom: 0 },
    );
    for (let round = 0; round < 5; round += 1) {
      const body = await registry.fetch(small.key);
      const chunks: Buffer[] = [];
      for await (const chunk of body.bytes) {
        chunks.push(Buffer.from(chunk));
        if (when !== 'with the body') sockets.at(-1)?.write(forged);
      }
      expect(Buffer.concat(chunks).equals(small.bytes)).toBe(true);
    }
    expect([upstream.requests.length, new Set(sockets).size]).toEqual([5, 5]);
  });
});

test('a head of 2,000 blanks, or one past the limit, is refused once and not asked for again', async () => {
  const upstream = await openUpstream();
  const one = blobOf(70_000);
  for (const value of [`${' '.repeat(2_000)}\x01`, 'x'.repeat(70_000)]) {
    upstream.on(`GET ${one.path}`, raw(`HTTP/1.1 200 OK\r\ncontent-length: 70000\r\na:${value}\r\n\r\n`));
    upstream.requests.length = 0;
    const error = await failure(openClient(upstream, {}, { threadsFrom: 0 }).fetch(one.key));
    expect(error).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', retryable: false });
    expect(error.message).toContain('not HTTP');
    expect(upstream.requests).toHaveLength(1);
  }
});
