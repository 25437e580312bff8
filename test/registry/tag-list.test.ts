import { expect, test } from 'vitest';
import type { Registry, TagPage } from '../../src/registry/registry.ts';
import { json } from '../support/upstream/fake-upstream.ts';
import type { Answer } from '../support/upstream/fake-upstream.ts';
import { failure, openClient, openUpstream } from './open-client.ts';

const path = '/v2/library/app/tags/list';
const page = (tags: unknown, next?: string): Answer =>
  json({ name: 'other', tags }, next === undefined ? {} : { link: `<${next}>; rel="next"` });

async function list(registry: Registry): Promise<TagPage> {
  const names: string[] = [];
  const invalid: string[] = [];
  for await (const found of registry.listTags()) {
    names.push(...found.names);
    invalid.push(...found.invalid);
  }
  return { names, invalid };
}

test.each([
  { name: 'null', tags: null },
  { name: 'an empty list', tags: [] },
  { name: 'missing', tags: undefined },
])('fault 29: tags that are $name are none', async ({ tags }) => {
  const upstream = await openUpstream();
  upstream.script(`GET ${path}?n=1000`, page(tags));
  expect(await list(openClient(upstream))).toEqual({ names: [], invalid: [] });
  upstream.assertDone();
});

test.each([
  { name: 'a string instead of the list', answer: page('latest'), code: 'UPSTREAM_RESPONSE_INVALID' },
  { name: 'a number in the list', answer: page(['a', 1]), code: 'UPSTREAM_RESPONSE_INVALID' },
  { name: 'a list instead of the object', answer: json(['a']), code: 'UPSTREAM_RESPONSE_INVALID' },
  { name: 'fault 41: no JSON', answer: { body: 'hello' }, code: 'UPSTREAM_NOT_A_REGISTRY' },
  {
    name: 'fault 41: a web page',
    answer: { headers: { 'content-type': 'text/html' }, body: '<html>' },
    code: 'UPSTREAM_NOT_A_REGISTRY',
  },
  {
    name: '404',
    answer: json({ errors: [{ code: 'NAME_UNKNOWN' }] }, {}, 404),
    code: 'REPOSITORY_NOT_FOUND',
  },
  {
    name: 'a page above its limit',
    answer: { body: ' '.repeat(1024 * 1024 + 1) },
    code: 'UPSTREAM_RESPONSE_TOO_LARGE',
  },
  { name: 'tags twice', answer: { body: '{"tags":["a"],"tags":["b"]}' }, code: 'UPSTREAM_RESPONSE_INVALID' },
  {
    name: 'an object instead of the list',
    answer: { body: '{"tags":{}}' },
    code: 'UPSTREAM_RESPONSE_INVALID',
  },
  { name: 'a list that ends early', answer: { body: '{"tags":["a","b"' }, code: 'UPSTREAM_NOT_A_REGISTRY' },
  { name: 'something behind the list', answer: { body: '{"tags":["a"]}]' }, code: 'UPSTREAM_NOT_A_REGISTRY' },
  { name: 'depth', answer: { body: `{"x":${'['.repeat(100_000)}` }, code: 'UPSTREAM_NOT_A_REGISTRY' },
  {
    name: 'fault 27: a link to itself',
    answer: page(['a'], `${path}?n=1000`),
    code: 'UPSTREAM_PAGINATION_LOOP',
  },
  {
    name: 'fault 28: a link to another origin',
    answer: page(['a'], 'http://169.254.169.254/latest'),
    code: 'UPSTREAM_LINK_REFUSED',
  },
  {
    name: 'fault 28: a link to another port',
    answer: page(['a'], 'http://127.0.0.1:1/v2'),
    code: 'UPSTREAM_LINK_REFUSED',
  },
  {
    name: 'fault 28: a link with another host in relative form',
    answer: page(['a'], '//evil.test/v2'),
    code: 'UPSTREAM_LINK_REFUSED',
  },
])('$name: $code', async ({ answer, code }) => {
  const upstream = await openUpstream();
  upstream.on(`GET ${path}`, answer);
  const error = await failure(
    list(openClient(upstream, { maxRetries: 0 }, { tagPageMaxBytes: 1024 * 1024 })),
  );
  expect(error.code).toBe(code);
  expect(error.retryable).toBe(false);
});

test.each(['rel="next"', '<unclosed; rel="next"', `<${path}?x=${'y'.repeat(5000)}>; rel="next"`])(
  'a Link that cannot be read is no end of the list: %.40s',
  async (link) => {
    const upstream = await openUpstream();
    upstream.on(`GET ${path}`, json({ tags: ['a'] }, { link }));
    expect((await failure(list(openClient(upstream)))).code).toBe('UPSTREAM_LINK_REFUSED');
  },
);

test('pages are followed, absolute and relative, and invalid names told apart (fault 32)', async () => {
  const upstream = await openUpstream();
  const signature = `sha256-${'0'.repeat(64)}.sig`;
  upstream.script(
    `GET ${path}?n=1000`,
    page(['a', 'A', '.hidden', '-x'], `${upstream.url}${path}?n=1000&last=a`),
  );
  upstream.script(
    `GET ${path}?n=1000&last=a`,
    page([signature, 'x'.repeat(129), 'a/b', '..'], `${path}?n=1000&last=b`),
  );
  upstream.script(`GET ${path}?n=1000&last=b`, page(['ü', 'a\u0000', '', 'z']));
  const found = await list(openClient(upstream));
  expect(found.names).toEqual(['a', 'A', signature, 'z']);
  expect(found.invalid).toEqual(['.hidden', '-x', 'x'.repeat(129), 'a/b', '..', 'ü', 'a\u0000', '']);
  upstream.assertDone();
});

test('fault 27: a cycle over three pages, and pages that repeat under new addresses, end', async () => {
  const upstream = await openUpstream();
  upstream.on(`GET ${path}?n=1000`, page(['a'], `${path}?p=1`));
  upstream.on(`GET ${path}?p=1`, page(['b'], `${path}?p=2`));
  upstream.on(`GET ${path}?p=2`, page(['c'], `${path}?p=1`));
  expect((await failure(list(openClient(upstream)))).code).toBe('UPSTREAM_PAGINATION_LOOP');
  upstream.on(`GET ${path}?n=1000`, (request, response) => {
    response
      .writeHead(200, { link: `<${path}?p=${upstream.requests.length}>; rel=next` })
      .end('{"tags":["a"]}');
  });
  for (const one of [1, 2]) upstream.on(`GET ${path}?p=${one}`, page(['a'], `${path}?p=${one + 1}`));
  upstream.on(`GET ${path}`, page(['a'], `${path}?p=9`));
  expect((await failure(list(openClient(upstream)))).code).toBe('UPSTREAM_PAGINATION_LOOP');
});
