/** Tags that the upstream cannot deliver: the others are committed (docs/selection.md, "One bad tag"). */
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Remote } from '../../src/db/schema/remotes.ts';
import { kysely } from '../../src/db/sql.ts';
import { addImage, addIndex, createSampleRepository } from '../../src/demo/sample-image.ts';
import { explainTag } from '../../src/operations/tags/explain-tag.ts';
import { openStage } from '../support/sync/stage.ts';
import type { Stage } from '../support/sync/stage.ts';
import { companionName, signByTag } from '../support/signatures/signed-sample.ts';
import { layerOf, kinds, damageAll } from './bad-tag-kinds.ts';

const skip = { tagRules: { tagFailures: 'SKIP_TAG' } } as const;

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());
const badTags = Object.keys(kinds).sort();

interface OutcomeRow {
  readonly name: string;
  readonly outcome: string;
  readonly reason: string | null;
  readonly oldDigest: string | null;
}

async function outcomesOf(taskId: number) {
  const db = kysely(stage.harness.em());
  const rows = await sql<OutcomeRow>`
    select name, outcome, reason, old_digest as "oldDigest" from task_tag where task_id = ${taskId} order by name`.execute(
    db,
  );
  const counts = await sql<{ outcome: string; count: number }>`
    select outcome, count from task_tag_count where task_id = ${taskId} and count > 0`.execute(db);
  return {
    rows: rows.rows,
    counts: Object.fromEntries(counts.rows.map(({ outcome, count }) => [outcome, count])),
  };
}

test('bad tags of 1,000, one of each kind: the others are committed, and a mirror keeps the old digests', async () => {
  const repository = createSampleRepository();
  const { digest } = addImage(repository, { seed: 'bad-tags-good', layers: [300], tag: 'v0' });
  for (let n = badTags.length; n < 1_000; n += 1) repository.tags.set(`v${n}`, digest);
  repository.tags.delete('v0');
  const scene = await stage.open({ repository, remote: { ...skip, maxRetries: 0 } });
  const good = 1_000 - badTags.length;
  damageAll(scene, 1);

  const first = await scene.sync({ mirror: true });
  expect(first.task).toMatchObject({ state: 'COMPLETED', createdVersion: 1, errorCode: null });
  expect((await stage.harness.tags(scene.ids.repositoryId, 1)).size).toBe(good);
  const { rows, counts } = await outcomesOf(first.task.id);
  expect(counts).toEqual({ ADDED: good, FAILED: badTags.length });
  const failed = rows.filter(({ outcome }) => outcome === 'FAILED');
  expect(failed.map(({ name }) => name)).toEqual(badTags);
  for (const { reason } of failed) expect(reason).toContain(`${scene.upstream.url}/v2/library/app/`);
  for (const tag of badTags)
    expect(first.warnings).toContainEqual(
      expect.stringMatching(new RegExp(`The tag "${tag}" was skipped: .* It is not in the repository`)),
    );

  const explain = (name: string) =>
    explainTag(stage.harness.em(), { repositoryId: scene.ids.repositoryId, name, remote });
  const remote = await stage.harness.em().findOneOrFail(Remote, { id: scene.ids.remoteId });
  expect(await explain('layer-404')).toMatchObject({
    outcome: 'FAILED',
    rule: 'tagFailures',
    detail: expect.stringMatching(
      /every tag is included\. .*\/blobs\/sha256:.* It is not in the latest version\./,
    ),
    presentDigest: null,
  });
  expect(await explain('v999')).toMatchObject({ outcome: 'ADDED', presentDigest: digest });
  expect(await explain('v2000')).toMatchObject({ outcome: 'UNCHANGED', rule: 'upstream' });

  // repaired: what was skipped comes with the next sync
  for (const tag of badTags) {
    addImage(repository, { seed: `${tag}-good`, layers: [400], tag });
    for (const method of ['GET', 'HEAD']) scene.upstream.off(`${method} /v2/library/app/manifests/${tag}`);
  }
  const repaired = await scene.sync({ mirror: true });
  expect(repaired.task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
  expect((await outcomesOf(repaired.task.id)).counts).toEqual({ ADDED: badTags.length, UNCHANGED: good });
  const before = await stage.harness.tags(scene.ids.repositoryId, 2);
  expect(before.size).toBe(1_000);

  // damaged again: a mirror keeps the old digests, and takes what else has changed
  damageAll(scene, 2);
  addImage(repository, { seed: 'bad-tags-moved', layers: [300], tag: 'v999' });
  const damaged = await scene.sync({ mirror: true });
  expect(damaged.task).toMatchObject({ state: 'COMPLETED', createdVersion: 3 });
  const after = await stage.harness.tags(scene.ids.repositoryId, 3);
  expect([...after].filter(([name]) => name !== 'v999')).toEqual(
    [...before].filter(([name]) => name !== 'v999'),
  );
  expect(after.get('v999')).toBe(repository.tags.get('v999'));
  const last = await outcomesOf(damaged.task.id);
  expect(last.counts).toEqual({ MOVED: 1, FAILED: badTags.length, UNCHANGED: good - 1 });
  expect(
    last.rows.filter(({ outcome }) => outcome === 'FAILED').map(({ name, oldDigest }) => [name, oldDigest]),
  ).toEqual(badTags.map((name) => [name, before.get(name)]));
});

test.concurrent.each(Object.entries(kinds))(
  'a sync of the bad tag %s alone fails with its error',
  async (tag, [code, damage]) => {
    const scene = await stage.open({
      repository: createSampleRepository(),
      remote: { ...skip, maxRetries: 0 },
    });
    const { digest: image } = addImage(scene.repository, { seed: `${scene.seed}-alone`, layers: [500], tag });
    damage({ ...scene, tag, image });
    const { task } = await scene.sync();
    expect(task).toMatchObject({ state: 'FAILED', errorCode: code });
    expect(task.errorMessage).toContain(`${scene.upstream.url}/v2/library/app/`);
  },
);

test.concurrent('FAIL_SYNC: one bad tag fails the sync', async () => {
  const scene = await stage.open({ remote: { tagRules: { tagFailures: 'FAIL_SYNC' } } });
  const { digest: image } = addImage(scene.repository, {
    seed: `${scene.seed}-bad`,
    layers: [500],
    tag: 'bad',
  });
  scene.repository.blobs.delete(layerOf(scene.repository, image));
  expect((await scene.sync()).task).toMatchObject({ state: 'FAILED', errorCode: 'CONTENT_UNKNOWN' });
});

test.concurrent('a layer that several tags share fails all of them, and no other', async () => {
  const scene = await stage.open({ remote: skip });
  const { repository } = scene;
  const one = addImage(repository, { seed: `${scene.seed}-shared`, layers: [500], tag: 'one' });
  repository.tags.set('same', one.digest);
  addIndex(repository, { manifests: [one], tag: 'index' });
  repository.blobs.delete(layerOf(repository, one.digest));
  const { task } = await scene.sync();
  expect(task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
  const { rows } = await outcomesOf(task.id);
  expect(rows.map(({ name, outcome }) => [name, outcome])).toEqual([
    ['good', 'ADDED'],
    ['index', 'FAILED'],
    ['multi', 'ADDED'],
    ['one', 'FAILED'],
    ['same', 'FAILED'],
  ]);
});

test.concurrent('fault 44: an index nested deeper than 64 levels fails its tag, and no other', async () => {
  const scene = await stage.open({ remote: skip });
  const { repository } = scene;
  let below = addImage(repository, { seed: `${scene.seed}-deep`, layers: [300], tag: 'floor' });
  for (let level = 1; level <= 65; level += 1)
    below = addIndex(repository, { manifests: [below], annotations: { level: `${level}` } });
  repository.tags.set('deep', below.digest);
  const { task, warnings } = await scene.sync();
  expect(task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
  const { rows } = await outcomesOf(task.id);
  expect(rows.map(({ name, outcome }) => [name, outcome])).toEqual([
    ['deep', 'FAILED'],
    ['floor', 'ADDED'],
    ['good', 'ADDED'],
    ['multi', 'ADDED'],
  ]);
  expect(warnings).toContainEqual(expect.stringContaining('indexes nested deeper than 64 levels'));
  repository.tags.delete('deep');
  expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
});

test.concurrent('a signature whose layer is lost is left out, and its image is synced', async () => {
  const repository = createSampleRepository();
  const image = addImage(repository, { seed: 'bad-tags-signed', layers: [300], tag: 'v1' });
  const signature = signByTag(repository, image);
  repository.blobs.delete(layerOf(repository, signature.digest));
  const scene = await stage.open({ repository, remote: skip });
  const { task, warnings } = await scene.sync();
  expect(task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
  expect([...(await stage.harness.tags(scene.ids.repositoryId, 1)).keys()]).toEqual(['v1']);
  expect(warnings).toContainEqual(expect.stringContaining(companionName(image, '.sig')));
});

test.concurrent('a digest of includeTags that is damaged is named, and the tags are synced', async () => {
  const scene = await stage.open();
  const lost = addImage(scene.repository, { seed: `${scene.seed}-lost`, layers: [500] });
  scene.repository.blobs.delete(layerOf(scene.repository, lost.digest));
  await stage.harness.updateRemote(scene.ids.remoteId, { ...skip, includeTags: ['good', lost.digest] });
  const { task } = await scene.sync();
  expect(task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
  expect((await outcomesOf(task.id)).rows).toMatchObject([
    { name: 'good', outcome: 'ADDED' },
    { name: lost.digest, outcome: 'FAILED' },
  ]);
});

test.concurrent('a stored layer that was lost here and at the upstream fails its unchanged tag', async () => {
  const scene = await stage.openSynced({ remote: skip });
  const digest = scene.repository.tags.get('good');
  if (digest === undefined) throw new Error('the sample has no tag good');
  const layer = layerOf(scene.repository, digest);
  await stage.harness.store.delete({ digest: layer });
  scene.repository.blobs.delete(layer);
  const { task, warnings } = await scene.sync({ mirror: true });
  expect(task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
  expect((await outcomesOf(task.id)).rows).toMatchObject([
    { name: 'good', outcome: 'FAILED', oldDigest: digest },
  ]);
  expect(warnings).toContainEqual(expect.stringContaining(`It stays at ${digest}`));
});
