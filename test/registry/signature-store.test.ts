/** What the host of a signature store gets to see of the secrets between a registry and us. */
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { TLSSocket } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { digestBytes } from '../../src/oci/digest-bytes.ts';
import { fixture } from '../support/fake-upstream.ts';
import { testSecret } from '../support/test-secret.ts';
import { fixtureCa, openClient, openUpstream, publicLoopback } from './open-client.ts';

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
