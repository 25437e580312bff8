/**
 * A sync that takes the difference from another Tidemark leaves what a sync by the whole list leaves. DIFFERENCE_STEPS and DIFFERENCE_SEED say how
 * many changes, and which.
 */
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Remote } from '../../../src/db/schema/remotes.ts';
import { kysely } from '../../../src/db/sql.ts';
import { addImage, addIndex, createSampleRepository, moveTag } from '../../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../../src/demo/sample-image.ts';
import type { Descriptor } from '../../../src/oci/manifest/descriptor.ts';
import { startHarnessApi } from '../../support/api/harness-api.ts';
import type { HarnessApi } from '../../support/api/harness-api.ts';
import {
  answersWithReferrers,
  attach,
  companionName,
  referrersOf,
  removeManifest,
  signByReferrer,
  signByTag,
} from '../../support/signatures/signed-sample.ts';
import { readSeed, useDirectStage } from '../../support/sync/direct-stage.ts';

const steps = Number(process.env['DIFFERENCE_STEPS'] ?? 5);
const seed = readSeed('DIFFERENCE_SEED');

const opened = useDirectStage();
let api: HarnessApi;
beforeAll(async () => {
  api = await startHarnessApi(opened.stage.harness);
});
afterAll(() => api?.close());

const tags = ['1.0.0', '1.1.0', '2.0.0', 'edge', 'nightly-1', 'nightly-2'];

interface World {
  readonly repository: SampleRepository;
  readonly random: (below: number) => number;
  next: number;
}

/** mulberry32 */
function randomFrom(start: number): (below: number) => number {
  let state = start;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

function unique(world: World): string {
  world.next += 1;
  return `${seed}-${world.next}`;
}

function tagged(world: World, tag: string): Descriptor {
  const { repository } = world;
  const digest = repository.tags.get(tag);
  const document = digest && repository.manifests.get(digest);
  if (!document) return addImage(repository, { seed: unique(world), layers: [200], tag });
  return { digest: document.digest, mediaType: document.mediaType, size: document.bytes.length };
}

const changes: readonly ((world: World, tag: string) => unknown)[] = [
  (world, tag) => addImage(world.repository, { seed: unique(world), layers: [200], tag }),
  (world, tag) => {
    const manifests = [1, 2].map(() => addImage(world.repository, { seed: unique(world), layers: [200] }));
    addIndex(world.repository, { manifests, tag });
  },
  // an image that another tag has, with its companions
  (world, tag) => {
    const other = tags[world.random(tags.length)];
    if (other !== undefined) moveTag(world.repository, tag, tagged(world, other));
  },
  ({ repository }, tag) => repository.tags.delete(tag),
  (world, tag) => signByTag(world.repository, tagged(world, tag), { seed: unique(world) }),
  (world, tag) => world.repository.tags.delete(companionName(tagged(world, tag), '.sig')),
  (world, tag) => signByReferrer(world.repository, tagged(world, tag), unique(world)),
  // a signature of a referrer
  (world, tag) =>
    signByTag(world.repository, attach(world.repository, tagged(world, tag), 'application/spdx+json')),
  (world, tag) => {
    for (const referrer of referrersOf(world.repository, tagged(world, tag).digest))
      removeManifest(world.repository, referrer);
  },
];

const variants: Readonly<Record<string, Partial<Remote>>> = {
  'all tags': {},
  'versions only': { includeTags: ['*.*.*'] },
  'no nightlies': { excludeTags: ['nightly-*'] },
  'a name, and a wildcard': { includeTags: ['edge', '1.*'] },
  'the newest': { includeTags: ['*.*.*'], tagRules: { newestTags: { count: 2, per: 'ALL' } } },
};

interface Content {
  readonly rows: unknown;
  readonly outcomes: unknown;
}

/** The latest version, and the counts of the last sync. */
async function contentOf(repositoryId: number): Promise<Content> {
  const db = kysely(opened.stage.harness.em());
  const rows = await sql`
    select 'tag' as kind, t.name, m.digest, m.media_type from tag_membership t join manifest m on m.id = t.manifest_id
    where t.repository_id = ${repositoryId} and t.removed_in is null
    union all
    select 'root', r.name, m.digest, m.media_type from root_membership r join manifest m on m.id = r.manifest_id
    where r.repository_id = ${repositoryId} and r.removed_in is null
    union all
    select p.kind, '', coalesce(m.digest, b.digest), '' from membership p left join manifest m on p.kind = 'manifest' and m.id = p.content_id
      left join blob b on p.kind = 'blob' and b.id = p.content_id
    where p.repository_id = ${repositoryId} and p.removed_in is null order by 1, 2, 3, 4`.execute(db);
  const outcomes = await sql`
    select c.outcome, c.count from task_tag_count c
    where c.task_id = (select max(id) from task where repository_id = ${repositoryId}) order by 1`.execute(
    db,
  );
  return { rows: rows.rows, outcomes: outcomes.rows };
}

async function forgetState(repositoryId: number): Promise<void> {
  await sql`update task set upstream_state = null where repository_id = ${repositoryId}`.execute(
    kysely(opened.stage.harness.em()),
  );
}

let differences = 0;
const cases = Object.entries(variants).flatMap(([name, remote]) =>
  [true, false]
    .filter((mirror) => mirror || steps > 5 || name === 'all tags' || name === 'versions only')
    .map((mirror) => ({ name, remote, mirror })),
);
test.concurrent.for(cases)(
  'a difference leads to what the whole list leads to: $name, mirror $mirror',
  { timeout: 120_000 + steps * 5_000 },
  async ({ name, remote, mirror }) => {
    const repository = createSampleRepository();
    const world: World = { repository, random: randomFrom(seed + name.length * 2 + Number(mirror)), next: 0 };
    for (const tag of tags) tagged(world, tag);
    const near = await opened.stage.open({
      repository,
      upstream: { fallback: answersWithReferrers(repository) },
    });
    const open = () =>
      opened.stage.open({ repository, remote: { url: api.url, upstreamName: near.name, ...remote } });
    const [far, whole] = [await open(), await open()];
    for (let step = 0; step < steps; step += 1) {
      for (let count = step === 0 ? 0 : world.random(4); count > 0; count -= 1)
        changes[world.random(changes.length)]?.(world, tags[world.random(tags.length)] ?? 'edge');
      await opened.direct.run(near.ids, true);
      await forgetState(whole.ids.repositoryId);
      const ends = [
        await opened.direct.run(far.ids, mirror),
        await opened.direct.run(whole.ids, mirror, { stages: true }),
      ];
      expect(ends[0], `step ${step}`).toBe(ends[1]);
      const [one, other] = [await contentOf(far.ids.repositoryId), await contentOf(whole.ids.repositoryId)];
      expect(one.rows, `step ${step}`).toEqual(other.rows);
      if (mirror) expect(one.outcomes, `step ${step}`).toEqual(other.outcomes);
    }
    const found = await sql<{ count: number }>`
      select count(*)::int as count from task where repository_id = ${far.ids.repositoryId} and difference_of is not null`.execute(
      kysely(opened.stage.harness.em()),
    );
    differences += found.rows[0]?.count ?? 0;
  },
);

test('the difference was taken', () => {
  expect(differences).toBeGreaterThan(steps * 2);
});
