/** Lists with digests that are wrong: syncs and looks find it, and stop using them. */
import { expect, test } from 'vitest';
import { listedPlace } from '../../../src/activities/sync/open-client.ts';
import { Remote } from '../../../src/db/schema/remotes.ts';
import { readKnownListings, takeListingWarning } from '../../../src/db/tasks/host-listing.ts';
import { hostScope } from '../../../src/upstream/clients/host-scope.ts';
import {
  addTag,
  pagesOf,
  sentBy,
  sources,
  tagCount,
  useListedWorlds,
} from '../../support/sync/listed-worlds.ts';
import { listedTags, scriptedListings } from '../../support/upstream/listings.ts';

const { em, openWorld, sync, look, taggedDigest, warningsOf, expireMemory } = useListedWorlds();

test.each(sources)('%s: a stale list is found by the sample and not used for a day', async (source) => {
  const world = await openWorld(source);
  expect(await sync(world)).toBe(undefined);
  const { repository, lies } = world;
  for (const [tag, digest] of repository.tags) {
    lies.set(tag, digest);
    addTag(world, tag, 2);
  }
  expect(await sync(world)).toBe(undefined);
  for (const tag of ['t0', 't50', 't119'])
    expect(await taggedDigest(world, tag)).toBe(repository.tags.get(tag));
  expect(await warningsOf(world)).toEqual([
    expect.stringContaining('Lists with digests of this host are not used'),
  ]);
  lies.clear();
  expect(await sentBy(world, () => sync(world))).toEqual({ heads: tagCount, lists: 0 });
  expect(await warningsOf(world)).toEqual([]);
  expect(await sentBy(world, async () => expect(await look(world)).toBe(true))).toEqual({
    heads: tagCount,
    lists: 0,
  });
  await expireMemory(world);
  expect(await sentBy(world, () => sync(world))).toEqual({ heads: 2, lists: pagesOf(source) });
});

test.each(['GOOGLE', 'GITLAB'] as const)(
  '%s: a look that meets a lie leaves it to the sync, which warns',
  async (source) => {
    const world = await openWorld(source);
    expect(await sync(world)).toBe(undefined);
    const { repository, lies } = world;
    for (const [tag, digest] of repository.tags) {
      lies.set(tag, digest);
      addTag(world, tag, 2);
    }
    expect(await look(world)).toBe(false);
    expect(await sync(world)).toBe(undefined);
    expect(await taggedDigest(world, 't119')).toBe(repository.tags.get('t119'));
    expect(await warningsOf(world)).toEqual([expect.stringContaining('names sha256:')]);
    expect(await sync(world)).toBe(undefined);
    expect(await warningsOf(world)).toEqual([]);
  },
);

test('a lie is known to remotes with the same settings only, and its warning to its repository', async () => {
  const world = await openWorld('GITLAB');
  const { scene, repository, lies } = world;
  expect(await sync(world)).toBe(undefined);
  for (const [tag, digest] of repository.tags) {
    lies.set(tag, digest);
    addTag(world, tag, 2);
  }
  const remote = await em().findOneOrFail(Remote, { id: scene.ids.remoteId });
  const place = { ...listedPlace(remote), repository: 'team/other' };
  expect(await look(world)).toBe(false);
  const [same, others] = await readKnownListings(em(), [
    place,
    { ...place, scope: hostScope({ ...remote, sslValidation: false }) },
  ]);
  expect(same).toMatchObject({ hasLied: true, hasWarning: false });
  expect(await takeListingWarning(em(), place)).toBe(undefined);
  expect(others).toMatchObject({ hasLied: false, listing: undefined });
});

test('a tag that is listed twice, differently, is requested', async () => {
  const world = await openWorld('GITLAB');
  expect(await sync(world)).toBe(undefined);
  const tags = listedTags(world.repository);
  const twice = tags.flatMap((tag) => [{ ...tag, digest: `sha256:${'0'.repeat(64)}` }, tag]);
  const { first, page } = scriptedListings.GITLAB;
  const { upstream } = world.scene;
  upstream.on(`GET ${first.split('?', 1)[0]}`, page(new URL(first, upstream.url), twice));
  expect(await sentBy(world, () => sync(world))).toEqual({ heads: tagCount, lists: 1 });
});
