import { describe, expect, test } from 'vitest';
import { digestBytes } from '../../src/oci/digest-bytes.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/manifest/media-type.ts';
import { json, reset } from '../support/upstream/fake-upstream.ts';
import type { Answer, CannedAnswer } from '../support/upstream/fake-upstream.ts';
import { failure, openClient, openUpstream } from './open-client.ts';
import { testSecret } from '../support/test-secret.ts';

const subject = digestBytes(Buffer.from('subject'));
const referrer = digestBytes(Buffer.from('referrer'));
const pathOf = (digest: Digest): string => `/v2/library/app/referrers/${digest}`;
const path = pathOf(subject);

function index(...digests: Digest[]): CannedAnswer {
  const manifests = digests.map((digest) => ({ mediaType: mediaTypes.ociManifest, digest, size: 2 }));
  return json(
    { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests },
    { 'content-type': mediaTypes.ociIndex },
  );
}

const page = { status: 200, headers: { 'content-type': 'text/html; charset=utf-8' }, body: '<html>' };
const noRoute = { status: 404, headers: { 'content-type': 'text/plain' }, body: '404 page not found\n' };

describe('answers', () => {
  test('the digests, without the subject (oras-project/oras-go#1396)', async () => {
    const upstream = await openUpstream();
    upstream.script(`GET ${path}`, index(subject, referrer, referrer));
    expect(await openClient(upstream).listReferrers(subject)).toEqual({
      kind: 'listed',
      digests: [referrer],
    });
  });

  test.each<{ readonly name: string; readonly answer: Answer }>([
    ...[400, 402, 404, 405, 406, 410, 415, 422, 501].map((status) => ({
      name: `${status}`,
      answer: { status },
    })),
    { name: '404 of distribution', answer: noRoute },
    {
      name: '404 of Quay (quay/quay#3071)',
      answer: json({ errors: [{ code: 'MANIFEST_UNKNOWN' }] }, {}, 404),
    },
    { name: '204', answer: { status: 204 } },
    { name: 'a web page', answer: page },
  ])('$name: absent, after one request', async ({ answer }) => {
    const upstream = await openUpstream();
    upstream.script(`GET ${path}`, answer);
    const found = await openClient(upstream).listReferrers(subject);
    expect(found).toMatchObject({ kind: 'absent' });
    expect(found.kind === 'absent' && found.reason).toMatch(
      /GET http.*\/referrers\/sha256:.* was answered \d+/,
    );
    upstream.assertDone();
  });

  test.each<{ readonly name: string; readonly answer: CannedAnswer }>([
    { name: '429 of a web page', answer: { ...page, status: 429 } },
    { name: '429 in JSON', answer: json({ message: 'Too many requests' }, {}, 429) },
    { name: '403', answer: { status: 403 } },
    { name: '200 of a web page', answer: page },
  ])('a redirect to a web site that answers $name (artifacthub/hub#4785): absent', async ({ answer }) => {
    const upstream = await openUpstream();
    const site = await openUpstream();
    upstream.script(`GET ${path}`, {
      status: 303,
      headers: { location: `${site.url}/-/v2/packages/app%2Freferrers` },
    });
    site.script('GET /-/v2/packages/app%2Freferrers', answer);
    expect(await openClient(upstream).listReferrers(subject)).toMatchObject({ kind: 'absent' });
    site.assertDone();
  });

  test.each<{ readonly name: string; readonly answer: Answer; readonly code: string }>([
    {
      name: '401 without a challenge (goharbor/harbor#18305)',
      answer: { status: 401 },
      code: 'UPSTREAM_AUTH_INVALID',
    },
    {
      name: '401 with Basic',
      answer: { status: 401, headers: { 'www-authenticate': 'Basic realm="harbor"' } },
      code: 'UPSTREAM_UNAUTHORIZED',
    },
    { name: '403', answer: { status: 403 }, code: 'UPSTREAM_FORBIDDEN' },
    { name: 'no index', answer: json({ hello: 'world' }), code: 'MANIFEST_INVALID' },
  ])('$name: refused, and not retryable', async ({ answer, code }) => {
    const upstream = await openUpstream();
    upstream.on(`GET ${path}`, answer);
    const client = openClient(upstream, { username: 'user', password: testSecret('registry-password') });
    expect(await failure(client.listReferrers(subject))).toMatchObject({
      code,
      retryable: false,
      origin: 'upstream',
    });
  });

  test.each<{ readonly name: string; readonly answer: Answer; readonly code: string }>([
    { name: '429', answer: { status: 429 }, code: 'UPSTREAM_RATE_LIMITED' },
    { name: '500', answer: { status: 500 }, code: 'UPSTREAM_UNAVAILABLE' },
    { name: '503 of a web page', answer: { ...page, status: 503 }, code: 'UPSTREAM_UNAVAILABLE' },
    { name: 'a reset', answer: reset, code: 'UPSTREAM_UNAVAILABLE' },
  ])('$name: may come later', async ({ answer, code }) => {
    const upstream = await openUpstream();
    upstream.on(`GET ${path}`, answer);
    const error = await failure(openClient(upstream, { maxRetries: 1 }).listReferrers(subject));
    expect(error).toMatchObject({ code, retryable: true });
    expect(upstream.requests).toHaveLength(2);
  });

  test('a further page that is not there is no whole list', async () => {
    const upstream = await openUpstream();
    const first = index(referrer);
    upstream.on(`GET ${path}`, {
      ...first,
      headers: { ...first.headers, link: `<${path}?p=2>; rel="next"` },
    });
    upstream.on(`GET ${path}?p=2`, { status: 404 });
    expect((await failure(openClient(upstream).listReferrers(subject))).code).toBe(
      'UPSTREAM_RESPONSE_INVALID',
    );
  });
});

describe('facts learned about the registry', () => {
  const others = Array.from({ length: 5 }, (_, number) => digestBytes(Buffer.from(`other ${number}`)));

  test('404 of some manifests says nothing about others', async () => {
    const upstream = await openUpstream({ fallback: json({ errors: [{ code: 'NOT_FOUND' }] }, {}, 404) });
    upstream.on(`GET ${path}`, index(referrer));
    const client = openClient(upstream);
    for (const other of others) expect(await client.listReferrers(other)).toMatchObject({ kind: 'absent' });
    expect(await client.listReferrers(subject)).toMatchObject({ kind: 'listed' });
  });

  test('a registry without the route is left alone after three manifests, for ten minutes, unless asked anew', async () => {
    const upstream = await openUpstream({ fallback: noRoute });
    let nowMs = 0;
    const client = openClient(upstream, {}, { now: () => nowMs });
    for (const other of [...others, subject])
      expect(await client.listReferrers(other)).toMatchObject({ kind: 'absent' });
    expect(upstream.requests).toHaveLength(3);
    expect(await client.listReferrers(subject, { anew: true })).toMatchObject({ kind: 'absent' });
    expect(upstream.requests).toHaveLength(4);
    nowMs = 600_001;
    upstream.on(`GET ${path}`, index(referrer));
    expect(await client.listReferrers(subject)).toMatchObject({ kind: 'listed' });
  });

  test('one manifest that is asked for again and again is one', async () => {
    const upstream = await openUpstream({ fallback: noRoute });
    const client = openClient(upstream);
    for (let round = 0; round < 5; round += 1) await client.listReferrers(subject);
    expect(upstream.requests).toHaveLength(5);
  });

  test('a registry that has listed is asked about each manifest', async () => {
    const upstream = await openUpstream({ fallback: noRoute });
    upstream.on(`GET ${path}`, index(referrer));
    const client = openClient(upstream);
    await client.listReferrers(subject);
    for (const other of others) await client.listReferrers(other);
    expect(upstream.requests).toHaveLength(6);
  });

  test('a registry that does not answer for three manifests is left alone for a minute', async () => {
    const upstream = await openUpstream({ fallback: { status: 500 } });
    let nowMs = 0;
    const client = openClient(upstream, { maxRetries: 0 }, { now: () => nowMs });
    for (const other of others)
      expect(await failure(client.listReferrers(other))).toMatchObject({
        code: 'UPSTREAM_UNAVAILABLE',
        retryable: true,
      });
    expect(upstream.requests).toHaveLength(3);
    const error = await failure(client.listReferrers(subject));
    expect(error.message).toContain(subject);
    upstream.on(`GET ${path}`, index(referrer));
    nowMs = 60_000;
    expect(await client.listReferrers(subject)).toMatchObject({ kind: 'listed' });
  });

  test('faults of single manifests between answers leave it in use', async () => {
    const upstream = await openUpstream({ fallback: { status: 500 } });
    upstream.on(`GET ${path}`, index(referrer));
    const client = openClient(upstream, { maxRetries: 0 });
    for (const other of others) {
      await failure(client.listReferrers(other));
      expect(await client.listReferrers(subject)).toMatchObject({ kind: 'listed' });
    }
  });
});
