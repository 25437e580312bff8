/** Mirror rules, from the API to the synced repositories, against registries with a catalog. */
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kysely } from '../../../src/db/sql.ts';
import { openStageWithApi } from '../../support/sync/stage-with-api.ts';
import type { StageWithApi } from '../../support/sync/stage-with-api.ts';
import { until } from '../../support/until.ts';
import { hang } from '../../support/upstream/fake-upstream.ts';
import { openCatalog } from './registry.ts';
import type { CatalogUpstream } from './registry.ts';

let stage: StageWithApi;
const opened: CatalogUpstream[] = [];
beforeAll(async () => {
  stage = await openStageWithApi();
});
afterAll(async () => {
  await Promise.all(opened.map(({ upstream }) => upstream.close()));
  await stage?.close();
});

async function catalogOf(names: readonly string[], pageSize?: number): Promise<CatalogUpstream> {
  const catalog = await openCatalog(names, pageSize);
  opened.push(catalog);
  return catalog;
}

let rules = 0;
async function createRule(catalog: CatalogUpstream, wish: object = {}) {
  rules += 1;
  const prefix = `rule${rules}`;
  const input = {
    name: prefix,
    url: catalog.upstream.url,
    targetPrefix: prefix,
    maxRetries: 0,
    ...wish,
  };
  const { mirrorRule, userErrors } = await stage.api.mutate(
    'mirrorRuleCreate',
    input,
    'mirrorRule { id name }',
  );
  expect(userErrors).toEqual([]);
  return { id: mirrorRule.id as string, prefix };
}

const taskFields = `id state finishedAt error { code message } warnings ruleProgress { found total done unchanged failed } ruleOutcomeCounts { outcome count }`;

async function run(id: string, dryRun = false) {
  const { task, userErrors } = await stage.api.mutate('mirrorRuleRun', { id, dryRun }, 'task { id }');
  expect(userErrors).toEqual([]);
  return finish(task.id as string);
}

async function finish(id: string) {
  const read = () => stage.api.data(`query ($id: ID!) { task(id: $id) { ${taskFields} } }`, { id });
  await until(async () => !['WAITING', 'RUNNING'].includes((await read()).task.state as string));
  const { task } = await read();
  return { ...task, counts: countsOf(task.ruleOutcomeCounts) } as Finished;
}

interface Finished {
  readonly id: string;
  readonly state: string;
  readonly finishedAt: string;
  readonly error: { code: string; message: string } | null;
  readonly warnings: readonly string[];
  readonly ruleProgress: { found: number; total: number; done: number; unchanged: number; failed: number };
  readonly counts: Record<string, number>;
}

function countsOf(counts: readonly { outcome: string; count: number }[]): Record<string, number> {
  return Object.fromEntries(counts.map(({ outcome, count }) => [outcome, count]));
}

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

async function outcomes(id: string, outcome: string | null = null) {
  const { task } = await stage.api.data(
    `query ($id: ID!, $outcome: RuleOutcomeKind) { task(id: $id) { ruleOutcomes(first: 100, outcome: $outcome) {
      totalCount nodes { name upstreamName outcome reason isUnchanged repository { isVanished vanishedAt lastSyncedAt } syncTask { state } } } } }`,
    { id, outcome },
  );
  return task.ruleOutcomes.nodes as {
    name: string;
    upstreamName: string;
    outcome: string;
    reason: string | null;
    isUnchanged: boolean;
    repository: { isVanished: boolean; vanishedAt: string | null; lastSyncedAt: string | null } | null;
    syncTask: { state: string } | null;
  }[];
}

/** Names and latest versions of the repositories below a prefix. */
async function repositories(prefix: string): Promise<Record<string, number>> {
  const found = await sql<{ name: string; latest: number }>`
    select name, latest from repository where name ^@ ${`${prefix}/`} order by name`.execute(
    kysely(stage.harness.em()),
  );
  return Object.fromEntries(found.rows.map(({ name, latest }) => [name, latest]));
}

test('a run creates what the globs select, by pages, and syncs all of it; a second run syncs what is new or has changed', async () => {
  const catalog = await catalogOf(
    ['library/alpine', 'library/nginx', 'team/a/app', 'team/b/app', 'team/b/old'],
    2,
  );
  const { id, prefix } = await createRule(catalog, {
    includeRepositories: ['library/*', 'team/**'],
    excludeRepositories: ['**/{old,older}'],
    stripPrefix: 'library',
    includeTags: ['v*'],
  });
  const first = await run(id);
  expect(first).toMatchObject({
    state: 'COMPLETED',
    warnings: [],
    counts: { CREATE: 4 },
    ruleProgress: { found: 5, total: 4, done: 4, failed: 0 },
  });
  const all = {
    [`${prefix}/alpine`]: 1,
    [`${prefix}/nginx`]: 1,
    [`${prefix}/team/a/app`]: 1,
    [`${prefix}/team/b/app`]: 1,
  };
  expect(await repositories(prefix)).toEqual(all);
  const { remote } = await stage.api.data(
    `query ($name: String!) { remote(name: $name) { url upstreamName includeTags maxRetries } }`,
    { name: `${prefix}/alpine` },
  );
  expect(remote).toEqual({
    url: catalog.upstream.url,
    upstreamName: 'library/alpine',
    includeTags: ['v*'],
    maxRetries: 0,
  });

  catalog.listed.push('team/c/app');
  catalog.present.add('team/c/app');
  const second = await run(id);
  expect(second).toMatchObject({
    state: 'COMPLETED',
    counts: { PRESENT: 4, CREATE: 1 },
    ruleProgress: { total: 5, done: 5, unchanged: 4, failed: 0 },
  });
  // those in which nothing has changed are synced without a task
  const found = await outcomes(second.id);
  expect(found.map(({ outcome, isUnchanged, syncTask }) => [outcome, isUnchanged, syncTask?.state])).toEqual([
    ...Array.from({ length: 4 }, () => ['PRESENT', true, undefined]),
    ['CREATE', false, 'COMPLETED'],
  ]);
  for (const { repository } of found)
    expect(Date.parse(repository?.lastSyncedAt ?? '')).toBeGreaterThan(Date.parse(first.finishedAt));
  expect(await repositories(prefix)).toEqual({ ...all, [`${prefix}/team/c/app`]: 1 });
  const { mirrorRule } = await stage.api.data(
    `query ($id: ID!) { mirrorRule(id: $id) { repositoryCount vanishedCount lastRun { id rule { name } } } }`,
    { id },
  );
  expect(mirrorRule).toEqual({
    repositoryCount: 5,
    vanishedCount: 0,
    lastRun: { id: second.id, rule: { name: prefix } },
  });
});

test('a dry run of 5,000 repositories lists them, paged, and changes nothing; one above the cap fails first', async () => {
  const names = Array.from({ length: 5_000 }, (_, index) => `group${index % 10}/app${index}`);
  const catalog = await catalogOf(names, 1_000);
  const { id, prefix } = await createRule(catalog, { repositoriesAtMost: 5_000 });
  const dry = await run(id, true);
  expect(dry).toMatchObject({
    state: 'COMPLETED',
    counts: { CREATE: 5_000 },
    ruleProgress: { found: 5_000, total: null },
  });
  expect(catalog.upstream.requestsOf('GET /v2/_catalog')).toHaveLength(5);
  const listed = await outcomes(dry.id);
  expect(listed).toHaveLength(100);
  expect(listed[0]).toEqual({
    name: `${prefix}/group0/app0`,
    upstreamName: 'group0/app0',
    outcome: 'CREATE',
    reason: null,
    isUnchanged: false,
    repository: null,
    syncTask: null,
  });
  expect(await repositories(prefix)).toEqual({});

  await stage.api.mutate('mirrorRuleUpdate', { id, repositoriesAtMost: 4_999 });
  const failed = await run(id);
  expect(failed).toMatchObject({ state: 'FAILED', error: { code: 'TOO_MANY_REPOSITORIES' } });
  expect(failed.error?.message).toContain('4999');
  expect(await repositories(prefix)).toEqual({});
});

test('names that collide, that are taken and that are no names are left out with a reason; the others come', async () => {
  const catalog = await catalogOf(['a/same', 'b/same', 'library/b/same', 'mine', 'Upper/Case', 'fine']);
  const { id, prefix } = await createRule(catalog, { stripPrefix: 'library' });
  await stage.api.mutate('repositoryCreate', { name: `${prefix}/mine` });
  const done = await run(id);
  expect(done).toMatchObject({ state: 'COMPLETED', counts: { CREATE: 2, COLLIDES: 3, LEFT_OUT: 1 } });
  expect(Object.keys(await repositories(prefix))).toEqual([
    `${prefix}/a/same`,
    `${prefix}/fine`,
    `${prefix}/mine`,
  ]);
  const [double] = await outcomes(done.id, 'COLLIDES');
  expect(double).toMatchObject({
    upstreamName: 'b/same',
    reason: `"b/same" and "library/b/same" would both become "${prefix}/b/same".`,
  });
  const warned = done.warnings.join('\n');
  for (const part of ['"b/same" and "library/b/same"', `"${prefix}/mine"`, '"Upper/Case"'])
    expect(warned).toContain(part);
});

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

test('LIST takes the names given, and asks no catalog', async () => {
  const catalog = await catalogOf(['one', 'two', 'three']);
  const { id, prefix } = await createRule(catalog, { discovery: 'LIST', repositories: ['one', 'three'] });
  await run(id);
  expect(Object.keys(await repositories(prefix))).toEqual([`${prefix}/one`, `${prefix}/three`]);
  expect(catalog.upstream.requestsOf('GET /v2/_catalog')).toEqual([]);
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
