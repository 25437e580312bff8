/** Mirror rules, from the API to the synced repositories, against registries with a catalog. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStageWithApi } from '../../support/sync/stage-with-api.ts';
import type { StageWithApi } from '../../support/sync/stage-with-api.ts';
import { until } from '../../support/until.ts';
import { hang } from '../../support/upstream/fake-upstream.ts';
import type { CatalogUpstream } from './registry.ts';
import { ruleSteps } from './rule-steps.ts';

let stage: StageWithApi;
const opened: CatalogUpstream[] = [];
beforeAll(async () => {
  stage = await openStageWithApi();
});
afterAll(async () => {
  await Promise.all(opened.map(({ upstream }) => upstream.close()));
  await stage?.close();
});

async function listMade(mirrorRuleId: string, isVanished: boolean | null): Promise<string[]> {
  const { repositories: found } = await stage.api.data(
    `query ($mirrorRuleId: ID!, $isVanished: Boolean) {
      repositories(first: 100, mirrorRuleId: $mirrorRuleId, isVanished: $isVanished) { totalCount nodes { name } } }`,
    { mirrorRuleId, isVanished },
  );
  const names = found.nodes.map(({ name }: { name: string }) => name) as string[];
  expect(found.totalCount).toBe(names.length);
  return names;
}

const { catalogOf, createRule, run, finish, outcomes, repositories } = ruleSteps(() => ({ stage, opened }));

test('a vanished repository is flagged and kept, once its own answer says so, and comes back when it is listed again', async () => {
  const catalog = await catalogOf(['kept', 'gone', 'unlisted']);
  const { id, prefix } = await createRule(catalog);
  await run(id);
  catalog.listed.splice(0, 3, 'kept');
  catalog.present.delete('gone');
  const second = await run(id);
  expect(second.counts).toEqual({ PRESENT: 2, VANISHED: 1 });
  const [gone] = await outcomes(second.id, 'VANISHED');
  expect(gone).toMatchObject({ upstreamName: 'gone', repository: { isVanished: true }, syncTask: null });
  const since = gone?.repository?.vanishedAt;
  const unlisted = (await outcomes(second.id, 'PRESENT')).find((one) => one.upstreamName === 'unlisted');
  expect(unlisted).toMatchObject({
    reason: expect.stringContaining('does not list it') as string,
    repository: { isVanished: false },
  });
  expect(await repositories(prefix)).toEqual({
    [`${prefix}/gone`]: 1,
    [`${prefix}/kept`]: 1,
    [`${prefix}/unlisted`]: 1,
  });
  const made = (isVanished: boolean | null) => listMade(id, isVanished);
  expect(await made(null)).toEqual([`${prefix}/gone`, `${prefix}/kept`, `${prefix}/unlisted`]);
  expect(await made(true)).toEqual([`${prefix}/gone`]);
  expect(await made(false)).toEqual([`${prefix}/kept`, `${prefix}/unlisted`]);

  const third = await run(id);
  expect((await outcomes(third.id, 'VANISHED'))[0]?.repository?.vanishedAt).toBe(since);
  catalog.listed.push('gone');
  catalog.present.add('gone');
  const back = await run(id);
  expect(back.counts).toEqual({ PRESENT: 3 });
  const returned = (await outcomes(back.id)).find((one) => one.upstreamName === 'gone');
  expect(returned).toMatchObject({
    repository: { isVanished: false, vanishedAt: null },
    isUnchanged: true,
    syncTask: null,
  });
});

test('a broken repository fails itself only, and the run names it', async () => {
  const catalog = await catalogOf(['good', 'bad', 'fine']);
  catalog.broken.add('bad');
  const { id, prefix } = await createRule(catalog);
  const done = await run(id);
  expect(done).toMatchObject({ state: 'COMPLETED', ruleProgress: { total: 3, done: 3, failed: 1 } });
  expect(done.warnings).toEqual([expect.stringContaining(`The sync of ${prefix}/bad failed:`) as string]);
  expect(await repositories(prefix)).toEqual({
    [`${prefix}/bad`]: 0,
    [`${prefix}/fine`]: 1,
    [`${prefix}/good`]: 1,
  });
});

test('a long run continues as a new workflow, and syncs every repository', async () => {
  const names = Array.from({ length: 150 }, (_, index) => `many/app${index}`);
  const catalog = await catalogOf(names);
  const { id, prefix } = await createRule(catalog);
  const done = await run(id);
  expect(done).toMatchObject({
    state: 'COMPLETED',
    warnings: [],
    ruleProgress: { total: 150, done: 150, failed: 0 },
  });
  expect(Object.values(await repositories(prefix))).toEqual(names.map(() => 1));
});

test('a rule that is created again takes over what is there, and another one does not', async () => {
  const catalog = await catalogOf(['app']);
  const { id, prefix } = await createRule(catalog);
  await run(id);
  const other = await createRule(catalog, { targetPrefix: prefix });
  const collided = await run(other.id);
  expect(collided.counts).toEqual({ COLLIDES: 1 });
  expect((await outcomes(collided.id))[0]?.reason).toContain('a mirror rule has made from "app"');
  await stage.api.mutate('mirrorRuleDelete', { id }, 'deletedId');
  const taken = await run(other.id);
  expect(taken.counts).toEqual({ PRESENT: 1 });
  const { mirrorRule } = await stage.api.data(
    'query ($id: ID!) { mirrorRule(id: $id) { repositoryCount } }',
    { id: other.id },
  );
  expect(mirrorRule.repositoryCount).toBe(1);
});

test('a cancelled run cancels its syncs', async () => {
  const catalog = await catalogOf(['slow']);
  catalog.upstream.on('GET /v2/slow/tags/list', hang);
  const { id } = await createRule(catalog);
  const { task } = await stage.api.mutate('mirrorRuleRun', { id }, 'task { id }');
  await until(() => catalog.upstream.requestsOf('GET /v2/slow/tags/list').length > 0);
  await stage.api.mutate('taskCancel', { id: task.id }, 'task { id }');
  expect(await finish(task.id as string)).toMatchObject({ state: 'CANCELED' });
  await until(async () => (await outcomes(task.id as string))[0]?.syncTask?.state === 'CANCELED');
});
