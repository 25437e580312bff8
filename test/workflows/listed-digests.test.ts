/** Syncs and looks with registries that list tags with digests. */
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { kysely } from '../../src/db/sql.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { digestBytes } from '../../src/oci/digest-bytes.ts';
import { addImage, createSampleRepository } from '../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../src/demo/sample-image.ts';
import { listingNames } from '../../src/registry/listing/listing.ts';
import type { ListingName } from '../../src/registry/listing/listing.ts';
import { namesOf } from '../registry/open-client.ts';
import { useDirectStage } from '../support/sync/direct-stage.ts';
import { insertSchedule } from '../support/sync/insert-schedule.ts';
import type { Scene } from '../support/sync/stage.ts';
import type { Answer } from '../support/upstream/fake-upstream.ts';
import { listedTags, scriptedListings, withGoogleList, withListing } from '../support/upstream/listings.ts';
import { sampleAnswers } from '../support/upstream/sample-answers.ts';

/** Both names of Docker Hub lead to the upstream of the test. */
const settings = {
  lookup: namesOf({ 'registry-1.docker.io': ['127.0.0.1'], 'hub.docker.com': ['127.0.0.1'] }),
  dockerHubApi: '',
};
const opened = useDirectStage(settings);
const em = () => opened.stage.harness.em();

type Source = ListingName | 'GOOGLE';
const sources: readonly Source[] = [...listingNames, 'GOOGLE'];
/** Two are the sample. */
const tagCount = 120;

let worlds = 0;

/** Digests that are listed in place of a tag's own. */
type Lies = Map<string, string>;

interface World {
  readonly scene: Scene;
  readonly repository: SampleRepository;
  readonly lies: Lies;
  readonly source: Source;
  readonly seed: string;
}

function addTag({ repository, seed }: Pick<World, 'repository' | 'seed'>, tag: string, version = 1): void {
  addImage(repository, { seed: `${seed}-${tag}-${version}`, layers: [100], tag });
}

async function openWorld(source: Source, change?: (answer: Answer) => Answer): Promise<World> {
  worlds += 1;
  const seed = `listed-${worlds}`;
  const repository = createSampleRepository();
  for (let n = 0; n < tagCount; n += 1) addTag({ repository, seed }, `t${n}`);
  const lies: Lies = new Map();
  const tags = () => listedTags(repository, lies);
  const plain = sampleAnswers(repository);
  const answer = source === 'GOOGLE' ? withGoogleList(tags, plain) : withListing(source, tags, plain);
  const scene = await opened.stage.open({ repository, upstream: { fallback: change?.(answer) ?? answer } });
  if (source === 'DOCKER_HUB') {
    const { port } = scene.upstream;
    settings.dockerHubApi = `http://hub.docker.com:${port}`;
    const url = `http://registry-1.docker.io:${port}`;
    await opened.stage.harness.updateRemote(scene.ids.remoteId, { url });
  }
  return { scene, repository, lies, source, seed };
}

/** How many tags and how many pages of the list with digests a sync or look requests. A refused attempt without a token does not count. */
async function sentBy({ scene, source }: World, work: () => Promise<unknown>) {
  const { requests } = scene.upstream;
  requests.length = 0;
  await work();
  const own = source === 'GOOGLE' ? '' : scriptedListings[source].first.split('?', 1)[0];
  const pathsOf = (wanted: (request: (typeof requests)[number]) => boolean) =>
    new Set(requests.filter(wanted).map(({ path }) => path));
  return {
    heads: pathsOf(({ method }) => method === 'HEAD').size,
    lists: pathsOf(({ path }) => path.split('?', 1)[0] === own).size,
  };
}

const sync = ({ scene }: World) => opened.direct.run(scene.ids, false);
const look = async ({ scene }: World): Promise<boolean> =>
  opened.direct.look(await insertSchedule(em(), { repositoryId: scene.ids.repositoryId, mirror: false }));

async function taggedDigest({ scene }: World, tag: string): Promise<string | undefined> {
  const found = await sql<{ digest: string }>`
    select m.digest from tag_membership t join manifest m on m.id = t.manifest_id
    where t.repository_id = ${scene.ids.repositoryId} and t.name = ${tag} and t.removed_in is null`.execute(
    kysely(em()),
  );
  return found.rows[0]?.digest;
}

async function warningsOf({ scene }: World): Promise<string[]> {
  const found = await sql<{ message: string }>`
    select w.message from task_warning w
    where w.task_id = (select max(id) from task where repository_id = ${scene.ids.repositoryId})`.execute(
    kysely(em()),
  );
  return found.rows.map(({ message }) => message);
}

async function expireMemory({ scene }: World): Promise<void> {
  const host = `%:${scene.upstream.port}`;
  await sql`update host_listing set until = clock_timestamp() - interval '1 second' where host like ${host}`.execute(
    kysely(em()),
  );
}

/** Pages of 100, of 1,000, or none of their own. */
const pagesOf = (source: Source): number =>
  source === 'GOOGLE' ? 0 : source === 'GITLAB' || source === 'ZOT' ? 1 : 2;

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
