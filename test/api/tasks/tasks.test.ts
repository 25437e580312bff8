import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toGlobalId } from '../../../src/operations/global-id.ts';
import { startApi } from '../../support/api/api-server.ts';
import type { ApiUnderTest } from '../../support/api/api-server.ts';
import { digestOf, insertRepository, insertTask } from '../../support/api/content.ts';
import { newRepository, syncSteps } from '../../support/api/sync-steps.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi({ config: { temporalUiUrl: 'http://127.0.0.1:8233/' } });
});
afterAll(async () => {
  await api.close();
});

const { cancel } = syncSteps(() => ({ api }));

describe('taskCancel', () => {
  test.each([
    { state: 'CANCELED', task: { state: 'CANCELED' }, errors: [] },
    { state: 'COMPLETED', task: null, errors: [{ code: 'INVALID', field: ['id'] }] },
    { state: 'FAILED', task: null, errors: [{ code: 'INVALID', field: ['id'] }] },
  ])('of a task that is $state', async ({ state, task, errors }) => {
    const taskId = await insertTask(api, await insertRepository(api, `cancel/${state.toLowerCase()}`), state);
    expect(await cancel(toGlobalId('Task', taskId))).toEqual({ task, userErrors: errors });
  });

  test('of a task that no workflow has taken yet', async () => {
    const { repositoryId } = await newRepository(api);
    const taskId = await insertTask(api, repositoryId);
    expect(await cancel(toGlobalId('Task', taskId))).toEqual({ task: { state: 'CANCELED' }, userErrors: [] });
  });

  test('fault 102: while Temporal is down says so', async () => {
    const lonely = await startApi({ temporalAddress: '127.0.0.1:9' });
    try {
      const taskId = await insertTask(lonely, await insertRepository(lonely, 'cancel/down'));
      const { errors } = await lonely.graphql(
        'mutation ($id: ID!) { taskCancel(input: { id: $id }) { task { state } } }',
        {
          id: toGlobalId('Task', taskId),
        },
      );
      expect(errors?.[0]).toMatchObject({
        message: expect.stringContaining('try again'),
        extensions: { code: 'SERVICE_UNAVAILABLE' },
      });
    } finally {
      await lonely.close();
    }
  });

  test('of an unknown task', async () => {
    expect(await cancel('x')).toEqual({ task: null, userErrors: [{ code: 'NOT_FOUND', field: ['id'] }] });
  });
});

describe('a task', () => {
  test('that was a dry run has its plan', async () => {
    const taskId = await insertTask(api, await insertRepository(api, 'plan/one'), 'COMPLETED');
    await api.sql('insert into task_plan values ($1, 2, 1, 1, 5, 9007199254740991)', [taskId]);
    for (const [name, change, was, is] of [
      ['a', 'ADDED', null, 'x'],
      ['b', 'ADDED', null, 'y'],
      ['c', 'MOVED', 'x', 'y'],
      ['d', 'REMOVED', 'x', null],
    ] as const)
      await api.sql(
        'insert into task_tag (task_id, name, outcome, old_digest, new_digest) values ($1, $2, $3, $4, $5)',
        [taskId, name, change, was === null ? null : digestOf(was), is === null ? null : digestOf(is)],
      );
    const { data, errors } = await api.graphql(
      `query ($id: ID!) { task(id: $id) { dryRun plan { tagsAdded tagsMoved tagsRemoved blobsToFetch bytesToFetch
        all: tags(first: 3) { totalCount pageInfo { hasNextPage } nodes { name change oldDigest newDigest } }
        added: tags(first: 100, change: ADDED) { totalCount nodes { name } } } } }`,
      { id: toGlobalId('Task', taskId) },
    );
    expect(errors).toBeUndefined();
    expect(data.task).toMatchObject({
      dryRun: true,
      plan: {
        tagsAdded: 2,
        tagsMoved: 1,
        tagsRemoved: 1,
        blobsToFetch: 5,
        bytesToFetch: 9_007_199_254_740_991,
        all: { totalCount: 4, pageInfo: { hasNextPage: true } },
        added: { totalCount: 2, nodes: [{ name: 'a' }, { name: 'b' }] },
      },
    });
    expect(data.task.plan.all.nodes[2]).toEqual({
      name: 'c',
      change: 'MOVED',
      oldDigest: digestOf('x'),
      newDigest: digestOf('y'),
    });
  });

  test('that failed has its error; done counts never exceed totals; the list filters by state', async () => {
    const taskId = await insertTask(api, await insertRepository(api, 'failed/one'), 'FAILED');
    await api.sql('update task set tags_total = 3 where id = $1', [taskId]);
    await api.sql(
      "insert into task_progress (task_id, stage, part, tags_done, rate_limited) values ($1, 'FETCHING_MANIFESTS', 1, 5, 2)",
      [taskId],
    );
    const { data } = await api.graphql(
      '{ tasks(first: 1, state: FAILED) { nodes { id rateLimited plan { tagsAdded } error { code message } progress { tagsTotal tagsDone } } } }',
    );
    expect(data.tasks.nodes).toEqual([
      {
        id: toGlobalId('Task', taskId),
        rateLimited: 2,
        plan: null,
        error: { code: 'UPSTREAM_DOWN', message: 'It was down.' },
        progress: { tagsTotal: 3, tagsDone: 3 },
      },
    ]);
  });
});
