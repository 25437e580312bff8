/** Pages of tags as registries give them: sizes that are refused, links that are wrong, ends that have to be guessed. */
import { describe, expect, test } from 'vitest';
import { json } from '../../support/upstream/fake-upstream.ts';
import type { Answer, FakeUpstream } from '../../support/upstream/fake-upstream.ts';
import { failure, openClient, openUpstream } from '../open-client.ts';
import { path, page, list } from '../../support/upstream/tag-answers.ts';

const next = (target: string): string => `<${target}>; rel="next"`;

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
