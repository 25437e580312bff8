import { expect, test } from 'vitest';
import { probeRegistry } from '../../src/registry/probe.ts';
import type { RegistryOptions } from '../../src/registry/registry.ts';
import { json } from '../support/upstream/fake-upstream.ts';
import type { Answer, FakeUpstream, FakeUpstreamOptions } from '../support/upstream/fake-upstream.ts';
import { testSecret } from '../support/test-secret.ts';
import { fixtureCa, manifestOf, openUpstream } from './open-client.ts';

const { answer, digest } = manifestOf();
const password = testSecret('of a remote that is tested');
const list = 'GET /v2/library/app/tags/list';
const manifest = 'HEAD /v2/library/app/manifests/v1';
const referrers = `GET /v2/library/app/referrers/${digest}`;
const index = json({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests: [] });
const basic: Answer = (request, response) => {
  const expected = `Basic ${Buffer.from(`robot:${password}`).toString('base64')}`;
  const isIn = request.headers.authorization === expected;
  const body = JSON.stringify(isIn ? { name: 'library/app', tags: ['v1'] } : {});
  response.writeHead(isIn ? 200 : 401, {
    'content-type': 'application/json',
    ...(isIn ? {} : { 'www-authenticate': 'Basic realm="r"' }),
  });
  response.end(body);
};

interface Row {
  readonly name: string;
  readonly upstream?: FakeUpstreamOptions;
  readonly remote?: Partial<RegistryOptions>;
  readonly needsListing?: boolean;
  readonly answers: Readonly<Record<string, Answer>>;
  /** Steps that did not pass, as `NAME OUTCOME code`. */
  readonly steps: readonly string[];
  readonly found?: object;
}

const whole = {
  'GET /v2/': json({}),
  [list]: json({ name: 'library/app', tags: ['sha256-x.sig', 'v1'] }),
  [manifest]: answer,
  [referrers]: index,
};
const plain = ['TLS WARNING'];
const rest = ['HEAD SKIPPED', 'REFERRERS SKIPPED', 'RATE_LIMIT SKIPPED'];

const rows: readonly Row[] = [
  {
    name: 'a registry that has everything',
    upstream: { tls: {} },
    remote: { tls: { ca: fixtureCa } },
    answers: whole,
    steps: [],
    found: { login: 'NONE', tagsOnFirstPage: 2, hasMoreTags: false, headManifests: true, referrersApi: true },
  },
  {
    name: "Docker Hub's rate limit, read from HEAD",
    answers: {
      ...whole,
      [manifest]: {
        headers: {
          ...(typeof answer === 'object' ? answer.headers : {}),
          'content-length': '20',
          'ratelimit-limit': '100;w=21600',
          'ratelimit-remaining': '93;w=21600',
        },
      },
    },
    steps: plain,
    found: { rateLimit: { limit: 100, remaining: 93, windowMs: 21_600_000 } },
  },
  {
    name: 'a page that ends at its size',
    answers: {
      ...whole,
      [list]: json({ name: 'library/app', tags: Array.from({ length: 100 }, (_, at) => `v${at + 1}`) }),
    },
    steps: ['TLS WARNING'],
    found: { tagsOnFirstPage: 100, pageSizeHonoured: true },
  },
  {
    name: 'a right password',
    remote: { username: 'robot', password },
    answers: { ...whole, [list]: basic },
    steps: plain,
    found: { login: 'ACCEPTED' },
  },
  {
    name: 'a wrong password',
    remote: { username: 'robot', password: `${password}-not` },
    answers: { ...whole, [list]: basic },
    steps: [
      'TLS WARNING',
      'LOGIN FAILED UPSTREAM_UNAUTHORIZED',
      'LIST SKIPPED',
      ...rest.slice(0, 2),
      'PAGE_SIZE SKIPPED',
      'RATE_LIMIT SKIPPED',
    ],
    found: { login: 'REFUSED' },
  },
  {
    name: 'a login that the remote has not',
    answers: { ...whole, [list]: basic },
    steps: [
      'TLS WARNING',
      'LOGIN FAILED UPSTREAM_UNAUTHORIZED',
      'LIST SKIPPED',
      ...rest.slice(0, 2),
      'PAGE_SIZE SKIPPED',
      'RATE_LIMIT SKIPPED',
    ],
  },
  {
    name: 'a login that is not asked for',
    remote: { username: 'robot', password },
    answers: whole,
    steps: ['TLS WARNING', 'LOGIN WARNING'],
    found: { login: 'NOT_ASKED' },
  },
  {
    name: 'no such repository',
    answers: { ...whole, [list]: { status: 404 } },
    steps: [
      'TLS WARNING',
      'LIST FAILED REPOSITORY_NOT_FOUND',
      ...rest.slice(0, 2),
      'PAGE_SIZE WARNING',
      'RATE_LIMIT SKIPPED',
    ],
  },
  {
    name: 'no list, which exact names do without',
    needsListing: false,
    answers: { ...whole, [list]: { status: 403 } },
    steps: [
      'TLS WARNING',
      'LIST WARNING UPSTREAM_FORBIDDEN',
      'HEAD WARNING',
      'REFERRERS WARNING',
      'PAGE_SIZE WARNING',
    ],
  },
  {
    name: 'neither HEAD nor referrers nor page sizes',
    answers: {
      ...whole,
      [list]: json({ name: 'library/app', tags: Array.from({ length: 101 }, (_, at) => `v${at + 1}`) }),
      [manifest]: { status: 405 },
    },
    steps: [
      'TLS WARNING',
      'HEAD WARNING UPSTREAM_UNEXPECTED_STATUS',
      'REFERRERS WARNING',
      'PAGE_SIZE WARNING',
    ],
    found: { headManifests: false, pageSizeHonoured: false },
  },
  {
    name: 'no referrers API',
    answers: { ...whole, [referrers]: { status: 404 } },
    steps: ['TLS WARNING', 'REFERRERS WARNING'],
    found: { referrersApi: false },
  },
  {
    name: 'a throttled upstream',
    answers: { ...whole, [manifest]: { status: 429, headers: { 'retry-after': '60' } } },
    steps: [
      'TLS WARNING',
      'HEAD WARNING UPSTREAM_RATE_LIMITED',
      'REFERRERS WARNING',
      'RATE_LIMIT WARNING UPSTREAM_RATE_LIMITED',
    ],
  },
  {
    name: 'a self-signed certificate',
    upstream: { tls: { certificate: 'self-signed' } },
    answers: {},
    steps: [
      'TLS FAILED TLS_VERIFY_FAILED',
      'LOGIN SKIPPED',
      'LIST SKIPPED',
      ...rest.slice(0, 2),
      'PAGE_SIZE SKIPPED',
      'RATE_LIMIT SKIPPED',
    ],
  },
  {
    name: 'an address that is not allowed',
    remote: { allowPrivate: false },
    answers: {},
    steps: [
      'REACH FAILED ADDRESS_REFUSED',
      'TLS SKIPPED',
      'LOGIN SKIPPED',
      'LIST SKIPPED',
      ...rest.slice(0, 2),
      'PAGE_SIZE SKIPPED',
      'RATE_LIMIT SKIPPED',
    ],
  },
];

const probe = (upstream: FakeUpstream, remote: Partial<RegistryOptions> = {}, needsListing = true) =>
  probeRegistry(
    { url: upstream.url, upstreamName: 'library/app', allowPrivate: true, ...remote },
    { needsListing, signal: new AbortController().signal },
  );

test.each(rows)('$name', async ({ upstream: options, remote, needsListing, answers, steps, found = {} }) => {
  const upstream = await openUpstream(options);
  for (const [route, one] of Object.entries(answers)) upstream.on(route, one);
  const result = await probe(upstream, remote, needsListing);
  expect(
    result.steps
      .filter(({ outcome }) => outcome !== 'PASSED')
      .map(({ name, outcome, code }) => [name, outcome, code].filter(Boolean).join(' ')),
  ).toEqual(steps);
  expect(result).toMatchObject(found);
  expect(JSON.stringify(result)).not.toContain(password);
  // a pull is a GET of a manifest or blob; a refused password is sent once
  expect(
    upstream.requests.filter(({ method, path }) => method === 'GET' && /manifests|blobs/.test(path)),
  ).toEqual([]);
  expect(upstream.requestsOf(list).length).toBeLessThanOrEqual(2);
});

test('an abort ends the probe', async () => {
  const upstream = await openUpstream();
  const leaving = new AbortController();
  upstream.on('GET /v2/', () => leaving.abort(new Error('has left')));
  await expect(
    probeRegistry(
      { url: upstream.url, upstreamName: 'library/app', allowPrivate: true },
      { needsListing: true, signal: leaving.signal },
    ),
  ).rejects.toThrow('has left');
});
