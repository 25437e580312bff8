/** A sync looks first, and completes if there is nothing to do. What it tells is what its stages would tell. */
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { kysely } from '../../src/db/sql.ts';
import { addImage, addIndex, createSampleRepository } from '../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../src/demo/sample-image.ts';
import { answersWithReferrers, signByReferrer, signByTag } from '../support/signatures/signed-sample.ts';
import { useDirectStage } from '../support/sync/direct-stage.ts';
import type { Scene, SceneOptions } from '../support/sync/stage.ts';

const opened = useDirectStage();
const em = () => opened.stage.harness.em();

/** Two signed images, one with an SBOM, an index, and tags that rules may exclude. */
function signedRepository(seed: string): SampleRepository {
  const repository = createSampleRepository();
  const [first, second] = ['1.0.0', '1.1.0'].map((tag) =>
    addImage(repository, { seed: `${seed}-${tag}`, layers: [200, 300], tag }),
  );
  if (first === undefined || second === undefined) throw new Error('no image');
  signByTag(repository, first);
  signByReferrer(repository, second, seed);
  addIndex(repository, { manifests: [first, second], tag: '2.0.0' });
  for (const tag of ['nightly-1', 'nightly-2'])
    addImage(repository, { seed: `${seed}-${tag}`, layers: [100], tag });
  return repository;
}

/** What the last task says of itself, without its times. */
async function lastTask({ ids }: Scene): Promise<unknown> {
  const found = await sql`
    select t.state, t.stage, t.created_version, t.signature_source, t.checked_by, t.tags_total, t.manifests_total, t.blobs_total, t.bytes_total,
      (select json_object_agg(outcome, count) from task_tag_count where task_id = t.id) as outcomes,
      (select row_to_json(p) from (select sum(tags_done) as tags, sum(manifests_done) as manifests, sum(blobs_done) as blobs,
        sum(blobs_reused) as "blobsReused", sum(bytes_done) as bytes, sum(bytes_reused) as "bytesReused",
        sum(signatures_done) as signatures from task_progress where task_id = t.id) as p) as progress,
      (select count(*) from task_warning where task_id = t.id) as warnings
    from task t where t.repository_id = ${ids.repositoryId} order by t.id desc limit 1`.execute(kysely(em()));
  return found.rows[0];
}

/** Whether the last task has been completed by the look. Only its counts stand with this stage. */
async function hasLooked({ ids }: Scene): Promise<boolean> {
  const found = await sql<{ stage: string }>`
    select stage from task_progress where task_id = (select max(id) from task where repository_id = ${ids.repositoryId})`.execute(
    kysely(em()),
  );
  return found.rows.every(({ stage }) => stage === 'COMMITTING');
}

async function requestsOf({ upstream }: Scene, work: () => Promise<unknown>): Promise<string[]> {
  upstream.requests.length = 0;
  await work();
  return upstream.requests.map(({ method, path }) => `${method} ${path}`).sort();
}

const withReferrers = (repository: SampleRepository): SceneOptions => ({
  upstream: { fallback: answersWithReferrers(repository) },
});
const cases: Readonly<Record<string, (repository: SampleRepository) => SceneOptions>> = {
  'all tags': withReferrers,
  'no referrers API': () => ({}),
  'some tags': (repository) => ({
    ...withReferrers(repository),
    remote: { includeTags: ['*.0.0'], excludeTags: ['nightly-*'] },
  }),
  'the newest': (repository) => ({
    ...withReferrers(repository),
    remote: { tagRules: { newestTags: { count: 2, per: 'ALL' } } },
  }),
  'configs only': (repository) => ({ ...withReferrers(repository), remote: { policy: 'ON_DEMAND' } }),
};

test.for(Object.entries(cases))(
  'a sync that changes nothing has the counts that its stages would have: %s',
  async ([name, options]) => {
    const repository = signedRepository(`look-first-${name}`);
    const scene = await opened.stage.open({ repository, ...options(repository) });
    expect(await opened.direct.run(scene.ids, true)).toBe(undefined);
    expect(await hasLooked(scene)).toBe(false);
    expect(await opened.direct.run(scene.ids, true, { stages: true })).toBe(undefined);
    expect(await hasLooked(scene)).toBe(false);
    const byStages = await lastTask(scene);
    expect(await opened.direct.run(scene.ids, true)).toBe(undefined);
    expect(await hasLooked(scene)).toBe(true);
    expect(await lastTask(scene)).toEqual(byStages);
  },
);

test('after a change, the stages do not ask again what the look has asked', async () => {
  const repository = signedRepository('look-first-moved');
  const scene = await opened.stage.open({ repository, ...withReferrers(repository) });
  await opened.direct.run(scene.ids, true);
  addImage(repository, { seed: 'look-first-moved-new', layers: [200], tag: 'nightly-1' });
  const asked = await requestsOf(scene, () => opened.direct.run(scene.ids, true));
  expect(asked).toEqual([...new Set(asked)]);
  expect(asked.filter((request) => request.includes('tags/list'))).toHaveLength(1);
});

test('a tag that cannot be read is tried as often as without a look', async () => {
  const repository = signedRepository('look-first-broken');
  const scene = await opened.stage.open({
    repository,
    ...withReferrers(repository),
    remote: { maxRetries: 0, tagRules: { tagFailures: 'SKIP_TAG' } },
  });
  await scene.sync({ mirror: true });
  scene.upstream.on('HEAD /v2/library/app/manifests/1.0.0', { status: 503 });
  scene.upstream.on('GET /v2/library/app/manifests/1.0.0', { status: 503 });
  const tries = async () => {
    const asked = await requestsOf(scene, () => scene.sync({ mirror: true }));
    return asked.filter((request) => request.endsWith('/manifests/1.0.0'));
  };
  const withLook = await tries();
  // a sync that left a tag out is not followed by a look
  expect(withLook).toEqual(await tries());
});
