import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Distribution } from '../../../src/db/schema/distributions.ts';
import { Repository } from '../../../src/db/schema/repositories.ts';
import { Task } from '../../../src/db/schema/tasks.ts';
import { taskKey } from '../../../src/db/tasks/task-log.ts';
import { kysely } from '../../../src/db/sql.ts';
import { addImage, createSampleRepository, removeTag } from '../../../src/demo/sample-image.ts';
import { digestBytes } from '../../../src/oci/digest-bytes.ts';
import { openStage, readVersions, upstreamName } from '../../support/sync/stage.ts';
import type { Scene, Stage } from '../../support/sync/stage.ts';
import { sampleAnswers } from '../../support/upstream/sample-answers.ts';
import { until } from '../../support/until.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage?.close());

const collect = (wish = {}) => stage.harness.upkeep('content.collect', wish);
const hexOf = (digests: Iterable<string>) => [...digests].map((digest) => digest.slice('sha256:'.length));
const files = () => stage.harness.storedFiles();

async function count(table: 'manifest' | 'blob', digests: Iterable<string>): Promise<number> {
  const found = await sql<{ count: number }>`
    select count(*) as count from ${sql.table(table)} where digest = any(${[...digests]}::text[])`.execute(
    kysely(stage.harness.em()),
  );
  return found.rows[0]?.count ?? 0;
}

async function change(scene: Scene, values: Partial<Repository>): Promise<void> {
  await stage.harness.em().nativeUpdate(Repository, { id: scene.ids.repositoryId }, values);
}

/** Five versions: each adds an image under the one tag, beside a layer that all share. */
async function fiveVersions(): Promise<Scene> {
  const repository = createSampleRepository();
  addImage(repository, { seed: 'shared', layers: [1_000], tag: 'kept' });
  const scene = await stage.open({ repository });
  for (let number = 1; number <= 5; number += 1) {
    addImage(repository, { seed: `${scene.seed}-v${number}`, layers: [1_000 + number], tag: 'moving' });
    await scene.sync({ mirror: true });
  }
  return scene;
}

test('a clean-up removes versions beyond the retention with their own content; the others stay unchanged', async () => {
  const scene = await fiveVersions();
  const { repositoryId } = scene.ids;
  const em = stage.harness.em();
  const distribution = await em.findOneOrFail(Distribution, { repositoryId });
  const before = await readVersions(stage.harness, repositoryId);
  expect(before.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5]);
  await em.nativeUpdate(Distribution, { id: distribution.id }, { version: 2 });
  await change(scene, { retainVersions: 2 });

  const task = await collect();
  expect(task).toMatchObject({ state: 'COMPLETED', report: { versions: 2, manifests: 2, blobs: 4 } });
  expect(await readVersions(stage.harness, repositoryId)).toEqual(
    before.filter(({ number }) => [2, 4, 5].includes(number)),
  );
  const left = new Set(
    before.filter(({ number }) => [2, 4, 5].includes(number)).flatMap(({ blobs }) => blobs),
  );
  const gone = before.flatMap(({ blobs }) => blobs).filter((digest) => !left.has(digest));
  expect(gone).toHaveLength(4);
  expect((await files()).filter((name) => hexOf(gone).includes(name))).toEqual([]);
  expect(await files()).toEqual(expect.arrayContaining(hexOf(left)));
  expect(await count('blob', gone)).toBe(0);

  // let go of, version 2 is one too many
  await em.nativeUpdate(Distribution, { id: distribution.id }, { version: null });
  expect((await collect()).report).toMatchObject({ versions: 1, manifests: 1, blobs: 2 });
  expect((await readVersions(stage.harness, repositoryId)).map(({ number }) => number)).toEqual([4, 5]);
  expect((await collect()).report).toEqual({ graceSeconds: expect.any(Number) });
});

test('a dry run says the same, and removes nothing', async () => {
  const scene = await fiveVersions();
  await change(scene, { retainVersions: 1 });
  const before = await readVersions(stage.harness, scene.ids.repositoryId);
  const task = await collect({ dryRun: true });
  expect(task).toMatchObject({ state: 'COMPLETED', report: { versions: 4 } });
  expect(await readVersions(stage.harness, scene.ids.repositoryId)).toEqual(before);
  expect((await collect()).report).toMatchObject({ versions: 4, manifests: 4, blobs: 8 });
});

test('a clean-up removes the content of a deleted repository, and keeps shared content', async () => {
  const repository = createSampleRepository();
  addImage(repository, { seed: 'one', layers: [3_000], tag: 'one' });
  addImage(repository, { seed: 'two', layers: [4_000], tag: 'two' });
  const scene = await stage.openSynced({ repository });
  const other = await stage.harness.createRepository({ url: scene.upstream.url, upstreamName });
  await stage.harness.updateRemote(other.remoteId, { includeTags: ['one'] });
  await stage.harness.sync(other);
  await stage.harness.em().nativeDelete(Repository, { id: scene.ids.repositoryId });
  expect((await collect()).report).toMatchObject({ manifests: 1, blobs: 2 });
  const [kept] = await readVersions(stage.harness, other.repositoryId);
  expect(kept?.tags).toEqual({ one: repository.tags.get('one') });
});

test('fault 111: a clean-up keeps content that a running sync has staged', async () => {
  const scene = await stage.open();
  const [layer = ''] = [...scene.repository.blobs.keys()].sort();
  const answers = sampleAnswers(scene.repository);
  const opened = Promise.withResolvers<undefined>();
  const route = `GET /v2/${upstreamName}/blobs/${layer}`;
  scene.upstream.on(route, async (request, response) => {
    await opened.promise;
    if (typeof answers === 'function') await answers(request, response);
  });
  const task = await stage.harness.start(scene.ids);
  await until(() => scene.upstream.requestsOf(route).length > 0);
  for (let round = 0; round < 3; round += 1) expect(await collect()).toMatchObject({ state: 'COMPLETED' });
  opened.resolve(undefined);
  expect((await stage.harness.finish(task)).task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
  await readVersions(stage.harness, scene.ids.repositoryId);
  expect((await files()).sort()).toEqual(expect.arrayContaining(hexOf(scene.repository.blobs.keys())));
});

test('fault 111: a clean-up removes content of a failed sync, and the next sync fetches it again', async () => {
  const scene = await stage.open();
  const { repository } = scene;
  const [digest = ''] = [...repository.blobs.keys()];
  const route = `GET /v2/${upstreamName}/blobs/${digest}`;
  const answers = sampleAnswers(repository);
  scene.upstream.on(route, (_request, response) => {
    response.writeHead(404).end();
  });
  expect((await scene.sync()).task.state).toBe('FAILED');
  expect(await count('manifest', repository.manifests.keys())).toBe(repository.manifests.size);
  await collect();
  expect(await count('manifest', repository.manifests.keys())).toBe(0);
  expect(await count('blob', repository.blobs.keys())).toBe(0);
  scene.upstream.on(route, answers);
  expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
  await readVersions(stage.harness, scene.ids.repositoryId);
});

test('fault 111: staged rows that a crash left after the commit protect no content, and the next clean-up removes them', async () => {
  const scene = await stage.openSynced();
  const { repositoryId } = scene.ids;
  const db = kysely(stage.harness.em());
  await sql`
    insert into sync_asked (task_id, manifest_id)
    select task.id, m.content_id from task join membership m on m.repository_id = task.repository_id and m.kind = 'manifest'
    where task.repository_id = ${repositoryId} and task.state = 'COMPLETED'`.execute(db);
  await change(scene, { retainVersions: 1 });
  for (const tag of scene.repository.tags.keys()) removeTag(scene.repository, tag);
  addImage(scene.repository, { seed: `${scene.seed}-only`, layers: [700], tag: 'only' });
  await scene.sync({ mirror: true, confirmRemoval: true });
  await collect();
  const [version] = await readVersions(stage.harness, repositoryId);
  expect(await count('manifest', scene.repository.manifests.keys())).toBe(version?.manifests.length);
  const left = await sql`select from sync_asked a join task on task.id = a.task_id
    where task.repository_id = ${repositoryId}`.execute(db);
  expect(left.rows).toEqual([]);
});

test('a clean-up keeps an uploaded blob while its repository serves it', async () => {
  const bytes = Buffer.from(`uploaded ${Math.random()}`);
  const digest = digestBytes(bytes);
  const path = join(stage.harness.folder, 'blobs', 'sha256', digest.slice(7));
  await writeFile(path, bytes);
  const { repositoryId } = await stage.harness.createRepository({ url: 'http://127.0.0.1:9', upstreamName });
  const db = kysely(stage.harness.em());
  await sql`insert into blob (digest, size_bytes, stored_at) values (${digest}, ${bytes.length}, now())`.execute(
    db,
  );
  await sql`
    insert into repository_blob (repository_id, blob_id) select ${repositoryId}, id from blob where digest = ${digest}`.execute(
    db,
  );
  await collect();
  expect(await files()).toContain(digest.slice(7));
  await sql`delete from repository_blob where repository_id = ${repositoryId}`.execute(db);
  await collect();
  expect(await files()).not.toContain(digest.slice(7));
});

test('a run that a schedule starts makes its own task; a second one meanwhile does nothing', async () => {
  const { client, taskQueue } = stage.harness;
  const workflowId = `${taskQueue}/scheduled`;
  const read = () =>
    sql<{ state: string }>`select state from task where workflow_id = ${workflowId} order by id`
      .execute(kysely(stage.harness.em()))
      .then(({ rows }) => rows.map((row) => row.state));
  await client.workflow.execute('collectContent', { taskQueue, workflowId, args: [{}] });
  expect(await read()).toEqual(['COMPLETED']);
  const em = stage.harness.em();
  const task = taskKey((await em.findOneOrFail(Task, { workflowId })).id);
  expect(stage.harness.logged(task).at(-1)).toMatchObject({
    event: 'task.ended',
    name: 'content.collect',
    trigger: 'SCHEDULE',
    outcome: 'COMPLETED',
    report: expect.any(Object),
  });
  await em.execute(
    `insert into task (name, state, workflow_id) values ('content.collect', 'RUNNING', 'other')`,
  );
  await client.workflow.execute('collectContent', { taskQueue, workflowId, args: [{}] });
  expect(await read()).toEqual(['COMPLETED']);
  await em.execute(`delete from task where workflow_id = 'other'`);
});
