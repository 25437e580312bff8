/** What Temporal's UI can search for, also in a namespace that lacks the attributes, and without the rights to register them. */
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { randomBytes } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { google } from '@temporalio/proto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createWorkflowClient } from '../../../src/api/temporal/workflow-client.ts';
import { toGlobalId } from '../../../src/operations/global-id.ts';
import { registerSearchAttributes } from '../../../src/processes/temporal/register-search-attributes.ts';
import { createAttributeFallback } from '../../../src/telemetry/attribute-fallback.ts';
import { testServers } from '../../support/servers/servers.ts';
import { createSchedule } from '../../support/sync/schedules.ts';
import { openStageWithApi } from '../../support/sync/stage-with-api.ts';
import type { StageWithApi } from '../../support/sync/stage-with-api.ts';
import { json } from '../../support/upstream/fake-upstream.ts';
import { until } from '../../support/until.ts';

let stage: StageWithApi;
beforeAll(async () => {
  stage = await openStageWithApi();
});
afterAll(() => stage?.close());

/** Waits for what Temporal's visibility store knows. */
async function find(client: Client, query: string, count = 1) {
  let found: { workflowId: string; memo?: Record<string, unknown> | undefined }[] = [];
  await until(async () => {
    found = [];
    for await (const run of client.workflow.list({ query })) found.push(run);
    return found.length === count;
  });
  return found;
}

test('all failed syncs of a repository, of a host, and by what started them', async () => {
  const { upstream, ids, name } = await stage.open();
  const host = new URL(upstream.url).host;
  const repositoryId = toGlobalId('Repository', ids.repositoryId);
  const { task } = (await stage.api.mutate('repositorySync', { repositoryId }, 'task { id }')) as {
    task: { id: string };
  };
  const { client } = stage.harness;
  const completed = `TidemarkRemoteHost = '${host}' AND ExecutionStatus = 'Completed' AND TidemarkTrigger = 'MANUAL'`;
  const [done] = await find(client, completed);
  const key = Number(Buffer.from(task.id, 'base64url').toString().split(':')[1]);
  expect(done?.memo).toEqual({ taskId: key, repositoryName: name, remoteHost: host, trigger: 'MANUAL' });

  upstream.on('GET /v2/library/app/tags/list', json({ errors: [{ code: 'DENIED' }] }, {}, 403));
  await stage.api.mutate('repositorySync', { repositoryId }, 'task { id }');
  const schedule = await createSchedule(stage.harness, ids);
  await find(client, `TidemarkRepository = '${name}' AND ExecutionStatus = 'Failed'`);
  await schedule.run();
  await find(client, `TidemarkRepository = '${name}' AND ExecutionStatus = 'Failed'`, 2);
  const scheduled = `TidemarkRepository = '${name}' AND TidemarkTrigger = 'SCHEDULE'`;
  await find(client, `${scheduled} AND WorkflowType = 'syncRepository'`);
  await find(client, `${scheduled} AND WorkflowType = 'scheduledSyncs'`);
  await schedule.delete();
});

test('in a namespace without them, workflows start all the same; once registered they are used', async () => {
  const connection = await Connection.connect({ address: testServers().temporalAddress });
  const namespace = `bare-${randomBytes(4).toString('hex')}`;
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: google.protobuf.Duration.fromObject({ seconds: 24 * 60 * 60 }),
  });
  const client = new Client({ connection, namespace });
  const warnings: string[] = [];
  const start = (number: number) => {
    const attributes = createAttributeFallback((_, message) => warnings.push(message));
    const publicUrl = 'https://registry.example/';
    return createWorkflowClient({ client, taskQueue: 'none', attributes, publicUrl }).startSync({
      taskId: number,
      workflowId: `sync/bare/${number}`,
      repositoryName: 'bare',
    });
  };
  // the namespace is known to the frontend a moment later
  await until(() => start(1).then(Boolean, () => false));
  expect(warnings).toEqual([expect.stringMatching(/lacks Tidemark's search attributes.*tidemark migrate/)]);
  const printed: string[] = [];
  const register = () =>
    registerSearchAttributes({ connection, namespace, print: (line) => printed.push(line) });
  await register();
  await register();
  expect(printed).toEqual([
    `Registered the search attributes TidemarkRepository, TidemarkRemoteHost, TidemarkTrigger in Temporal's namespace ${namespace}.`,
    "Temporal's search attributes are there; nothing to do.",
  ]);
  await start(2);
  expect(warnings).toHaveLength(1);
  const [found] = await find(client, "TidemarkRepository = 'bare'");
  expect(found?.workflowId).toBe('sync/bare/2');
  const taskUrl = `https://registry.example/tasks/${toGlobalId('Task', 2)}`;
  expect(found?.memo).toMatchObject({ taskId: 2, taskUrl });
  const handle = client.workflow.getHandle('sync/bare/2');
  expect(await (await handle.describe()).staticDetails()).toBe(`[Task in Tidemark](${taskUrl})`);
  for (const id of [1, 2]) await client.workflow.getHandle(`sync/bare/${id}`).terminate();
  await connection.close();
});

test('a Temporal that refuses to register them is no error, and the message says what to run', async () => {
  const unimplemented = 12;
  const permissionDenied = 7;
  const server = createServer().on('stream', (stream, headers) => {
    const isOperator = String(headers[':path']).includes('OperatorService');
    stream.respond(
      {
        ':status': 200,
        'content-type': 'application/grpc',
        'grpc-status': String(isOperator ? permissionDenied : unimplemented),
        'grpc-message': 'Request unauthorized.',
      },
      { endStream: true },
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const connection = Connection.lazy({ address: `127.0.0.1:${port}` });
  const printed: string[] = [];
  await registerSearchAttributes({ connection, namespace: 'own', print: (line) => printed.push(line) });
  expect(printed).toEqual([
    expect.stringMatching(
      /could not be registered: .*unauthorized.*start without them.*temporal operator search-attribute create --namespace own --type Keyword --name TidemarkRepository /i,
    ),
  ]);
  await connection.close();
  server.close();
});
