/** Pages of tags as registries give them: sizes that are refused, links that are wrong, ends that have to be guessed. */
import { describe, expect, test } from 'vitest';
import { TidemarkError } from '../../../src/oci/error.ts';
import { TagReader } from '../../../src/registry/tags/tag-reader.ts';
import { json, reset } from '../../support/upstream/fake-upstream.ts';
import type { Answer } from '../../support/upstream/fake-upstream.ts';
import { failure, openClient, openUpstream } from '../open-client.ts';
import { path, page, list } from '../../support/upstream/tag-answers.ts';

const namesOf = (count: number, prefix = 't'): string[] =>
  Array.from({ length: count }, (_, number) => `${prefix}${String(number).padStart(5, '0')}`);

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
