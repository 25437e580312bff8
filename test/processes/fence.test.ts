/** A commit that comes too late: of a zombie attempt, of a task whose time is over, or a second time. */
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commitVersion } from '../../src/db/versions/commit-version.ts';
import { kysely } from '../../src/db/sql.ts';
import { startTask } from '../../src/db/tasks/start-task.ts';
import { createSyncTask, finishTask } from '../../src/db/tasks/tasks.ts';
import { openScene } from './scene.ts';
import type { Scene } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene.close());

const syncArguments = { mirror: false, confirmRemoval: false, dryRun: false };

async function newTask(): Promise<number> {
  const { stack, ids } = scene;
  const { task, isNew } = await createSyncTask(stack.em(), { ...ids, arguments: syncArguments });
  expect(isNew).toBe(true);
  await startTask(stack.em(), task.id, { syncsPerHost: 10 });
  return task.id;
}

/** Gives a task something to commit: a tag on a manifest that is all stored. */
async function stageTag(taskId: number, name: string): Promise<void> {
  const digest = `sha256:${taskId.toString(16).padStart(64, '0')}`;
  const db = kysely(scene.stack.em());
  await sql`
    with stored as (
      insert into manifest (digest, kind, media_type, size_bytes, raw)
      values (${digest}, 'unknown', 'application/vnd.example', 2, '{}') returning id
    )
    insert into sync_tag (task_id, name, manifest_id) select ${taskId}, ${name}, id from stored`.execute(db);
}

test('fault 96: an attempt of an earlier task cannot commit beside a later task; a second commit returns the first version', async () => {
  const { stack, ids } = scene;
  const zombie = await newTask();
  await stageTag(zombie, 'zombie');
  // its task was given up without its attempt knowing; a task that still looks alive must be kept off by the fence alone
  await stack.em().execute(`update task set name = 'given up' where id = ?`, [zombie]);
  const later = await newTask();
  await stageTag(later, 'later');
  await expect(commitVersion(stack.em(), zombie)).rejects.toMatchObject({ code: 'TASK_FENCED' });
  expect(await commitVersion(stack.em(), later)).toEqual({ createdVersion: 1 });
  await expect(commitVersion(stack.em(), zombie)).rejects.toMatchObject({ code: 'TASK_FENCED' });
  const twice = await Promise.all([commitVersion(stack.em(), later), commitVersion(stack.em(), later)]);
  expect(twice).toEqual([{ createdVersion: 1 }, { createdVersion: 1 }]);
  // what is left where the process was killed after its commit
  await stack.em().execute(`insert into sync_tag (task_id, name) values (?, 'later')`, [later]);
  expect(await commitVersion(stack.em(), later)).toEqual({ createdVersion: 1 });
  const staged = await sql`select from sync_tag where task_id = ${later}`.execute(kysely(stack.em()));
  expect(staged.rows).toEqual([]);
  const versions = await stack.versions(ids.repositoryId);
  expect(versions.map(({ number, tags }) => [number, Object.keys(tags)])).toEqual([[1, ['later']]]);
});

test.each(['FAILED', 'CANCELED'] as const)(
  'fault 96: an attempt that goes on after its task is %s commits nothing',
  async (state) => {
    const { stack, ids } = scene;
    const taskId = await newTask();
    await stageTag(taskId, `late-${state}`);
    await finishTask(
      stack.em(),
      taskId,
      state === 'FAILED' ? { state, code: 'WORKFLOW_LOST', message: 'lost' } : { state },
    );
    const before = await stack.versions(ids.repositoryId);
    await expect(commitVersion(stack.em(), taskId)).rejects.toMatchObject({ code: 'TASK_NOT_RUNNING' });
    await expect(startTask(stack.em(), taskId, { syncsPerHost: 10 })).rejects.toMatchObject({
      code: 'TASK_NOT_RUNNING',
    });
    expect(await stack.versions(ids.repositoryId)).toEqual(before);
  },
);
