import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toGlobalId } from '../../src/operations/global-id.ts';
import { readInstallation } from '../../src/db/tasks/installation.ts';
import { startApi } from '../support/api/api-server.ts';
import type { ApiUnderTest } from '../support/api/api-server.ts';
import { digestOf, insertRepository, insertTask } from '../support/api/content.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi({ config: { temporalUiUrl: 'http://127.0.0.1:8233/' } });
});
afterAll(async () => {
  await api.close();
});

let sequence = 0;
/** Repository ids of databases repeat, and so would workflow ids on the run's one Temporal server. */
async function newRepository(
  server: ApiUnderTest,
  withRemote = true,
): Promise<{ repositoryId: number; remoteId: number }> {
  sequence += 1;
  const repositoryId = 1_000_000 + Math.floor(Math.random() * 1e12);
  await server.sql('insert into repository (id, name) values ($1, $2)', [repositoryId, `sync/r${sequence}`]);
  const [remote] = await server.sql(
    "insert into remote (name, url, upstream_name) values ($1, 'https://registry.example', 'a/b') returning id",
    [`remote ${sequence}`],
  );
  const remoteId = Number(remote?.['id']);
  if (withRemote)
    await server.sql('update repository set remote_id = $1 where id = $2', [remoteId, repositoryId]);
  return { repositoryId, remoteId };
}

function sync(input: object, server = api) {
  return server.mutate(
    'repositorySync',
    input,
    'task { id name state mirror dryRun workflowId temporalUrl warnings error { code } createdVersion { number } repository { id } }',
  );
}

async function cancel(id: string) {
  const { data, errors } = await api.graphql(
    'mutation ($id: ID!) { taskCancel(input: { id: $id }) { task { state } userErrors { code field } } }',
    { id },
  );
  expect(errors).toBeUndefined();
  return data.taskCancel;
}

describe('repositorySync', () => {
  test('inserts the task and starts its workflow; the second caller gets the running task', async () => {
    const { repositoryId } = await newRepository(api);
    const id = toGlobalId('Repository', repositoryId);
    const installation = await readInstallation(api.database.em.fork());
    const { task, userErrors } = await sync({ repositoryId: id, mirror: true });
    expect(userErrors).toEqual([]);
    expect(task).toMatchObject({
      name: 'repository.sync',
      state: 'WAITING',
      mirror: true,
      dryRun: false,
      workflowId: `sync/${installation}/${repositoryId}`,
      warnings: [],
      error: null,
      createdVersion: null,
      repository: { id },
    });
    const run = await api.workflows.describeSync({ workflowId: task.workflowId });
    expect(run).toMatchObject({ status: 'RUNNING' });
    expect(task.temporalUrl).toBe(
      `http://127.0.0.1:8233/namespaces/default/workflows/sync%2F${installation}%2F${repositoryId}/${run.runId}`,
    );

    const again = await sync({ repositoryId: id });
    expect(again.userErrors).toMatchObject([{ code: 'SYNC_ALREADY_RUNNING', field: ['repositoryId'] }]);
    expect(again.task.id).toBe(task.id);
    const [row] = await api.sql('select id from task where repository_id = $1', [repositoryId]);

    // the reconciler starts a task that was started already: the same run
    const started = await api.workflows.startSync({
      taskId: Number(row?.['id']),
      workflowId: task.workflowId,
      repositoryName: 'x',
    });
    expect(started.runId).toBe(run.runId);
    await expect(
      api.workflows.startSync({ taskId: -1, workflowId: task.workflowId, repositoryName: 'x' }),
    ).rejects.toMatchObject({ code: 'SYNC_ALREADY_RUNNING' });

    expect(await cancel(task.id)).toMatchObject({ userErrors: [] });
    const history = await api.client.workflow.getHandle(task.workflowId).fetchHistory();
    expect(history.events?.some((event) => event.workflowExecutionCancelRequestedEventAttributes)).toBe(true);
  });

  test('fault 93: the same mutation from ten callers at once makes one task', async () => {
    const { repositoryId } = await newRepository(api);
    const payloads = await Promise.all(
      Array.from({ length: 10 }, () => sync({ repositoryId: toGlobalId('Repository', repositoryId) })),
    );
    expect(new Set(payloads.map(({ task }) => task.id)).size).toBe(1);
    expect(payloads.filter(({ userErrors }) => userErrors.length === 0)).toHaveLength(1);
  });

  test.each([
    {
      name: 'an unknown repository',
      input: { repositoryId: 'x' },
      errors: [['NOT_FOUND', ['repositoryId']]],
    },
    {
      name: 'an unknown repository and an unknown remote',
      input: { repositoryId: 'x', remoteId: 'y' },
      errors: [
        ['NOT_FOUND', ['repositoryId']],
        ['NOT_FOUND', ['remoteId']],
      ],
    },
    {
      name: 'pruneFiltered without mirror',
      input: { repositoryId: 'x', pruneFiltered: true },
      errors: [
        ['NOT_FOUND', ['repositoryId']],
        ['INVALID', ['pruneFiltered']],
      ],
    },
  ])('$name', async ({ input, errors }) => {
    const { task, userErrors } = await sync(input);
    expect(task).toBeNull();
    expect(userErrors.map((error: { code: string; field: string[] }) => [error.code, error.field])).toEqual(
      errors,
    );
  });

  test('a repository without remote needs one', async () => {
    const { repositoryId, remoteId } = await newRepository(api, false);
    const id = toGlobalId('Repository', repositoryId);
    expect((await sync({ repositoryId: id })).userErrors).toMatchObject([
      { code: 'INVALID', field: ['remoteId'] },
    ]);
    expect((await sync({ repositoryId: id, remoteId: toGlobalId('Remote', remoteId) })).userErrors).toEqual(
      [],
    );
  });

  test('fault 102: while Temporal is down the task is queued and says so', async () => {
    const lonely = await startApi({ temporalAddress: '127.0.0.1:9' });
    try {
      const { repositoryId } = await newRepository(lonely);
      const { task, userErrors } = await sync(
        { repositoryId: toGlobalId('Repository', repositoryId) },
        lonely,
      );
      expect(userErrors).toEqual([]);
      expect(task).toMatchObject({ state: 'WAITING', temporalUrl: null });
      expect(task.warnings).toEqual([expect.stringContaining('queued')]);
      expect((await lonely.graphql('{ repositories(first: 1) { totalCount } }')).errors).toBeUndefined();
    } finally {
      await lonely.close();
    }
  });
});

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
