/** How repositories are found, against scripted registries. */
import { afterEach, expect, test } from 'vitest';
import { namespacesOf } from '../../src/oci/hosts/discovery.ts';
import { openDiscovery } from '../../src/registry/discovery/discovery.ts';
import type { RegistryDiscovery } from '../../src/registry/discovery/discovery.ts';
import { testSecret } from '../support/test-secret.ts';
import { json, openFakeUpstream } from '../support/upstream/fake-upstream.ts';
import type { FakeUpstream } from '../support/upstream/fake-upstream.ts';

const opened: FakeUpstream[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((upstream) => upstream.close()));
});

async function open(): Promise<FakeUpstream> {
  const upstream = await openFakeUpstream();
  opened.push(upstream);
  return upstream;
}

async function find(
  kind: RegistryDiscovery,
  upstream: FakeUpstream,
  wish: {
    readonly namespaces?: readonly string[];
    readonly username?: string;
    readonly password?: string;
  } = {},
): Promise<string[]> {
  const { namespaces = [], ...login } = wish;
  const options = { url: upstream.url, upstreamName: 'catalog', allowPrivate: true, maxRetries: 0, ...login };
  const discovery = openDiscovery(kind, options, namespaces);
  try {
    const names: string[] = [];
    for await (const page of discovery.list(new AbortController().signal)) names.push(...page);
    return names;
  } finally {
    await discovery.close();
  }
}

test.each(['CATALOG', 'TIDEMARK'] as const)('%s follows Link, and null is an empty list', async (kind) => {
  const upstream = await open();
  upstream.script(
    'GET /v2/_catalog?n=1000',
    json({ repositories: ['a', 'b/c'] }, { link: '</v2/_catalog?n=2&last=b%2Fc>; rel="next"' }),
  );
  upstream.script('GET /v2/_catalog?n=2&last=b%2Fc', json({ repositories: null }));
  expect(await find(kind, upstream)).toEqual(['a', 'b/c']);
  upstream.assertDone();
});

test('a catalog that repeats a page is refused', async () => {
  const upstream = await open();
  upstream.on(
    'GET /v2/_catalog',
    json({ repositories: ['a'] }, { link: '</v2/_catalog?n=1000>; rel="next"' }),
  );
  await expect(find('CATALOG', upstream)).rejects.toMatchObject({ code: 'UPSTREAM_PAGINATION_LOOP' });
});

test.each([
  [json({ repositories: 'a' }), 'UPSTREAM_RESPONSE_INVALID'],
  [json({ repositories: [1] }), 'UPSTREAM_RESPONSE_INVALID'],
  [json({}, { 'content-type': 'text/html' }), 'UPSTREAM_NOT_A_REGISTRY'],
  [{ status: 200, body: 'no JSON' }, 'UPSTREAM_NOT_A_REGISTRY'],
  [json({ errors: [{ code: 'UNSUPPORTED' }] }, {}, 404), 'UPSTREAM_UNEXPECTED_STATUS'],
  [{ status: 200, body: Buffer.alloc(9 * 1024 * 1024, ' ') }, 'UPSTREAM_RESPONSE_TOO_LARGE'],
])('a catalog that answers otherwise is an error: %#', async (answer, code) => {
  const upstream = await open();
  upstream.on('GET /v2/_catalog', answer);
  await expect(find('CATALOG', upstream)).rejects.toMatchObject({ code });
});

test('HARBOR sends the login at once, and follows Link', async () => {
  const upstream = await open();
  const path = '/api/v2.0/repositories';
  upstream.script(
    `GET ${path}?page=1&page_size=100`,
    json([{ name: 'library/a' }], { link: `<${path}?page=2&page_size=100>; rel="next"` }),
  );
  upstream.script(
    `GET ${path}?page=2&page_size=100`,
    json([{ name: 'team/b' }], { link: `<${path}?page=1&page_size=100>; rel="prev"` }),
  );
  const password = testSecret('harbor');
  expect(await find('HARBOR', upstream, { username: 'robot$x', password })).toEqual(['library/a', 'team/b']);
  upstream.assertDone();
  expect(upstream.requests.map(({ headers }) => headers.authorization)).toEqual(
    Array.from({ length: 2 }, () => `Basic ${Buffer.from(`robot$x:${password}`).toString('base64')}`),
  );
});

test('QUAY lists each namespace by next_page, with an OAuth token', async () => {
  const upstream = await open();
  const path = '/api/v1/repository';
  upstream.script(
    `GET ${path}?namespace=a&public=true`,
    json({ repositories: [{ namespace: 'a', name: 'x' }], next_page: 't+1' }),
  );
  upstream.script(
    `GET ${path}?namespace=a&public=true&next_page=t%2B1`,
    json({ repositories: [{ namespace: 'a', name: 'y' }] }),
  );
  upstream.script(`GET ${path}?namespace=b&public=true`, json({ repositories: [] }));
  const password = testSecret('quay');
  const found = await find('QUAY', upstream, { namespaces: ['a', 'b'], username: '$oauthtoken', password });
  expect(found).toEqual(['a/x', 'a/y']);
  upstream.assertDone();
  expect(upstream.requests[0]?.headers.authorization).toBe(`Bearer ${password}`);
});

test('DOCKER_HUB lists each namespace by next, without credentials, and refuses another host', async () => {
  const upstream = await open();
  const path = '/v2/namespaces/bitnami/repositories';
  const next = `${upstream.url}${path}?page=2&page_size=100`;
  upstream.script(`GET ${path}?page_size=100`, json({ next, results: [{ name: 'redis' }] }));
  upstream.script(`GET ${path}?page=2&page_size=100`, json({ next: null, results: [{ name: 'nginx' }] }));
  const namespaces = ['bitnami'];
  expect(
    await find('DOCKER_HUB', upstream, { namespaces, username: 'me', password: testSecret('hub') }),
  ).toEqual(['bitnami/redis', 'bitnami/nginx']);
  upstream.assertDone();
  expect(upstream.requests.map(({ headers }) => headers.authorization)).toEqual([undefined, undefined]);
  upstream.on(`GET ${path}?page_size=100`, json({ next: 'https://elsewhere.example/', results: [] }));
  await expect(find('DOCKER_HUB', upstream, { namespaces })).rejects.toMatchObject({
    code: 'UPSTREAM_LINK_REFUSED',
  });
});

const groupPath = '/api/v4/groups/team/registry/repositories';

test('GITLAB is asked where its registry sends clients for tokens, by groups and Link, with an access token', async () => {
  const [upstream, gitlab] = [await open(), await open()];
  const challenge = `Bearer realm="${gitlab.url}/jwt/auth",service="container_registry"`;
  upstream.on('GET /v2/', { status: 401, headers: { 'www-authenticate': challenge } });
  gitlab.script(
    `GET ${groupPath}?per_page=100`,
    json([{ path: 'team/app' }, { path: 'team/sub/app/worker' }], {
      link: `<${gitlab.url}${groupPath}?page=2&per_page=100>; rel="next", <${gitlab.url}${groupPath}?page=1>; rel="first"`,
    }),
  );
  gitlab.script(`GET ${groupPath}?page=2&per_page=100`, json([{ path: 'team/other' }]));
  const password = testSecret('gitlab');
  const login = { username: 'me', password };
  expect(await find('GITLAB', upstream, { namespaces: ['team'], ...login })).toEqual([
    'team/app',
    'team/sub/app/worker',
    'team/other',
  ]);
  gitlab.assertDone();
  expect(gitlab.requests.map(({ headers }) => headers.authorization)).toEqual(
    Array.from({ length: 2 }, () => `Bearer ${password}`),
  );
  gitlab.on(`GET ${groupPath}?per_page=100`, json({ message: '404 Group Not Found' }, {}, 404));
  await expect(find('GITLAB', upstream, { namespaces: ['team'] })).rejects.toThrow(
    /lists no registry of the group "team" \(status 404\)\. Check that it is a group.*read_api/,
  );
});

test('the token of GITLAB is not sent to another domain that the registry names', async () => {
  const upstream = await open();
  const challenge = 'Bearer realm="http://gitlab.example/jwt/auth"';
  upstream.on('GET /v2/', { status: 401, headers: { 'www-authenticate': challenge } });
  await expect(find('GITLAB', upstream, { namespaces: ['team'] })).rejects.toMatchObject({
    code: 'UPSTREAM_REALM_REFUSED',
  });
});

test('GOOGLE walks the lists of tags, by pages, and finds the names with images', async () => {
  const upstream = await open();
  const list = (name: string, body: object, headers = {}, query = 'n=1000') =>
    upstream.script(`GET /v2/${name}/tags/list?${query}`, json({ name, ...body }, headers));
  const next = '</v2/project/repo/tags/list?n=1000&last=b>; rel="next"';
  list('project/repo', { child: ['a', 'b'], manifest: {}, tags: [] }, { link: next });
  list('project/repo', { child: ['c', 'Not A Name'] }, {}, 'n=1000&last=b');
  list('project/repo/a', { child: ['deep'], manifest: { 'sha256:1': { tag: [] } }, tags: [] });
  list('project/repo/a/deep', { child: [], manifest: {}, tags: ['v1'] });
  list('project/repo/b', { child: [], manifest: {}, tags: [] });
  list('project/repo/c', { tags: ['v1'] });
  const found = await find('GOOGLE', upstream, { namespaces: ['project/repo'] });
  expect(found.toSorted()).toEqual([
    'project/repo/Not A Name',
    'project/repo/a',
    'project/repo/a/deep',
    'project/repo/c',
  ]);
  upstream.assertDone();
});

test('a list of GOOGLE that is no list is an error', async () => {
  const upstream = await open();
  upstream.on('GET /v2/project/tags/list', json({ child: [1] }));
  await expect(find('GOOGLE', upstream, { namespaces: ['project'] })).rejects.toMatchObject({
    code: 'UPSTREAM_RESPONSE_INVALID',
  });
});

test('namespaces are the first parts of globs, or for GOOGLE all parts before the last and the first wildcard', () => {
  const globs = ['a/b/*', 'b/c', 'a/**'];
  expect(namespacesOf('QUAY', globs)).toEqual(['a', 'b']);
  expect(namespacesOf('GOOGLE', globs)).toEqual(['a/b', 'b', 'a']);
  for (const wild of [['a/*', '**'], ['{a,b}/*'], ['a']]) expect(namespacesOf('QUAY', wild)).toBeUndefined();
});
