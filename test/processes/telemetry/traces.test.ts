/** One trace from the mutation, or the schedule, through workflow and activities to the requests to the upstream. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { toGlobalId } from '../../../src/operations/global-id.ts';
import { openOtlpReceiver } from '../../support/servers/otlp-receiver.ts';
import { createSchedule } from '../../support/sync/schedules.ts';
import { goodRepository } from '../../support/sync/stage.ts';
import { openFakeUpstream } from '../../support/upstream/fake-upstream.ts';
import type { FakeUpstream } from '../../support/upstream/fake-upstream.ts';
import { sampleAnswers } from '../../support/upstream/sample-answers.ts';
import { until } from '../../support/until.ts';
import type { Program } from '../../support/program/program.ts';
import { openStack } from '../stack.ts';
import type { Stack } from '../stack.ts';

let folder: string;
let receiver: Awaited<ReturnType<typeof openOtlpReceiver>>;
let stack: Stack;
let upstream: FakeUpstream;
let api: Program;
let worker: Program;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-traces-'));
  receiver = await openOtlpReceiver(join(folder, 'traces.jsonl'));
  upstream = await openFakeUpstream({ fallback: sampleAnswers(goodRepository('traced')) });
  stack = await openStack({
    settings: {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '100',
    },
  });
  [api, worker] = await Promise.all([stack.launch('api'), stack.launch('worker')]);
});
afterAll(async () => {
  await stack?.close();
  await upstream?.close();
  await receiver?.close();
  await rm(folder, { recursive: true, force: true });
});

const ended = () =>
  worker
    .output()
    .split('\n')
    .find((line) => line.includes('"task.ended"'));

const toUpstream = [
  'StartWorkflow:syncRepository',
  'RunWorkflow:syncRepository',
  'StartActivity:beginSync',
  'RunActivity:beginSync',
];

/** The paths of the requests to the upstream in a trace, once the trace's workflow has ended. */
async function requestPaths(traceId: string): Promise<Set<string>> {
  const own = () => receiver.spans.filter((span) => span.traceId === traceId);
  await until(() => own().some(({ name }) => name === 'RunWorkflow:syncRepository'));
  const requests = () => own().filter(({ name }) => name.includes(new URL(upstream.url).host));
  await until(() => requests().length > 0);
  const complete = () => requests().map((span) => receiver.pathTo(span));
  await until(() => complete().every((path) => !path.some((name) => name.startsWith('missing'))));
  return new Set(complete().map((path) => path.slice(0, -1).join(' > ')));
}

test('a sync that a mutation starts is one trace; its id is in the task and in the log', async () => {
  const { repositoryId } = await stack.createRepository({ url: upstream.url, upstreamName: 'library/app' });
  const { task } = (await api.mutate(
    'repositorySync',
    { repositoryId: toGlobalId('Repository', repositoryId) },
    'task { id traceId }',
  )) as { task: { id: string; traceId: string } };
  expect(task.traceId).toMatch(/^[0-9a-f]{32}$/);
  const id = Number(Buffer.from(task.id, 'base64url').toString().split(':')[1]);
  expect(await stack.finish({ id })).toMatchObject({ state: 'COMPLETED', traceId: task.traceId });
  expect(await requestPaths(task.traceId)).toEqual(new Set([['POST /graphql', ...toUpstream].join(' > ')]));
  await until(() => ended() !== undefined);
  expect(ended()).toContain(`"trace_id":"${task.traceId}"`);
  expect(await readFile(join(folder, 'traces.jsonl'), 'utf8')).toContain(task.traceId);
});

test('a sync that a schedule starts is one trace', async () => {
  const ids = await stack.createRepository({ url: upstream.url, upstreamName: 'library/app' });
  const schedule = await createSchedule(stack, ids);
  await schedule.run();
  const [run] = await schedule.runs();
  const task = await stack.finish({ id: run?.taskId ?? 0 });
  expect(await requestPaths(task.traceId ?? '')).toEqual(
    new Set([
      [
        'RunWorkflow:scheduledSyncs',
        'StartActivity:beginScheduledSyncs',
        'RunActivity:beginScheduledSyncs',
        ...toUpstream,
      ].join(' > '),
    ]),
  );
  await schedule.delete();
});
