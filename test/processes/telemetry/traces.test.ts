/** One trace from the mutation, or the schedule, through workflow and activities to the requests to the upstream. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { toGlobalId } from '../../../src/operations/global-id.ts';
import { openTraceCollector, pathTo } from '../../support/servers/trace-collector.ts';
import type { CollectedSpan } from '../../support/servers/trace-collector.ts';
import { createSchedule } from '../../support/sync/schedules.ts';
import { goodRepository } from '../../support/sync/stage.ts';
import { openFakeUpstream } from '../../support/upstream/fake-upstream.ts';
import type { FakeUpstream } from '../../support/upstream/fake-upstream.ts';
import { sampleAnswers } from '../../support/upstream/sample-answers.ts';
import { until } from '../../support/until.ts';
import type { Program } from '../../support/program/program.ts';
import { openStack } from '../stack.ts';
import type { Stack } from '../stack.ts';

let collector: Awaited<ReturnType<typeof openTraceCollector>>;
let stack: Stack;
let upstream: FakeUpstream;
let api: Program;
let worker: Program;
beforeAll(async () => {
  collector = await openTraceCollector();
  const content = goodRepository('traced');
  const [digest] = content.tags.values();
  // More requests than an activity has spans.
  if (digest !== undefined) for (let tag = 0; tag < 150; tag += 1) content.tags.set(`v${tag}`, digest);
  upstream = await openFakeUpstream({ fallback: sampleAnswers(content) });
  stack = await openStack({ settings: collector.settings });
  [api, worker] = await Promise.all([stack.launch('api'), stack.launch('worker')]);
});
afterAll(async () => {
  await stack?.close();
  await upstream?.close();
  await collector?.close();
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

/** How many requests a span stands for. */
function requestsOf({ attributes = [] }: CollectedSpan): number {
  const count = attributes.find(({ key }) => key === 'tidemark.request.count');
  return Number(count?.value['intValue'] ?? 1);
}

/** The spans of a trace that stand for so many requests to the upstream, once all spans above them are there. */
async function requestSpans(traceId: string, requests: number): Promise<{ path: string; spans: number }[]> {
  let paths: string[] = [];
  await until(async () => {
    const all = await collector.spansOf(traceId);
    const own = all.filter(({ name }) => name.includes(new URL(upstream.url).host));
    paths = own.map((span) => pathTo(span, all).slice(0, -1).join(' > '));
    return (
      own.reduce((sum, span) => sum + requestsOf(span), 0) === requests &&
      !paths.some((path) => path.startsWith('missing')) &&
      all.some(({ name }) => name === 'RunWorkflow:syncRepository')
    );
  });
  return [...new Set(paths)].map((path) => ({
    path,
    spans: paths.filter((other) => other === path).length,
  }));
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
  expect(upstream.requests.length).toBeGreaterThan(150);
  const [requests, ...others] = await requestSpans(task.traceId, upstream.requests.length);
  expect(others).toEqual([]);
  expect(requests?.path).toBe(['POST /graphql', ...toUpstream].join(' > '));
  // The first fifty, and one for each of the few kinds of the others.
  expect(requests?.spans).toBeGreaterThan(50);
  expect(requests?.spans).toBeLessThan(60);
  await until(() => ended() !== undefined);
  expect(ended()).toContain(`"trace_id":"${task.traceId}"`);
});

test('a sync that a schedule starts is one trace', async () => {
  const ids = await stack.createRepository({ url: upstream.url, upstreamName: 'library/app' });
  const earlier = upstream.requests.length;
  const schedule = await createSchedule(stack, ids);
  await schedule.run();
  const [run] = await schedule.runs();
  const task = await stack.finish({ id: run?.taskId ?? 0 });
  const requests = await requestSpans(task.traceId ?? '', upstream.requests.length - earlier);
  expect(requests.map(({ path }) => path)).toEqual([
    [
      'RunWorkflow:scheduledSyncs',
      'StartActivity:beginScheduledSyncs',
      'RunActivity:beginScheduledSyncs',
      ...toUpstream,
    ].join(' > '),
  ]);
  await schedule.delete();
});
