import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kysely } from '../../src/db/sql.ts';
import {
  addImage,
  addIndex,
  addLayer,
  createSampleRepository,
  moveTag,
  removeTag,
} from '../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../src/demo/sample-image.ts';
import type { Descriptor } from '../../src/oci/manifest/descriptor.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { compileTagFilter } from '../../src/selection/tag-filter.ts';
import { openStage, readVersions } from '../support/sync/stage.ts';
import type { Stage } from '../support/sync/stage.ts';
import { contentOf, countsOf, emptyVersion, syncModel } from './content-model.ts';
import type { ModelContent } from './content-model.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

/** mulberry32: the same numbers from the same seed on every machine. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

interface Play {
  readonly repository: SampleRepository;
  readonly random: (below: number) => number;
  readonly layers: Descriptor[];
  readonly nodes: Descriptor[];
}

function pick<T>(play: Play, from: readonly T[]): T {
  const picked = from[play.random(from.length)];
  if (picked === undefined) throw new Error('nothing to pick from');
  return picked;
}

/** One change of the upstream: an image or an index (of images and indexes) comes, a tag comes, moves or goes. */
function change(play: Play, step: number): void {
  const { repository, random, nodes, layers } = play;
  const tag = `${pick(play, ['a', 'b'])}${random(6)}`;
  const kind = random(10);
  if (kind < 3 || nodes.length < 4) {
    layers.push(addLayer(repository, `random-${step}`, 100 + random(400)));
    const chosen = Array.from({ length: 1 + random(3) }, () => pick(play, layers));
    const format = pick(play, ['oci', 'docker'] as const);
    nodes.push(addImage(repository, { seed: `random-${step}`, layers: chosen, format, tag }));
  } else if (kind < 6) {
    const manifests = Array.from({ length: 1 + random(3) }, () => pick(play, nodes));
    nodes.push(addIndex(repository, { manifests, annotations: { step: String(step) }, tag }));
  } else if (kind < 8) moveTag(repository, tag, pick(play, nodes));
  else if (repository.tags.has(tag)) removeTag(repository, tag);
}

const filters: readonly { readonly includeTags: string[] | null; readonly excludeTags: string[] | null }[] = [
  { includeTags: null, excludeTags: null },
  { includeTags: ['a*'], excludeTags: null },
  { includeTags: null, excludeTags: ['b[0-2]'] },
  { includeTags: ['b1', 'a2', 'a3'], excludeTags: null },
];

const steps = 60;
const seeds = [20_261_123];
test.for(seeds)(
  '60 random changes and syncs leave what the rules say, and every older version as it was (seed %i)',
  async (seed) => {
    const play: Play = {
      repository: createSampleRepository(),
      random: randomFrom(seed),
      layers: [],
      nodes: [],
    };
    const scene = await stage.open({ repository: play.repository });
    const { harness } = stage;
    const { repositoryId, remoteId } = scene.ids;
    let model = emptyVersion;
    const versions: ModelContent[] = [];
    for (let step = 1; step <= steps; step += 1) {
      for (let changes = play.random(4); changes >= 0; changes -= 1) change(play, step * 10 + changes);
      const filter = play.random(3) === 0 ? pick(play, filters) : { includeTags: null, excludeTags: null };
      const digests: Digest[] = play.random(8) === 0 ? [pick(play, play.nodes).digest] : [];
      const includeTags =
        digests.length > 0 ? [...(filter.includeTags ?? ['*']), ...digests] : filter.includeTags;
      await harness.updateRemote(remoteId, { ...filter, includeTags, updatedAt: new Date() });
      const mirror = play.random(2) === 0;
      const compiled = compileTagFilter({ ...filter, includeTags });
      const next = syncModel(model, play.repository, {
        mirror,
        selects: (tag) => compiled.matches(tag),
        digests,
        includesAll: includeTags === null,
      });
      const outcome = await scene.sync({ mirror, confirmRemoval: true });
      const context = `step ${step}, mirror ${mirror}, includeTags ${String(includeTags)}`;
      expect(outcome.task, context).toMatchObject({ state: 'COMPLETED', errorMessage: null });
      const content = contentOf(next, play.repository);
      const before = versions.at(-1) ?? contentOf(emptyVersion, play.repository);
      const changed = JSON.stringify(content) !== JSON.stringify(before) || !sameSet(model.roots, next.roots);
      if (changed) versions.push(content);
      model = next;
      expect(outcome.task.createdVersion, context).toBe(changed ? versions.length : null);
      if (changed) expect(outcome.summary, context).toEqual(countsOf(before, content));
      expect(await presentRoots(repositoryId), context).toEqual(
        [...next.roots].sort((a, b) => (a < b ? -1 : 1)),
      );
      const read = await readVersion(repositoryId, outcome.latest);
      expect(read, context).toEqual(content);
    }
    // the random choices did reach what they are for
    expect(versions.length).toBeGreaterThan(steps / 2);
    const all = await readVersions(harness, repositoryId);
    expect(all.map(({ tags, manifests, blobs }) => ({ tags, manifests, blobs }))).toEqual(versions);
  },
);

function sameSet(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  return one.size === other.size && [...one].every((entry) => other.has(entry));
}

async function readVersion(repositoryId: number, version: number): Promise<ModelContent> {
  return {
    tags: Object.fromEntries(await stage.harness.tags(repositoryId, version)),
    manifests: await stage.harness.content(repositoryId, version, 'manifest'),
    blobs: await stage.harness.content(repositoryId, version, 'blob'),
  };
}

async function presentRoots(repositoryId: number): Promise<string[]> {
  const rows = await sql<{ root: string }>`
    select r.name || ' ' || m.digest as root from root_membership r join manifest m on m.id = r.manifest_id
    where r.repository_id = ${repositoryId} and r.removed_in is null order by 1`.execute(
    kysely(stage.harness.em()),
  );
  return rows.rows.map(({ root }) => root).sort((a, b) => (a < b ? -1 : 1));
}
