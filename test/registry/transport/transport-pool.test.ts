/** Clients with the same settings share connections; others do not. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openRegistry } from '../../../src/registry/client.ts';
import type { RegistryOptions } from '../../../src/registry/registry.ts';
import { createTransportPool } from '../../../src/registry/transport/transport-pool.ts';

let connections = 0;
let authorizations: (string | undefined)[] = [];
const server = createServer((request, response) => {
  authorizations.push(request.headers.authorization);
  response.writeHead(200, { 'content-type': 'application/json' }).end('{"name":"app","tags":["v1"]}');
});
let options: RegistryOptions;

beforeAll(async () => {
  server.on('connection', () => {
    connections += 1;
  });
  // longer than the test
  server.keepAliveTimeout = 600_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  options = { url: `http://127.0.0.1:${port}`, upstreamName: 'app', allowPrivate: true };
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

async function list(pool: ReturnType<typeof createTransportPool>, more: Partial<RegistryOptions> = {}) {
  const registry = openRegistry(
    { ...options, ...more },
    { openTransport: (transport) => pool.open(transport) },
  );
  for await (const page of registry.listTags()) expect(page.names).toEqual(['v1']);
  await registry.close();
}

test('one client after the other uses the same connections, each with its own headers', async () => {
  const pool = createTransportPool();
  connections = 0;
  authorizations = [];
  for (const upstreamName of ['a', 'b', 'c', 'd']) await list(pool, { upstreamName });
  await list(pool, { headers: { authorization: 'Bearer mine' } });
  expect(connections).toBe(1);
  expect(authorizations).toEqual([undefined, undefined, undefined, undefined, 'Bearer mine']);
  await pool.close();
});

test.each<[string, Partial<RegistryOptions>]>([
  ['TLS options', { tls: { rejectUnauthorized: false } }],
  ['timeouts', { sockReadTimeoutMs: 59_000 }],
  ['allowed addresses', { allowAddresses: ['10.0.0.0/8'] }],
])('other %s get a connection of their own', async (_, more) => {
  const pool = createTransportPool();
  connections = 0;
  await list(pool);
  await list(pool, more);
  expect(connections).toBe(2);
  await pool.close();
});

test('a closed pool closes what is given back later', async () => {
  const pool = createTransportPool();
  const held = pool.open(options);
  const answer = await held.exchange({ method: 'GET', url: new URL('/v2/', options.url), headers: {} });
  await answer.discard();
  const ended = new Promise<void>((resolve) => {
    server.once('request', (request) => request.socket.once('close', () => resolve()));
  });
  const next = await held.exchange({ method: 'GET', url: new URL('/v2/', options.url), headers: {} });
  await next.discard();
  await pool.close();
  await held.close();
  await ended;
});
