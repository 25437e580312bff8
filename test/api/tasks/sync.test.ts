import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toGlobalId } from '../../../src/operations/global-id.ts';
import { readInstallation } from '../../../src/db/tasks/installation.ts';
import { startApi } from '../../support/api/api-server.ts';
import type { ApiUnderTest } from '../../support/api/api-server.ts';
import { newRepository, syncSteps } from '../../support/api/sync-steps.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi({ config: { temporalUiUrl: 'http://127.0.0.1:8233/' } });
});
afterAll(async () => {
  await api.close();
});

function sync(input: object, server = api) {
  return server.mutate(
    'repositorySync',
    input,
    'task { id name state mirror dryRun workflowId temporalUrl warnings error { code } createdVersion { number } repository { id } }',
  );
}

const { cancel } = syncSteps(() => ({ api }));

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
