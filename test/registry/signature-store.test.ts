/** What the host of a signature store, or of a layer that a manifest has an address for, gets to see of the secrets between a registry and us. */
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { TLSSocket } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { digestBytes } from '../../src/oci/digest-bytes.ts';
import { allowStalls } from '../support/watch/allow-stalls.ts';
import { fixture } from '../support/upstream/fake-upstream.ts';
import { testSecret } from '../support/test-secret.ts';
import { fixtureCa, openClient, openUpstream, publicLoopback } from './open-client.ts';

allowStalls(1_000, 'the TLS servers run on this thread too');

interface Seen {
  readonly certificate: string | undefined;
  readonly headers: NodeJS.Dict<string | string[]>;
}

/** A store without signatures that asks each client for a certificate, and takes those that have none. */
async function openStore(host: string): Promise<{ readonly url: string; readonly seen: Seen[] }> {
  const seen: Seen[] = [];
  const options = {
    cert: fixture('server.pem'),
    key: fixture('server.key'),
    ca: fixtureCa,
    requestCert: true,
    rejectUnauthorized: false,
  };
  const server = createServer(options, ({ socket, headers }, response) => {
    const peer = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
    seen.push({ certificate: peer?.subject, headers });
    response.writeHead(404).end();
  });
  server.listen(0, host);
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `https://${host}:${(server.address() as AddressInfo).port}/sigs`, seen };
}

test.each([
  { host: '127.0.0.2', what: 'another host gets none of them', sees: false },
  { host: '127.0.0.1', what: "the registry's own host gets the client certificate", sees: true },
])('client certificate, headers and credentials: $what', async ({ host, sees }) => {
  const upstream = await openUpstream({ tls: {} });
  const store = await openStore(host);
  const registry = openClient(
    upstream,
    {
      username: 'robot',
      password: testSecret('store'),
      headers: { 'x-key': testSecret('store-header') },
      signatureStore: { url: store.url, allowPrivate: true },
      tls: { ca: fixtureCa, cert: fixture('client.pem'), key: fixture('client.key') },
    },
    { classify: publicLoopback },
  );
  const digest = digestBytes(Buffer.from('an image'));
  for await (const signature of registry.readSignatures('STORE', digest)) expect(signature).toBeUndefined();
  expect(store.seen).toHaveLength(1);
  const [{ certificate, headers } = { certificate: 'none', headers: {} }] = store.seen;
  if (sees) expect(certificate).toContain('CN=');
  else expect(certificate).toBeUndefined();
  expect(headers).not.toHaveProperty('x-key');
  expect(headers).not.toHaveProperty('authorization');
});

test.each(['127.0.0.2', '127.0.0.1'])(
  'the address of a layer on %s gets neither client certificate, headers nor credentials',
  async (host) => {
    const upstream = await openUpstream({ tls: {} });
    const store = await openStore(host);
    const registry = openClient(
      upstream,
      {
        username: 'robot',
        password: testSecret('layer'),
        headers: { 'x-key': testSecret('layer-header') },
        tls: { ca: fixtureCa, cert: fixture('client.pem'), key: fixture('client.key') },
      },
      { classify: publicLoopback },
    );
    const bytes = Buffer.from('a layer');
    const layer = { digest: digestBytes(bytes), size: bytes.length, mediaType: 'application/octet-stream' };
    // the upstream itself is asked first, as a sync does
    upstream.on(`GET /v2/library/app/blobs/${layer.digest}`, { status: 404 });
    await expect(registry.fetch(layer)).rejects.toMatchObject({ code: 'CONTENT_UNKNOWN' });
    await expect(registry.fetchFrom(`${store.url}/layer`, layer)).rejects.toMatchObject({
      code: 'CONTENT_UNKNOWN',
    });
    // an origin of its own, the registry's too
    upstream.on('GET /elsewhere', { status: 404 });
    await expect(registry.fetchFrom(`${upstream.url}/elsewhere`, layer)).rejects.toMatchObject({
      code: 'CONTENT_UNKNOWN',
    });
    const [asked, ...others] = store.seen;
    expect(others).toEqual([]);
    expect(asked?.certificate).toBeUndefined();
    for (const headers of [asked?.headers, upstream.requestsOf('GET /elsewhere')[0]?.headers]) {
      expect(headers).toMatchObject({ accept: '*/*' });
      expect(headers).not.toHaveProperty('authorization');
      expect(headers).not.toHaveProperty('x-key');
    }
    await registry.close();
  },
);
