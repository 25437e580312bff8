import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { digestBytes } from '../../../src/oci/digest-bytes.ts';
import { raw, reset } from '../../support/upstream/fake-upstream.ts';
import type { Answer } from '../../support/upstream/fake-upstream.ts';
import { failure, manifestOf, ociManifest, openClient, openUpstream } from '../open-client.ts';

const path = '/v2/library/app/manifests/latest';
const { bytes, digest, answer } = manifestOf();
const otherDigest = digestBytes(Buffer.from('other'));
const withHeaders = (headers: Record<string, string>): Answer => ({
  headers: { 'content-type': ociManifest, ...headers },
  body: bytes,
});

const good: { name: string; answer: Answer; mediaType?: string }[] = [
  { name: 'a manifest comes with its digest', answer },
  { name: 'fault 6: a missing Docker-Content-Digest is computed', answer: withHeaders({}) },
  {
    name: 'fault 25: gzip that nobody asked for is undone before the digest',
    answer: {
      headers: { 'content-type': ociManifest, 'docker-content-digest': digest, 'content-encoding': 'gzip' },
      body: gzipSync(bytes),
    },
  },
  {
    name: 'fault 39: parameters of Content-Type are left out',
    answer: withHeaders({ 'content-type': `${ociManifest}; charset=utf-8` }),
  },
  {
    name: 'fault 39: a generic Content-Type stays where the document names no type',
    answer: withHeaders({ 'content-type': 'application/octet-stream' }),
    mediaType: 'application/octet-stream',
  },
  {
    name: 'fault 43: a sha512 Docker-Content-Digest is compared as such',
    answer: withHeaders({ 'docker-content-digest': digestBytes(bytes, 'sha512') }),
  },
];

test.each(good)('$name', async ({ answer: given, mediaType = ociManifest }) => {
  const upstream = await openUpstream();
  upstream.script(`GET ${path}`, given);
  expect(await openClient(upstream).getManifest('latest')).toEqual({ digest, mediaType, bytes });
  expect(upstream.requests[0]?.headers['accept-encoding']).toBe('identity');
  expect(upstream.requests[0]?.headers.accept).toContain(ociManifest);
  upstream.assertDone();
});

test('fault 39: a generic Content-Type gives way to the mediaType of the document', async () => {
  const upstream = await openUpstream();
  const document = manifestOf(`{"mediaType":"${ociManifest}"}`);
  upstream.script(`GET ${path}`, { headers: { 'content-type': 'text/plain' }, body: document.bytes });
  expect((await openClient(upstream).getManifest('latest'))?.mediaType).toBe(ociManifest);
});

const bad: { name: string; answer: Answer; code: string; message?: string }[] = [
  {
    name: 'fault 5: Docker-Content-Digest disagrees with the body',
    answer: withHeaders({ 'docker-content-digest': otherDigest }),
    code: 'DIGEST_MISMATCH',
    message: otherDigest,
  },
  {
    name: 'fault 43: Docker-Content-Digest is a path',
    answer: withHeaders({ 'docker-content-digest': 'sha256:../../x' }),
    code: 'DIGEST_INVALID',
  },
  {
    name: 'fault 43: Docker-Content-Digest is md5',
    answer: withHeaders({ 'docker-content-digest': `md5:${'0'.repeat(32)}` }),
    code: 'DIGEST_UNSUPPORTED',
  },
  {
    name: 'fault 26: a thousand codings',
    answer: withHeaders({ 'content-encoding': Array.from({ length: 1000 }, () => 'gzip').join(',') }),
    code: 'UPSTREAM_ENCODING_REFUSED',
  },
  {
    name: 'fault 26: a bomb is read to the cap only',
    answer: {
      headers: { 'content-type': ociManifest, 'content-encoding': 'gzip' },
      body: gzipSync(Buffer.alloc(64 * 1024 * 1024)),
    },
    code: 'MANIFEST_TOO_LARGE',
  },
  {
    name: 'fault 26: a damaged coding',
    answer: withHeaders({ 'content-encoding': 'gzip' }),
    code: 'UPSTREAM_ENCODING_REFUSED',
  },
  {
    name: 'fault 36: one byte above 4 MiB, announced',
    answer: { headers: { 'content-type': ociManifest }, body: Buffer.alloc(4 * 1024 * 1024 + 1) },
    code: 'MANIFEST_TOO_LARGE',
  },
  {
    name: 'fault 36: an endless body',
    answer: (_request, response) => {
      response.writeHead(200, { 'content-type': ociManifest });
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      };
      response.on('drain', more);
      more();
    },
    code: 'MANIFEST_TOO_LARGE',
  },
  {
    name: 'fault 41: a login page',
    answer: { headers: { 'content-type': 'text/html; charset=utf-8' }, body: '<html>log in</html>' },
    code: 'UPSTREAM_NOT_A_REGISTRY',
  },
  { name: 'fault 12: 401 without WWW-Authenticate', answer: { status: 401 }, code: 'UPSTREAM_AUTH_INVALID' },
  {
    name: 'fault 11: 503 until the tries are used up',
    answer: { status: 503 },
    code: 'UPSTREAM_UNAVAILABLE',
  },
  { name: 'fault 11: resets until the tries are used up', answer: reset, code: 'UPSTREAM_UNAVAILABLE' },
  {
    name: 'an answer that is not HTTP',
    answer: raw('SSH-2.0-OpenSSH\r\n\r\n'),
    code: 'UPSTREAM_UNAVAILABLE',
  },
  {
    name: 'fault 10: 429 with a long Retry-After is left to the caller',
    answer: { status: 429, headers: { 'retry-after': '3600' } },
    code: 'UPSTREAM_RATE_LIMITED',
  },
];

test.each(bad)('$name: $code', async ({ answer: given, code, message }) => {
  const upstream = await openUpstream();
  upstream.on(`GET ${path}`, given);
  const error = await failure(openClient(upstream, { maxRetries: 1 }).getManifest('latest'));
  expect(error.code).toBe(code);
  if (message !== undefined) expect(error.message).toContain(message);
});

describe('by digest', () => {
  test('fault 4: other content than asked for is refused', async () => {
    const upstream = await openUpstream();
    upstream.on(`GET /v2/library/app/manifests/${otherDigest}`, {
      headers: { 'content-type': ociManifest },
      body: bytes,
    });
    const error = await failure(openClient(upstream).getManifest(otherDigest));
    expect(error.code).toBe('DIGEST_MISMATCH');
    expect(error.message).toContain(digest);
    expect(error.message).toContain(otherDigest);
  });

  test('fault 43: sha512 is asked for and verified by sha512', async () => {
    const upstream = await openUpstream();
    const sha512 = digestBytes(bytes, 'sha512');
    upstream.on(`GET /v2/library/app/manifests/${sha512}`, {
      headers: { 'content-type': ociManifest },
      body: bytes,
    });
    expect((await openClient(upstream).getManifest(sha512))?.digest).toBe(sha512);
  });

  test.each([
    'sha256:../../x',
    `sha256:${'A'.repeat(64)}`,
    'sha256:abc',
    `md5:${'0'.repeat(32)}`,
    '../x',
    'a/b',
    '',
  ])('fault 43: %j is refused before any request', async (reference) => {
    const upstream = await openUpstream();
    const error = await failure(openClient(upstream).getManifest(reference));
    expect(['DIGEST_INVALID', 'DIGEST_UNSUPPORTED', 'TAG_INVALID']).toContain(error.code);
    expect(upstream.requests).toEqual([]);
  });
});
