/** Upstreams that list their tags with digests, and syncs and looks of them. */
import { sql } from 'kysely';
import { kysely } from '../../../src/db/sql.ts';
import { addImage, createSampleRepository } from '../../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../../src/demo/sample-image.ts';
import { ownListings } from '../../../src/registry/listing/listing.ts';
import type { OwnListing } from '../../../src/registry/listing/listing.ts';
import { namesOf } from '../../registry/open-client.ts';
import type { Answer } from '../upstream/fake-upstream.ts';
import { listedTags, scriptedListings, withGoogleList, withListing } from '../upstream/listings.ts';
import { sampleAnswers } from '../upstream/sample-answers.ts';
import { useDirectStage } from './direct-stage.ts';
import { insertSchedule } from './insert-schedule.ts';
import type { Scene } from './stage.ts';

/** Both names of Docker Hub lead to the upstream of the test. */
const settings = {
  lookup: namesOf({ 'registry-1.docker.io': ['127.0.0.1'], 'hub.docker.com': ['127.0.0.1'] }),
  dockerHubApi: '',
};
export type Source = OwnListing | 'GOOGLE';
export const sources: readonly Source[] = [...ownListings, 'GOOGLE'];
/** Two are the sample. */
export const tagCount = 120;

/** With larger pages than 100. */
const listsAtOnce = new Set<Source>(['GITLAB', 'ZOT', 'TIDEMARK']);

/** Google's list is no request of its own. */
export const pagesOf = (source: Source): number =>
  source === 'GOOGLE' ? 0 : listsAtOnce.has(source) ? 1 : 2;

/** Digests that are listed in place of a tag's own. */
type Lies = Map<string, string>;

export interface World {
  readonly scene: Scene;
  readonly repository: SampleRepository;
  readonly lies: Lies;
  readonly source: Source;
  readonly seed: string;
}

export function addTag(
  { repository, seed }: Pick<World, 'repository' | 'seed'>,
  tag: string,
  version = 1,
): void {
  addImage(repository, { seed: `${seed}-${tag}-${version}`, layers: [100], tag });
}

/** How many tags and how many pages of the list with digests a sync or look requests. A refused attempt without a token does not count. */
export async function sentBy({ scene, source }: World, work: () => Promise<unknown>) {
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

/** To be called at the top of a test file. */
export function useListedWorlds() {
  const opened = useDirectStage(settings);
  const em = () => opened.stage.harness.em();
  let worlds = 0;

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

  return { opened, em, openWorld, sync, look, taggedDigest, warningsOf, expireMemory };
}
