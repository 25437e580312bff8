/** Mirror rules, from the API to the synced repositories, against registries with a catalog. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStageWithApi } from '../../support/sync/stage-with-api.ts';
import type { StageWithApi } from '../../support/sync/stage-with-api.ts';
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

const { catalogOf, createRule, run, outcomes, repositories } = ruleSteps(() => ({ stage, opened }));

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

test('LIST takes the names given, and asks no catalog', async () => {
  const catalog = await catalogOf(['one', 'two', 'three']);
  const { id, prefix } = await createRule(catalog, { discovery: 'LIST', repositories: ['one', 'three'] });
  await run(id);
  expect(Object.keys(await repositories(prefix))).toEqual([`${prefix}/one`, `${prefix}/three`]);
  expect(catalog.upstream.requestsOf('GET /v2/_catalog')).toEqual([]);
});
