import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Remote } from '../../../src/db/schema/remotes.ts';
import { Repository } from '../../../src/db/schema/repositories.ts';
import { Task } from '../../../src/db/schema/tasks.ts';
import type { RuleChanges } from '../../../src/selection/tag-rules.ts';
import { taskKey } from '../../../src/db/tasks/task-log.ts';
import { addImage, createSampleRepository } from '../../../src/demo/sample-image.ts';
import { readVersions } from '../../support/sync/stage.ts';
import type { Scene } from '../../support/sync/stage.ts';
import { openStageWithApi } from '../../support/sync/stage-with-api.ts';
import type { StageWithApi } from '../../support/sync/stage-with-api.ts';

let stage: StageWithApi;
beforeAll(async () => {
  stage = await openStageWithApi();
});
afterAll(() => stage.close());

function imagesOf(seed: string, tags: readonly string[]) {
  const repository = createSampleRepository();
  for (const tag of tags) addImage(repository, { seed: `${seed}-${tag}`, layers: [200], tag });
  return repository;
}

async function tagNames(scene: Scene, version: number): Promise<string[]> {
  return [...(await stage.harness.tags(scene.ids.repositoryId, version)).keys()];
}

test.concurrent('overrides are used by one sync, and the next selects what the remote says', async () => {
  const scene = await stage.open({ repository: imagesOf('overrides', ['v1', 'v2', 'dev']) });
  const overrides = { includeTags: ['v*'], excludeTags: ['v2'], downloadConcurrency: 1 };
  const one = await scene.sync({ overrides });
  expect(one.task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
  expect(one.task.arguments.selection).toMatchObject({ includeTags: ['v*'], excludeTags: ['v2'] });
  expect(await tagNames(scene, 1)).toEqual(['v1']);
  const remote = await stage.harness.em().findOneOrFail(Remote, { id: scene.ids.remoteId });
  expect(remote).toMatchObject({ includeTags: null, excludeTags: null, downloadConcurrency: 20 });
  const all = await scene.sync();
  expect(await tagNames(scene, all.latest)).toEqual(['dev', 'v1', 'v2']);
});

test.concurrent('an override of a rule replaces this rule, null clears it, and the others of the remote apply', async () => {
  const scene = await stage.open({
    repository: imagesOf('ruled', ['1.0', '1.1', '2.0', '2.1-alpine', 'dev']),
    remote: { tagRules: { semverRanges: ['1.x'], newestTags: { count: 1, per: 'ALL' } } },
  });
  const names = async (tagRules: RuleChanges | undefined) => {
    const { task, latest } = await scene.sync({
      mirror: true,
      confirmRemoval: true,
      pruneFiltered: true,
      ...(tagRules === undefined ? {} : { overrides: { tagRules } }),
    });
    expect(task.state).toBe('COMPLETED');
    return tagNames(scene, latest);
  };
  expect(await names(undefined)).toEqual(['1.1']);
  expect(await names({ semverRanges: ['*'] })).toEqual(['2.0']);
  expect(await names({ semverRanges: ['*'], semverSuffix: 'alpine' })).toEqual(['2.1-alpine']);
  expect(await names({ newestTags: null })).toEqual(['1.0', '1.1']);
  expect(await names({ semverRanges: null, newestTags: null })).toEqual([
    '1.0',
    '1.1',
    '2.0',
    '2.1-alpine',
    'dev',
  ]);
  expect(await names(undefined)).toEqual(['1.1']);
});

test.concurrent('a null override clears a filter of the remote for one sync', async () => {
  const scene = await stage.open({
    repository: imagesOf('cleared', ['v1', 'dev']),
    remote: { includeTags: ['v1'] },
  });
  expect((await scene.sync({ overrides: { includeTags: null } })).latest).toBe(1);
  expect(await tagNames(scene, 1)).toEqual(['dev', 'v1']);
});

describe.concurrent('tags that narrower filters leave out', () => {
  const mirror = true;

  test('a mirror keeps and counts them, pruneFiltered removes them, though the upstream has them', async () => {
    const scene = await stage.open({ repository: imagesOf('narrowed', ['v1', 'v2', 'dev', 'old']) });
    const first = await scene.sync({ mirror });
    expect(first.task.tagsOutsideFilter).toBe(0);
    await stage.harness.updateRemote(scene.ids.remoteId, { includeTags: ['v*'] });
    const narrowed = await scene.sync({ mirror });
    expect(narrowed.task).toMatchObject({ createdVersion: null, tagsOutsideFilter: 2 });
    expect(narrowed.warnings).toEqual([
      expect.stringMatching(/select less than at the last sync: 2 tags \(dev, old\) .*--prune-filtered/),
    ]);
    const again = await scene.sync({ mirror });
    expect(again.warnings).toEqual([]);
    const pruned = await scene.sync({ mirror, pruneFiltered: true });
    expect(pruned.task).toMatchObject({ createdVersion: 2, tagsOutsideFilter: 2 });
    expect(await tagNames(scene, 2)).toEqual(['v1', 'v2']);
    expect((await scene.sync({ mirror })).task.tagsOutsideFilter).toBe(0);
  });

  test('to prune all tags needs the confirmation of a mass removal', async () => {
    const scene = await stage.open({ repository: imagesOf('mass', ['v1', 'v2']) });
    await scene.sync({ mirror });
    const overrides = { includeTags: ['w*'] };
    const refused = await scene.sync({ mirror, pruneFiltered: true, overrides });
    expect(refused.task).toMatchObject({ state: 'FAILED', errorCode: 'MASS_REMOVAL_REFUSED' });
    expect(await tagNames(scene, 1)).toEqual(['v1', 'v2']);
    const confirmed = await scene.sync({ mirror, pruneFiltered: true, confirmRemoval: true, overrides });
    expect(confirmed.task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
    expect(await tagNames(scene, 2)).toEqual([]);
  });

  test('overrides of one sync narrow nothing that is stored', async () => {
    const scene = await stage.open({ repository: imagesOf('overridden', ['v1', 'dev']) });
    await scene.sync();
    const one = await scene.sync({ overrides: { includeTags: ['v1'] } });
    expect(one.warnings).toEqual([]);
    expect(one.task.tagsOutsideFilter ?? null).toBeNull();
    await stage.harness.updateRemote(scene.ids.remoteId, { excludeTags: ['dev'] });
    expect((await scene.sync()).warnings).toEqual([expect.stringContaining('1 tag (dev)')]);
  });
});

describe.concurrent('a first sync that takes no tag fails with NOTHING_SELECTED', () => {
  test('because no tag passes the filters, with close names', async () => {
    const scene = await stage.open({
      repository: imagesOf('typo', ['v1.0', 'v1.1']),
      remote: { includeTags: ['v1.0.1'] },
    });
    const { task, latest } = await scene.sync();
    expect(task).toMatchObject({ state: 'FAILED', errorCode: 'NOTHING_SELECTED' });
    expect(task.errorMessage).toContain('v1.0.1');
    expect(latest).toBe(0);
    const repository = await stage.harness.em().findOneOrFail(Repository, { id: scene.ids.repositoryId });
    expect(repository.isMirrored).toBe(false);
  });

  test('and a later one completes without a version', async () => {
    const scene = await stage.open({ repository: imagesOf('later', ['v1']) });
    await scene.sync();
    const { task } = await scene.sync({ overrides: { includeTags: ['nothing*'] } });
    expect(task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
    expect(await readVersions(stage.harness, scene.ids.repositoryId)).toHaveLength(1);
  });
});

async function endOf(scene: Scene, wish: object): Promise<Task> {
  const task = await stage.harness.start(scene.ids, { discardUnlessSynced: true, ...wish });
  await stage.harness.client.workflow
    .getHandle(task.workflowId)
    .result()
    .catch(() => undefined);
  return stage.harness.em().findOneOrFail(Task, { id: task.id });
}
async function left(scene: Scene) {
  const em = stage.harness.em();
  return {
    repositories: await em.count(Repository, { id: scene.ids.repositoryId }),
    remotes: await em.count(Remote, { id: scene.ids.remoteId }),
  };
}

describe.concurrent('discardUnlessSynced', () => {
  const nothing = { repositories: 0, remotes: 0 };
  const all = { repositories: 1, remotes: 1 };

  test('a failed first sync leaves neither repository nor remote', async () => {
    const scene = await stage.open({
      repository: imagesOf('failed', ['v1']),
      remote: { includeTags: ['v9'] },
    });
    expect(await endOf(scene, {})).toMatchObject({ state: 'FAILED', errorCode: 'NOTHING_SELECTED' });
    expect(await left(scene)).toEqual(nothing);
  });

  test('a dry run leaves neither', async () => {
    const scene = await stage.open({ repository: imagesOf('dry', ['v1']) });
    const task = await endOf(scene, { dryRun: true });
    expect(task).toMatchObject({ state: 'COMPLETED' });
    expect(await left(scene)).toEqual(nothing);
    expect(stage.harness.logged(taskKey(task.id)).at(-1)).toMatchObject({
      event: 'task.ended',
      repository: scene.name,
      dryRun: true,
    });
  });

  test('a sync that completes keeps both, and a later failure too', async () => {
    const scene = await stage.open({ repository: imagesOf('kept', ['v1']) });
    expect(await endOf(scene, {})).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
    await endOf(scene, { dryRun: true });
    expect(await left(scene)).toEqual(all);
  });

  test('a remote that another repository uses is kept', async () => {
    const scene = await stage.open({ repository: imagesOf('shared', ['v1']) });
    const em = stage.harness.em();
    em.create(Repository, { name: `other/${scene.ids.repositoryId}`, remoteId: scene.ids.remoteId });
    await em.flush();
    await endOf(scene, { dryRun: true });
    expect(await left(scene)).toEqual({ repositories: 0, remotes: 1 });
  });
});
