/** Lists of tags with digests, by the registries' own APIs. */
import { expect, test } from 'vitest';
import { ownListings } from '../../src/registry/listing/listing.ts';
import type { ListedDigest, OwnListing } from '../../src/registry/listing/listing.ts';
import type { Registry } from '../../src/registry/registry.ts';
import { json } from '../support/upstream/fake-upstream.ts';
import type { FakeUpstream } from '../support/upstream/fake-upstream.ts';
import { scriptedListings, withListing, zotExtensions } from '../support/upstream/listings.ts';
import type { ScriptedTag } from '../support/upstream/listings.ts';
import { testSecret } from '../support/test-secret.ts';
import { failure, namesOf, ociManifest, openClient, openUpstream } from './open-client.ts';

const { signal } = new AbortController();

function tagsOf(count: number): ScriptedTag[] {
  return Array.from({ length: count }, (_, n) => ({
    name: `t${String(n).padStart(5, '0')}`,
    digest: `sha256:${n.toString(16).padStart(64, '0')}`,
    mediaType: ociManifest,
  }));
}

async function list(registry: Registry, listing: OwnListing): Promise<ListedDigest[]> {
  const found: ListedDigest[] = [];
  for await (const page of registry.listDigests(listing, { signal })) found.push(...page);
  return found;
}

/** The API at its own address: Docker Hub's is another host than the registry. */
function openLister(upstream: FakeUpstream, options: Parameters<typeof openClient>[1] = {}): Registry {
  return openClient(upstream, options, { dockerHubApi: upstream.url });
}

const routeOf = (listing: OwnListing) => `GET ${scriptedListings[listing].first.split('?', 1)[0]}`;
/** Those whose list names media types. */
const typed = new Set<OwnListing>(['DOCKER_HUB', 'HARBOR', 'GITLAB', 'ZOT', 'TIDEMARK']);

test.each(ownListings)('%s: all pages, without a URL of the answer being followed', async (listing) => {
  const tags = tagsOf(2_101);
  const { first, page } = scriptedListings[listing];
  const upstream = await openUpstream();
  upstream.on(routeOf(listing), (request, response) => {
    const { headers = {}, body } = page(new URL(request.url ?? '', upstream.url), tags);
    response.writeHead(200, headers as Record<string, string>).end(body);
  });
  const found = await list(openLister(upstream), listing);
  expect(upstream.requests[0]?.path).toBe(first);
  expect(found.map(({ name, digest }) => `${name} ${digest}`)).toEqual(
    tags.map(({ name, digest }) => `${name} ${digest}`),
  );
  expect(new Set(found.map(({ mediaType }) => mediaType))).toEqual(
    new Set([typed.has(listing) ? ociManifest : undefined]),
  );
  const pageSize = Number(/(?:page_size|limit|n)(?:=|%3A)(\d+)/.exec(first)?.[1]);
  expect(upstream.requests).toHaveLength(Math.ceil(tags.length / pageSize));
});

const answers = [
  { what: 'damaged JSON', answer: { body: '{"tags": [' }, code: 'UPSTREAM_RESPONSE_INVALID' },
  { what: 'another document', answer: json({ tags: 'no', results: {} }), code: 'UPSTREAM_RESPONSE_INVALID' },
  { what: 'null', answer: json(null), code: 'UPSTREAM_RESPONSE_INVALID' },
  {
    what: 'a web page',
    answer: { headers: { 'content-type': 'text/html' }, body: '<html>' },
    code: 'UPSTREAM_NOT_A_REGISTRY',
  },
  { what: '403', answer: { status: 403 }, code: 'UPSTREAM_FORBIDDEN' },
  { what: '404', answer: { status: 404 }, code: 'UPSTREAM_UNEXPECTED_STATUS' },
  {
    what: '429',
    answer: { status: 429, headers: { 'retry-after': '3600' } },
    code: 'UPSTREAM_RATE_LIMITED',
  },
  { what: '500', answer: { status: 500 }, code: 'UPSTREAM_UNAVAILABLE' },
  {
    what: 'a page above 4 MiB',
    answer: { body: `["${'x'.repeat(4 * 1024 * 1024)}"]` },
    code: 'UPSTREAM_RESPONSE_TOO_LARGE',
  },
] as const;

test.each(ownListings.flatMap((listing) => answers.map((row) => ({ listing, ...row }))))(
  '$listing: $what is an error after one request',
  async ({ listing, answer, code }) => {
    const upstream = await openUpstream();
    upstream.on(routeOf(listing), answer);
    const error = await failure(list(openLister(upstream), listing));
    expect(error.code).toBe(code);
    expect(upstream.requests).toHaveLength(1);
  },
);

test.each(ownListings)('%s: 401 is an error', async (listing) => {
  const upstream = await openUpstream();
  upstream.on(routeOf(listing), { status: 401 });
  const error = await failure(list(openLister(upstream), listing));
  expect(['UPSTREAM_UNAUTHORIZED', 'UPSTREAM_AUTH_INVALID']).toContain(error.code);
  expect(upstream.requests).toHaveLength(1);
});

test.each(ownListings)('%s: pages that repeat end the list', async (listing) => {
  const tags = tagsOf(10_001);
  const upstream = await openUpstream();
  upstream.on(routeOf(listing), (_, response) => {
    const { headers = {}, body } = scriptedListings[listing].page(
      new URL(scriptedListings[listing].first, upstream.url),
      tags,
    );
    response.writeHead(200, headers as Record<string, string>).end(body);
  });
  const error = await failure(list(openLister(upstream), listing));
  expect(error.code).toBe('UPSTREAM_PAGINATION_LOOP');
  expect(upstream.requests).toHaveLength(2);
});

test.each(ownListings)('%s: entries of another form are left out', async (listing) => {
  const good = tagsOf(2);
  const bad = [
    { name: 'bad name', digest: good[0]?.digest ?? '', mediaType: ociManifest },
    { name: 'no-digest', digest: 'sha256:12', mediaType: ociManifest },
  ];
  const upstream = await openUpstream();
  const { page, first } = scriptedListings[listing];
  upstream.on(routeOf(listing), page(new URL(first, upstream.url), [...bad, ...good]));
  const found = await list(openLister(upstream), listing);
  expect(found.map(({ name }) => name)).toEqual(good.map(({ name }) => name));
});

test("Docker Hub's API gets neither credentials nor headers of the remote; Quay's gets no credentials", async () => {
  const password = testSecret('password of a remote');
  const header = testSecret('header of a remote');
  const hub = await openUpstream();
  const registry = await openUpstream();
  for (const listing of ['DOCKER_HUB', 'QUAY'] as const) {
    const { page, first } = scriptedListings[listing];
    const upstream = listing === 'DOCKER_HUB' ? hub : registry;
    upstream.on(routeOf(listing), page(new URL(first, upstream.url), tagsOf(1)));
  }
  const options = { username: 'user', password, headers: { 'x-key': header } };
  const client = openClient(registry, options, { dockerHubApi: hub.url });
  expect(await list(client, 'DOCKER_HUB')).toHaveLength(1);
  expect(await list(client, 'QUAY')).toHaveLength(1);
  expect(hub.requests[0]?.headers).not.toHaveProperty('authorization');
  expect(hub.requests[0]?.headers).not.toHaveProperty('x-key');
  expect(registry.requests[0]?.headers).not.toHaveProperty('authorization');
});

test('the API of Azure gets a token of the scope that its own challenge names', async () => {
  const upstream = await openUpstream();
  const { first, page } = scriptedListings.ACR;
  const field = `Bearer realm="${upstream.url}/oauth2/token",service="${new URL(upstream.url).host}",scope="repository:library/app:metadata_read"`;
  upstream.on('GET /oauth2/token', json({ access_token: 'metadata' }));
  upstream.on(routeOf('ACR'), (request, response) => {
    const isIn = request.headers.authorization === 'Bearer metadata';
    const answer = page(new URL(first, upstream.url), tagsOf(3));
    if (isIn) response.writeHead(200).end(answer.body);
    else response.writeHead(401, { 'www-authenticate': field }).end();
  });
  expect(await list(openLister(upstream), 'ACR')).toHaveLength(3);
  expect(upstream.requestsOf('GET /oauth2/token')[0]?.path).toContain('metadata_read');
});

test.each(ownListings.filter((name) => scriptedListings[name].challenge !== undefined))(
  '%s is recognised by the challenge of any request',
  async (listing) => {
    const empty = json({ name: 'library/app', tags: [] });
    const upstream = await openUpstream({ fallback: withListing(listing, () => [], empty) });
    const client = openClient(upstream);
    expect(client.listing()).toBe(undefined);
    for await (const _ of client.listTags());
    expect(client.listing()).toBe(listing);
  },
);

test('GitLab is recognised by a header', async () => {
  const upstream = await openUpstream();
  const headers = { 'gitlab-container-registry-version': 'v4.15.2-gitlab' };
  upstream.on('GET /v2/library/app/tags/list', json({ tags: [] }, headers));
  const client = openClient(upstream);
  for await (const _ of client.listTags());
  expect(client.listing()).toBe('GITLAB');
});

test('Docker Hub is recognised by its host', async () => {
  const upstream = await openUpstream();
  const lookup = namesOf({ 'registry-1.docker.io': ['127.0.0.1'] });
  const url = `http://registry-1.docker.io:${upstream.port}`;
  expect(openClient({ url }, {}, { lookup }).listing()).toBe('DOCKER_HUB');
});

test.each([
  { what: "zot's search", answer: zotExtensions, expected: 'ZOT' },
  { what: 'no extensions', answer: json({ extensions: null }), expected: undefined },
  {
    what: 'other extensions',
    answer: json({ extensions: [{ name: '_zot', endpoints: ['/v2/_zot/ext/mgmt'] }, 1] }),
    expected: undefined,
  },
  { what: 'no JSON', answer: { body: 'hello' }, expected: undefined },
  { what: '404', answer: { status: 404 }, expected: undefined },
  { what: '403', answer: { status: 403 }, expected: undefined },
])('a registry that announces $what', async ({ answer, expected }) => {
  const upstream = await openUpstream();
  upstream.on('GET /v2/_oci/ext/discover', answer);
  expect(await openClient(upstream).discoverListing({ signal })).toBe(expected);
  expect(upstream.requests).toHaveLength(1);
});

test('an outage says nothing about the extensions', async () => {
  const upstream = await openUpstream();
  upstream.on('GET /v2/_oci/ext/discover', { status: 503 });
  const error = await failure(openClient(upstream).discoverListing({ signal }));
  expect(error).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', retryable: true });
});
