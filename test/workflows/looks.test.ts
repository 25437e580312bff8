/** The look before a scheduled sync says UNCHANGED only where a sync would change nothing. LOOK_RUNS and LOOK_SEED say how many runs, and which. */
import fc from 'fast-check';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { ScheduleRun } from '../../src/db/schema/schedules.ts';
import { readFreshness } from '../../src/db/reads/figures/read-freshness.ts';
import { kysely } from '../../src/db/sql.ts';
import { addImage, createSampleRepository } from '../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../src/demo/sample-image.ts';
import { insertSchedule } from '../support/sync/insert-schedule.ts';
import { readSeed } from '../support/sync/direct-stage.ts';
import type { Scene, SceneOptions } from '../support/sync/stage.ts';
import { listedTags, withGoogleList } from '../support/upstream/listings.ts';
import type { ScriptedTag } from '../support/upstream/listings.ts';
import { sampleAnswers } from '../support/upstream/sample-answers.ts';
import { answersWithReferrers, signByTag } from '../support/signatures/signed-sample.ts';
import { changes, leavesMore, opened } from '../support/sync/world-changes.ts';
import type { World } from '../support/sync/world-changes.ts';

const runs = Number(process.env['LOOK_RUNS'] ?? 18);
const seed = readSeed('LOOK_SEED');
const lanes = 3;
const em = () => opened.stage.harness.em();

const addSchedule = ({ ids }: Scene, mirror: boolean): Promise<number> =>
  insertSchedule(em(), { repositoryId: ids.repositoryId, mirror });

async function latestVersion({ ids }: Scene): Promise<number> {
  const found = await sql<{ number: number }>`
    select coalesce(max(number), 0) as number from repository_version where repository_id = ${ids.repositoryId}`.execute(
    kysely(em()),
  );
  return found.rows[0]?.number ?? 0;
}

async function hasWarnings({ ids }: Scene): Promise<boolean> {
  const found = await sql`
    select from task_warning w join task t on t.id = w.task_id
    where t.id = (select max(id) from task where repository_id = ${ids.repositoryId}) limit 1`.execute(
    kysely(em()),
  );
  return found.rows.length > 0;
}

/** Lists each tag with the digest that it had first. */
function staleList(repository: SampleRepository): () => ScriptedTag[] {
  const first = new Map<string, string>();
  return () => {
    for (const [name, digest] of repository.tags) if (!first.has(name)) first.set(name, digest);
    return listedTags(repository, first);
  };
}

const lyingVariant = "Google's list, that names old digests";
const variants: Readonly<Record<string, (repository: SampleRepository) => SceneOptions>> = {
  'all tags, with the referrers API': (repository) => ({
    upstream: { fallback: answersWithReferrers(repository) },
  }),
  'all tags, without': () => ({}),
  'the newest, with the referrers API': (repository) => ({
    upstream: { fallback: answersWithReferrers(repository) },
    remote: { includeTags: ['v*'], tagRules: { newestTags: { count: 2, per: 'ALL' } } },
  }),
  'named tags, without': () => ({ remote: { includeTags: ['v1', 'v2'] } }),
  "Google's list, with the referrers API": (repository) => ({
    upstream: { fallback: withGoogleList(() => listedTags(repository), answersWithReferrers(repository)) },
  }),
  [lyingVariant]: (repository) => {
    const list = staleList(repository);
    return { upstream: { fallback: withGoogleList(list, sampleAnswers(repository)) } };
  },
  'immutable tags': () => ({ remote: { tagRules: { immutableTags: ['v1'] } } }),
};

let unchanged = 0;
let worlds = 0;
const property = () =>
  fc.asyncProperty(
    fc.constantFrom(...Object.keys(variants)),
    fc.boolean(),
    fc.array(fc.tuple(fc.constantFrom(...Object.keys(changes)), fc.constantFrom('v1', 'v2', 'v3')), {
      minLength: 3,
      maxLength: 8,
    }),
    async (variant, mirror, script) => {
      const repository = createSampleRepository();
      worlds += 1;
      const seedOf = `look-${worlds}`;
      for (const tag of ['v1', 'v2', 'v3'])
        addImage(repository, { seed: `${seedOf}-${tag}`, layers: [200], tag });
      const scene = await opened.stage.open({ repository, ...variants[variant]?.(repository) });
      const world: World = { repository, scene, seed: seedOf, next: 0 };
      const scheduleId = await addSchedule(scene, mirror);
      const look = () => opened.direct.look(scheduleId);
      const sync = () => opened.direct.run(scene.ids, mirror, { stages: true });
      expect(await look()).toBe(false);
      expect(await sync()).toBe(undefined);
      let hasMore = false;
      if (variant === lyingVariant) {
        // all tags move, so that any sample meets a lie: one about a single tag may pass it
        for (const tag of ['v1', 'v2', 'v3']) await changes['move']?.(world, tag);
        expect(await look()).toBe(false);
        expect(await sync()).toBe(undefined);
        expect(await latestVersion(scene)).toBe(2);
        hasMore ||= !mirror;
      }
      for (const [change, tag] of script) {
        const isSettled = !(await hasWarnings(scene)) && !hasMore;
        if (isSettled) expect(await look(), `before ${change} of ${tag}`).toBe(true);
        await changes[change]?.(world, tag);
        hasMore ||= !mirror && leavesMore.has(change);
        // a look checks all blobs of the repository, a sync those that the rules select
        hasMore ||= change === 'lose a blob here' && script.some(([other]) => other === 'take another rule');
        const found = await look();
        const before = await latestVersion(scene);
        expect(await sync()).toBe(undefined);
        const isSame = (await latestVersion(scene)) === before;
        expect(found && !isSame, `after ${change} of ${tag}`).toBe(false);
        if (found) unchanged += 1;
      }
      await scene.upstream.close();
    },
  );

test(
  'what a look calls unchanged, a sync leaves as it is; after a sync without a warning, a look finds nothing changed',
  async () => {
    await Promise.all(
      Array.from({ length: lanes }, (_, lane) =>
        fc.assert(property(), { seed: seed + lane, numRuns: Math.ceil(runs / lanes), endOnFailure: true }),
      ),
    );
    expect(unchanged).toBeGreaterThan(0);
  },
  120_000 + runs * 5_000,
);

test('a look sends what a sync of an unchanged repository sends, writes no task, and moves lastSyncedAt', async () => {
  const repository = createSampleRepository();
  for (const tag of ['v1', 'v2'])
    signByTag(repository, addImage(repository, { seed: `look-asks-${tag}`, layers: [200], tag }));
  const scene = await opened.stage.open({ repository });
  const scheduleId = await addSchedule(scene, true);
  const sent = async (work: () => Promise<unknown>) => {
    scene.upstream.requests.length = 0;
    await work();
    return scene.upstream.requests.map(({ method, path }) => `${method} ${path}`).sort();
  };
  await opened.direct.run(scene.ids, true);
  const asked = await sent(() => opened.direct.run(scene.ids, true, { stages: true }));
  expect(await sent(() => opened.direct.run(scene.ids, true))).toEqual(asked);
  const [before] = await readFreshness(em(), [scene.ids.repositoryId]);
  const tasks = await sql`select from task where repository_id = ${scene.ids.repositoryId}`.execute(
    kysely(em()),
  );
  expect(await sent(async () => expect(await opened.direct.look(scheduleId)).toBe(true))).toEqual(asked);
  const after = await sql`select from task where repository_id = ${scene.ids.repositoryId}`.execute(
    kysely(em()),
  );
  expect(after.rows).toHaveLength(tasks.rows.length);
  const [fresh] = await readFreshness(em(), [scene.ids.repositoryId]);
  expect(fresh?.syncedAt?.getTime()).toBeGreaterThan(before?.syncedAt?.getTime() ?? Infinity);
  const found = await em().find(ScheduleRun, { scheduleId });
  expect(found).toMatchObject([{ outcome: 'UNCHANGED', taskId: null, message: null }]);
});
