/** Syncs and looks with registries that list tags with digests. */
import { expect, test } from 'vitest';
import type { Digest } from '../../../src/oci/digest.ts';
import { digestBytes } from '../../../src/oci/digest-bytes.ts';
import { addImage, createSampleRepository } from '../../../src/demo/sample-image.ts';
import {
  addTag,
  pagesOf,
  sentBy,
  sources,
  tagCount,
  useListedWorlds,
} from '../../support/sync/listed-worlds.ts';
import { listedTags, scriptedListings, withGoogleList } from '../../support/upstream/listings.ts';
import { sampleAnswers } from '../../support/upstream/sample-answers.ts';

const { opened, openWorld, sync, look, taggedDigest, warningsOf, expireMemory } = useListedWorlds();

test.each(sources)(
  '%s: an unchanged sync requests a sample of the tags; a look sends the same',
  async (source) => {
    const world = await openWorld(source);
    expect(await sync(world)).toBe(undefined);
    const sample = { heads: 2, lists: pagesOf(source) };
    expect(await sentBy(world, () => sync(world))).toEqual(sample);
    expect(await warningsOf(world)).toEqual([]);
    expect(await sentBy(world, async () => expect(await look(world)).toBe(true))).toEqual(sample);
  },
);

test.each(sources)('%s: a tag that moved is fetched, an unlisted one is requested', async (source) => {
  const world = await openWorld(source);
  expect(await sync(world)).toBe(undefined);
  const { repository, lies } = world;
  addTag(world, 't7', 2);
  // no digest, so the entry is left out
  lies.set('t8', 'unknown');
  const { heads } = await sentBy(world, () => sync(world));
  expect(heads).toBeGreaterThanOrEqual(4);
  expect(heads).toBeLessThanOrEqual(6);
  expect(await taggedDigest(world, 't7')).toBe(repository.tags.get('t7'));
  expect(await warningsOf(world)).toEqual([]);
});

test.each([
  { what: 'refuses', answer: { status: 403 } },
  { what: 'fails', answer: { status: 500 } },
  { what: 'throttles', answer: { status: 429, headers: { 'retry-after': '3600' } } },
  { what: 'is damaged', answer: { body: '[{"name":' } },
])('an API that $what is not asked again, and each tag is requested', async ({ answer }) => {
  const world = await openWorld('GITLAB');
  expect(await sync(world)).toBe(undefined);
  const route = `GET ${scriptedListings.GITLAB.first.split('?', 1)[0]}`;
  world.scene.upstream.on(route, answer);
  expect(await sentBy(world, () => sync(world))).toEqual({ heads: tagCount, lists: 1 });
  expect(await warningsOf(world)).toEqual([]);
  world.scene.upstream.off(route);
  expect(await sentBy(world, () => sync(world))).toEqual({ heads: tagCount, lists: 0 });
  await expireMemory(world);
  expect(await sentBy(world, () => sync(world))).toEqual({ heads: 2, lists: 1 });
});

test('a registry that shows no sign is asked for its extensions once', async () => {
  const world = await openWorld('ZOT', () => (request, response) => {
    const plain = sampleAnswers(world.repository);
    return typeof plain === 'function' ? plain(request, response) : undefined;
  });
  const asked = () => world.scene.upstream.requestsOf('GET /v2/_oci/ext/discover').length;
  expect(await sync(world)).toBe(undefined);
  expect(asked()).toBe(0);
  expect(await sentBy(world, () => sync(world))).toEqual({ heads: tagCount, lists: 0 });
  expect(asked()).toBe(1);
  expect(await sentBy(world, () => sync(world))).toEqual({ heads: tagCount, lists: 0 });
  expect(asked()).toBe(0);
});

test.each([
  { source: 'QUAY', what: 'without the type', heads: 12 },
  { source: 'HARBOR', what: 'with the type', heads: 2 },
] as const)('manifests that state no media type, in a list $what', async ({ source, heads }) => {
  const world = await openWorld(source);
  const { repository } = world;
  for (let n = 0; n < 10; n += 1) {
    const document = repository.manifests.get(repository.tags.get(`t${n}`) as Digest);
    const { mediaType, ...fields } = JSON.parse(String(document?.bytes)) as { mediaType: string };
    const bytes = Buffer.from(JSON.stringify(fields));
    const digest = digestBytes(bytes);
    repository.manifests.set(digest, { digest, mediaType, bytes });
    repository.tags.set(`t${n}`, digest);
  }
  expect(await sync(world)).toBe(undefined);
  expect((await sentBy(world, () => sync(world))).heads).toBe(heads);
});

test('10,000 unchanged tags of a Google registry cost at most 110 requests', async () => {
  const repository = createSampleRepository();
  for (let n = 0; n < 10; n += 1)
    addImage(repository, { seed: `listed-many-${n}`, layers: [100], tag: `image${n}` });
  const images = [...repository.tags.values()];
  for (let n = 0; n < 9_990; n += 1) repository.tags.set(`t${n}`, images[n % 10] as Digest);
  const tags = listedTags(repository);
  const fallback = withGoogleList(() => tags, sampleAnswers(repository));
  const scene = await opened.stage.openSynced({ repository, upstream: { fallback } });
  const { task, warnings, counts } = await scene.sync();
  expect(task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
  expect(warnings).toEqual([]);
  expect(counts).toMatchObject({ tagsDone: 10_000 });
  expect(scene.upstream.requests.filter(({ method }) => method === 'HEAD')).toHaveLength(100);
  // whether there are referrers is asked of images, not of tags
  const others = scene.upstream.requests.filter(({ path }) => !path.includes('/referrers/'));
  expect(others.length).toBeLessThanOrEqual(110);
}, 240_000);
