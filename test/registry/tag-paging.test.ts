/** Pages of tags as registries give them: sizes that are refused, links that are wrong, ends that have to be guessed. */
import { describe, expect, test } from 'vitest';
import { TidemarkError } from '../../src/oci/error.ts';
import type { Registry } from '../../src/registry/registry.ts';
import { TagReader } from '../../src/registry/tags/tag-reader.ts';
import { json, reset } from '../support/upstream/fake-upstream.ts';
import type { Answer, FakeUpstream } from '../support/upstream/fake-upstream.ts';
import { failure, openClient, openUpstream } from './open-client.ts';

const path = '/v2/library/app/tags/list';
const page = (tags: readonly string[], link?: string | string[]): Answer =>
  json({ name: 'library/app', tags }, link === undefined ? {} : { link });
const next = (target: string): string => `<${target}>; rel="next"`;
const namesOf = (count: number, prefix = 't'): string[] =>
  Array.from({ length: count }, (_, number) => `${prefix}${String(number).padStart(5, '0')}`);

async function list(registry: Registry): Promise<string[]> {
  const names: string[] = [];
  for await (const found of registry.listTags()) names.push(...found.names);
  return names;
}

describe('a page size that is refused', () => {
  test.each<{ readonly status: number; readonly limit: number; readonly source: string }>([
    { status: 413, limit: 100, source: 'google/go-containerregistry#1963' },
    { status: 405, limit: 100, source: 'google/go-containerregistry#681' },
    ...[400, 406, 409, 414, 416, 418, 422, 500, 501].map((status) => ({
      status,
      limit: 100,
      source: 'of the kind',
    })),
    { status: 400, limit: 0, source: 'any n' },
    { status: 422, limit: 50, source: 'below 100' },
  ])('$status ($source): smaller, then none', async ({ status, limit }) => {
    const upstream = await openUpstream();
    upstream.on(`GET ${path}`, (request, response) => {
      const size = new URL(request.url ?? '', upstream.url).searchParams.get('n');
      if (size !== null && Number(size) > limit) response.writeHead(status).end();
      else response.end(JSON.stringify({ tags: ['a', 'b'] }));
    });
    expect(await list(openClient(upstream, { maxRetries: 0 }))).toEqual(['a', 'b']);
  });

  test.each([
    { status: 401, code: 'UPSTREAM_AUTH_INVALID' },
    { status: 403, code: 'UPSTREAM_FORBIDDEN' },
    { status: 404, code: 'REPOSITORY_NOT_FOUND' },
    { status: 429, code: 'UPSTREAM_RATE_LIMITED' },
    { status: 503, code: 'UPSTREAM_UNAVAILABLE' },
  ])('$status has other reasons: asked once', async ({ status, code }) => {
    const upstream = await openUpstream();
    upstream.script(`GET ${path}?n=1000`, { status });
    expect((await failure(list(openClient(upstream, { maxRetries: 0 })))).code).toBe(code);
    upstream.assertDone();
  });
});

describe('after a full page without Link', () => {
  test.each<{ readonly name: string; readonly guess: Answer }>([
    ...[400, 401, 403, 404, 405, 418, 422].map((status) => ({ name: `${status}`, guess: { status } })),
    { name: 'a web page', guess: { headers: { 'content-type': 'text/html' }, body: '<html>' } },
    { name: 'no list', guess: { body: '{"tags":3}' } },
    { name: 'no JSON', guess: { body: 'hello' } },
    { name: 'an empty page', guess: page([]) },
    { name: 'null', guess: json({ tags: null }) },
    { name: 'the same page', guess: page(namesOf(1000)) },
    { name: 'the same names in another order', guess: page(namesOf(1000).toReversed()) },
  ])('deitch/docker_registry2#34: $name is the end', async ({ guess }) => {
    const upstream = await openUpstream();
    upstream.script(`GET ${path}?n=1000`, page(namesOf(1000)));
    upstream.script(`GET ${path}?n=1000&last=t00999`, guess);
    expect(await list(openClient(upstream))).toEqual(namesOf(1000));
    upstream.assertDone();
  });

  test.each<{ readonly name: string; readonly guess: Answer }>([
    { name: '500', guess: { status: 500 } },
    { name: '429', guess: { status: 429 } },
    { name: 'a reset', guess: reset },
  ])('$name is the end with a doubt', async ({ guess }) => {
    const upstream = await openUpstream();
    upstream.on(`GET ${path}?n=1000`, page(namesOf(1000)));
    upstream.on(`GET ${path}?n=1000&last=t00999`, guess);
    const pages = [];
    for await (const found of openClient(upstream, { maxRetries: 0 }).listTags()) pages.push(found);
    expect(pages.flatMap(({ names }) => names)).toEqual(namesOf(1000));
    expect(pages.at(-1)?.doubt).toMatchObject({ retryable: true });
  });

  test('a guess that was not asked, since the host is throttled, is no answer', async () => {
    const upstream = await openUpstream();
    upstream.on(`GET ${path}?n=1000`, page(namesOf(1000)));
    let requests = 0;
    const throttled = new TidemarkError('UPSTREAM_THROTTLED', 'not now', { retryable: true });
    const beforeRequest = async (): Promise<void> => {
      requests += 1;
      if (requests > 1) return Promise.reject(throttled);
    };
    expect(await failure(list(openClient(upstream, { beforeRequest })))).toBe(throttled);
  });

  test('a fault after a guess that has brought names is one of the listing', async () => {
    const upstream = await openUpstream();
    upstream.on(`GET ${path}?n=1000`, page(namesOf(1000)));
    upstream.on(`GET ${path}?n=1000&last=t00999`, page(namesOf(1000, 'u')));
    upstream.on(`GET ${path}?n=1000&last=u00999`, { status: 503 });
    expect(await failure(list(openClient(upstream, { maxRetries: 0 })))).toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
      retryable: true,
    });
  });

  test('a registry that sends no Link and cuts at n is read to its end', async () => {
    const upstream = await openUpstream();
    upstream.on(`GET ${path}`, (request, response) => {
      const query = new URL(request.url ?? '', upstream.url).searchParams;
      const rest = namesOf(2500).filter((name) => name > (query.get('last') ?? ''));
      response.end(JSON.stringify({ tags: rest.slice(0, Number(query.get('n'))) }));
    });
    expect(await list(openClient(upstream))).toEqual(namesOf(2500));
    expect(upstream.requests).toHaveLength(3);
  });
});

describe('Link', () => {
  test.each<{ readonly name: string; readonly link: (upstream: FakeUpstream) => string | string[] }>([
    { name: 'relative, with a slash', link: () => next(`${path}?p=2`) },
    { name: 'relative, without one', link: () => next('list?p=2') },
    { name: 'relative, with half the path', link: () => next('tags/list?p=2') },
    { name: 'a query alone', link: () => next('?p=2') },
    { name: 'absolute', link: ({ url }) => next(`${url}${path}?p=2`) },
    {
      name: 'absolute, with the other scheme',
      link: ({ url }) => next(`${url.replace('http:', 'https:')}${path}?p=2`),
    },
    { name: 'without quotes', link: () => `<${path}?p=2>; rel=next` },
    { name: 'in capitals', link: () => `<${path}?p=2>; REL="NEXT"` },
    { name: 'without rel', link: () => `<${path}?p=2>` },
    { name: 'the second of two fields', link: () => [`<${path}>; rel="first"`, next(`${path}?p=2`)] },
    { name: 'the second in one field', link: () => `<${path}>; rel="first", ${next(`${path}?p=2`)}` },
    {
      name: 'with another path (sonatype/nexus-public#1011)',
      link: ({ url }) => next(`${url}/repository/docker${path}?p=2`),
    },
    { name: 'with half a path (renovatebot/renovate#15030)', link: () => next('/v2/app/tags/list?p=2') },
  ])('$name', async ({ link }) => {
    const upstream = await openUpstream({ fallback: { status: 404 } });
    upstream.on(`GET ${path}?n=1000`, (_, response) => {
      response.setHeader('link', link(upstream));
      response.end(JSON.stringify({ tags: ['a'] }));
    });
    upstream.on(`GET ${path}?p=2`, page(['b']));
    expect(await list(openClient(upstream))).toEqual(['a', 'b']);
  });

  test.each<{ readonly name: string; readonly wrong: Answer }>([
    {
      name: '400 of a web page',
      wrong: { status: 400, headers: { 'content-type': 'text/html' }, body: '<html>' },
    },
    { name: '403', wrong: { status: 403 } },
    { name: '500', wrong: { status: 500 } },
    { name: 'a web page', wrong: { headers: { 'content-type': 'text/html' }, body: '<html>' } },
    { name: 'a list without tags', wrong: json({ items: [] }) },
  ])('with a path that answers $name, its query is asked at the list', async ({ wrong }) => {
    const upstream = await openUpstream();
    upstream.on(`GET ${path}?n=1000`, page(['a'], next('/elsewhere/tags/list?p=2')));
    upstream.on('GET /elsewhere/tags/list', wrong);
    upstream.on(`GET ${path}?p=2`, page(['b']));
    expect(await list(openClient(upstream, { maxRetries: 0 }))).toEqual(['a', 'b']);
  });

  test('where no address has the page, the first one is named', async () => {
    const upstream = await openUpstream({ fallback: { status: 404 } });
    upstream.on(`GET ${path}?n=1000`, page(['a'], next('/elsewhere/tags/list?p=2')));
    const error = await failure(list(openClient(upstream)));
    expect(error.code).toBe('REPOSITORY_NOT_FOUND');
    expect(error.message).toContain('/elsewhere/');
  });

  test('where the list ignores the query of the link, the listing fails instead of ending early', async () => {
    const upstream = await openUpstream({ fallback: { status: 404 } });
    upstream.on(`GET ${path}`, page(['a'], next('/elsewhere/tags/list?p=2')));
    expect((await failure(list(openClient(upstream)))).code).toBe('UPSTREAM_PAGINATION_LOOP');
  });

  describe('after a redirect to another host (kubernetes/registry.k8s.io#326)', () => {
    const inner = '/v2/k8s-artifacts-prod/app/tags/list';

    test.each([
      { name: 'relative', link: () => next(`${inner}?last=a`) },
      { name: 'absolute', link: (back: FakeUpstream) => next(`${back.url}${inner}?last=a`) },
      { name: 'a query alone', link: () => next('?last=a') },
    ])('$name: all pages, and no secret goes there', async ({ link }) => {
      const upstream = await openUpstream();
      const back = await openUpstream({ host: '127.0.0.2' });
      upstream.on(`GET ${path}`, { status: 307, headers: { location: `${back.url}${inner}` } });
      back.script(`GET ${inner}`, page(['a'], link(back)));
      back.script(`GET ${inner}?last=a`, page(['b']));
      const registry = openClient(upstream, { headers: { 'x-secret': 'shown to the registry only' } });
      expect(await list(registry)).toEqual(['a', 'b']);
      expect(back.requests.map(({ headers }) => headers['x-secret'])).toEqual([undefined, undefined]);
      back.assertDone();
    });

    test('fault 28: a third host is refused', async () => {
      const upstream = await openUpstream();
      const back = await openUpstream({ host: '127.0.0.2' });
      upstream.on(`GET ${path}`, { status: 307, headers: { location: `${back.url}${inner}` } });
      back.on(`GET ${inner}`, page(['a'], next('http://127.0.0.3/v2/x/tags/list?last=a')));
      expect((await failure(list(openClient(upstream)))).code).toBe('UPSTREAM_LINK_REFUSED');
    });
  });
});

describe('names', () => {
  test.each(['x'.repeat(128), '\\u0061bc', 'A-b_c.d'])('%s comes as it is meant', async (written) => {
    const upstream = await openUpstream();
    upstream.on(`GET ${path}`, { body: `{"tags":["${written}"]}` });
    expect(await list(openClient(upstream))).toEqual([JSON.parse(`"${written}"`)]);
  });

  test.each([1, 2, 3, 7, 64])('are found in a list that comes in pieces of %i bytes', (size) => {
    const names = ['a', 'ü', 'b"c', 'd\\e', '\u0001', '𝒳', 'x'.repeat(300), 'tags'];
    const document = {
      child: [['tags'], { tags: ['not one'] }],
      manifest: { 'sha256:x': { tag: ['no'], n: -1.5e3, flags: [true, false, null, {}, []] } },
      name: 'tags',
      tags: names,
      more: { tags: [] },
    };
    const bytes = Buffer.from(JSON.stringify(document, undefined, 1));
    const reader = new TagReader();
    const found: string[] = [];
    for (let at = 0; at < bytes.length; at += size) found.push(...reader.read(bytes.subarray(at, at + size)));
    expect(reader.end()).toBe(true);
    expect(found).toEqual(names);
  });
});

test('a page above 16 MiB, most of it no tags (Google), is read as it comes', async () => {
  const upstream = await openUpstream();
  const tagNames = namesOf(100_000, 'a-tag-of-some-length-');
  upstream.on(`GET ${path}`, async (_, response) => {
    const write = async (text: string) =>
      response.write(text) || new Promise((resolve) => response.once('drain', resolve));
    await write('{"child":[],"manifest":{');
    const entry = `{"imageSizeBytes":"1234567","layerId":"","mediaType":"application/vnd.docker.distribution.manifest.v2+json","tag":["${'y'.repeat(60)}"],"timeCreatedMs":"0","timeUploadedMs":"0"}`;
    for (let block = 0; block < 700; block += 1)
      await write(
        Array.from({ length: 100 }, (__, number) => `"sha256:${block}-${number}":${entry},`).join('\n'),
      );
    await write(`"last":{}},"name":"app","tags":${JSON.stringify(tagNames)}}`);
    response.end();
  });
  let count = 0;
  for await (const { names } of openClient(upstream).listTags()) {
    expect(names.length).toBeLessThan(50_000);
    count += names.length;
  }
  expect(count).toBe(100_000);
});
