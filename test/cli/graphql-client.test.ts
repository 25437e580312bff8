import { once } from 'node:events';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { subscribeGraphql } from '../../src/cli/graphql-client.ts';

/* What the command line reads of a subscription, whatever the server sends. */

let answer: (response: ServerResponse) => void;
const server = createServer((_, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  answer(response);
});
let apiUrl: string;
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const event = (name: string) => `event: next\ndata: ${JSON.stringify({ data: { name } })}\n\n`;
const complete = 'event: complete\ndata: \n\n';

async function read(): Promise<unknown[]> {
  const seen: unknown[] = [];
  for await (const data of subscribeGraphql(apiUrl, { query: 'subscription { name }' })) seen.push(data);
  return seen;
}

test('events arrive however they are cut, pings between them are ignored', async () => {
  answer = (response) => {
    for (const byte of Buffer.from(`:\n\n${event('ä')}:\n\n${event('b')}${complete}`))
      response.write(Uint8Array.of(byte));
    response.end();
  };
  expect(await read()).toEqual([{ name: 'ä' }, { name: 'b' }]);
});

test.each<[string, string, (response: ServerResponse) => void]>([
  ['ends without its last event', 'without its last event', (response) => response.end(event('a'))],
  ['breaks off', 'cannot be reached', (response) => response.write(event('a'), () => response.destroy())],
  [
    'never ends an event',
    'an event has more than',
    (response) => response.end(`data: ${'x'.repeat(1024 * 1024)}\n`.repeat(6)),
  ],
])('a stream that %s is an error that may be retried', async (_, message, play) => {
  answer = play;
  await expect(read()).rejects.toMatchObject({
    code: 'SERVER_UNREACHABLE',
    retryable: true,
    message: expect.stringContaining(message),
  });
});

test('the errors of an answer are those of the server', async () => {
  answer = (response) =>
    response.end(
      `event: next\ndata: ${JSON.stringify({ errors: [{ message: 'no', extensions: { code: 'NOT_FOUND' } }] })}\n\n${complete}`,
    );
  await expect(read()).rejects.toMatchObject({ code: 'NOT_FOUND', message: 'no' });
});
