import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import { blob, fixture } from '../../support/upstream/fake-upstream.ts';
import type { FakeUpstreamOptions } from '../../support/upstream/fake-upstream.ts';
import {
  blobOf,
  failure,
  fixtureCa,
  manifestOf,
  openClient,
  openUpstream,
  readBody,
} from '../open-client.ts';
import { testSecret } from '../../support/test-secret.ts';

const path = '/v2/library/app/manifests/latest';
const { answer, digest } = manifestOf();
const large = blobOf(200_000);

test.each<{ name: string; tls: NonNullable<FakeUpstreamOptions['tls']>; ca?: string; reason: string }>([
  { name: 'a CA that is not known', tls: {}, reason: 'not trusted' },
  { name: 'a self-signed certificate', tls: { certificate: 'self-signed' }, reason: 'self-signed' },
  { name: 'an expired certificate', tls: { certificate: 'expired' }, ca: fixtureCa, reason: 'expired' },
  {
    name: 'a certificate for another name',
    tls: { certificate: 'other-name' },
    ca: fixtureCa,
    reason: 'another host name',
  },
  { name: 'TLS 1.1', tls: { maxVersion: 'TLSv1.1' }, ca: fixtureCa, reason: 'TLS' },
])('fault 54: $name is TLS_VERIFY_FAILED', async ({ tls, ca, reason }) => {
  const upstream = await openUpstream({ tls });
  const registry = openClient(upstream, ca === undefined ? {} : { tls: { ca } }, { threadsFrom: 0 });
  for (const work of [() => registry.getManifest('latest'), () => registry.fetch(large.key)]) {
    const error = await failure(work());
    expect(error).toMatchObject({ code: 'TLS_VERIFY_FAILED', retryable: false });
    expect(error.message).toContain(reason);
  }
  expect(upstream.requests).toEqual([]);
});

test.each([
  { name: 'its CA is given', tls: {}, options: { ca: fixtureCa } },
  {
    name: 'nothing is verified',
    tls: { certificate: 'expired' as const },
    options: { rejectUnauthorized: false },
  },
  {
    name: 'the client certificate is given',
    tls: { clientCertificate: true },
    options: { ca: fixtureCa, cert: fixture('client.pem'), key: fixture('client.key') },
  },
])('fault 54: an upstream is read when $name', async ({ tls, options }) => {
  const upstream = await openUpstream({ tls });
  upstream.on(`GET ${path}`, answer);
  upstream.on(`GET ${large.path}`, blob(large.bytes));
  const registry = openClient(upstream, { tls: options }, { threadsFrom: 0 });
  expect((await registry.getManifest('latest'))?.digest).toBe(digest);
  expect((await readBody(await registry.fetch(large.key))).equals(large.bytes)).toBe(true);
});

test('fault 55: a client key that does not fit is refused without being shown', async () => {
  const upstream = await openUpstream({ tls: {} });
  const registry = openClient(upstream, { tls: { cert: fixture('client.pem'), key: fixture('server.key') } });
  const error = await failure(registry.getManifest('latest'));
  expect(error).toMatchObject({ code: 'TLS_OPTIONS_INVALID', origin: 'caller' });
  expect(error.message).not.toContain('PRIVATE KEY');
});

describe('proxy', () => {
  interface SeenByProxy {
    readonly target: string;
    readonly credentials: string | undefined;
  }

  async function openProxy(status = 200): Promise<{ host: string; seen: SeenByProxy[] }> {
    const seen: SeenByProxy[] = [];
    const proxy = createServer((request, response) => {
      seen.push({ target: request.url ?? '', credentials: request.headers['proxy-authorization'] });
      const target = new URL(request.url ?? '');
      if (status !== 200) return void response.writeHead(status).end();
      const onward = connect(Number(target.port), target.hostname, () => {
        onward.write(
          `GET ${target.pathname}${target.search} HTTP/1.1\r\nhost: ${target.host}\r\nconnection: close\r\n\r\n`,
        );
        if (response.socket !== null) onward.pipe(response.socket);
      });
    });
    proxy.on('connect', (request, socket) => {
      seen.push({ target: request.url ?? '', credentials: request.headers['proxy-authorization'] });
      if (status !== 200) return void socket.end(`HTTP/1.1 ${status} No\r\n\r\n`);
      const [host, port] = (request.url ?? '').split(':');
      const onward = connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        onward.pipe(socket).pipe(onward);
      });
      onward.on('error', () => socket.destroy());
      socket.on('error', () => onward.destroy());
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    onTestFinished(() => {
      proxy.closeAllConnections();
      proxy.close();
    });
    return { host: `127.0.0.1:${(proxy.address() as AddressInfo).port}`, seen };
  }

  test.each([{ scheme: 'http' }, { scheme: 'https' }])(
    'fault 56: $scheme goes through it, its credentials only there',
    async ({ scheme }) => {
      const proxy = await openProxy();
      const upstream = await openUpstream(scheme === 'https' ? { tls: {} } : {});
      upstream.on(`GET ${path}`, answer);
      upstream.on(`GET ${large.path}`, blob(large.bytes));
      const registry = openClient(upstream, {
        proxyUrl: `http://pu:${testSecret('proxy')}@${proxy.host}`,
        tls: { ca: fixtureCa },
      });
      expect((await registry.getManifest('latest'))?.digest).toBe(digest);
      expect((await readBody(await registry.fetch(large.key))).equals(large.bytes)).toBe(true);
      expect(proxy.seen[0]?.credentials).toBe(
        `Basic ${Buffer.from(`pu:${testSecret('proxy')}`).toString('base64')}`,
      );
      expect(upstream.requests.every(({ headers }) => headers['proxy-authorization'] === undefined)).toBe(
        true,
      );
    },
  );

  test.each([{ scheme: 'http' }, { scheme: 'https' }])(
    'fault 56: 407 over $scheme is PROXY_FAILED',
    async ({ scheme }) => {
      const proxy = await openProxy(407);
      const registry = openClient(
        { url: `${scheme}://127.0.0.1:1` },
        { proxyUrl: `http://pu:${testSecret('proxy')}@${proxy.host}` },
      );
      const error = await failure(registry.getManifest('latest'));
      expect(error).toMatchObject({ code: 'PROXY_FAILED', status: 407, retryable: false });
      expect(error.message).not.toContain(testSecret('proxy'));
    },
  );

  test.each([{ scheme: 'http' }, { scheme: 'https' }])(
    'fault 56: a proxy that is down is PROXY_FAILED over $scheme',
    async ({ scheme }) => {
      const registry = openClient({ url: `${scheme}://127.0.0.1:1` }, { proxyUrl: 'http://127.0.0.1:1' });
      expect(await failure(registry.getManifest('latest'))).toMatchObject({
        code: 'PROXY_FAILED',
        retryable: true,
      });
    },
  );
});
