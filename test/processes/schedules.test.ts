/** Schedules through a kill of everything: `tidemark start`, its PostgreSQL and its Temporal. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { expect, test } from 'vitest';
import { addImage, createSampleRepository } from '../../src/demo/sample-image.ts';
import { startSampleUpstream } from '../../src/demo/sample-upstream.ts';
import { stopAbandonedServers } from '../support/servers/abandoned-servers.ts';
import { until } from '../support/until.ts';
import { launch } from '../support/program/program.ts';
import type { Program } from '../support/program/program.ts';

const everySeconds = 2;

interface Run {
  readonly dueAt: string;
  readonly outcome: string;
  readonly triggered: boolean;
  readonly task: { readonly id: string; readonly state: string } | null;
}

/** The payload of a mutation that makes no mistake. */
async function mutate<T>(program: Program, name: string, input: object, selection: string): Promise<T> {
  const payload = (await program.mutate(name, input, selection)) as T & { userErrors: unknown[] };
  expect(payload.userErrors).toEqual([]);
  return payload;
}

async function createScheduled(program: Program, name: string, url: string): Promise<string> {
  const { remote } = await mutate<{ remote: { id: string } }>(
    program,
    'remoteCreate',
    { name, url, upstreamName: 'app' },
    'remote { id }',
  );
  const { repository } = await mutate<{ repository: { id: string } }>(
    program,
    'repositoryCreate',
    { name, remoteId: remote.id },
    'repository { id }',
  );
  const input = { repositoryId: repository.id, intervalSeconds: everySeconds, jitterSeconds: 0 };
  const { schedule } = await mutate<{ schedule: { id: string } }>(
    program,
    'scheduleCreate',
    input,
    'schedule { id }',
  );
  return schedule.id;
}

/** Newest first. */
async function readRuns(program: Program, id: string): Promise<readonly Run[]> {
  const { schedule } = (await program.data(
    'query ($id: ID!) { schedule(id: $id) { runs(first: 100) { nodes { dueAt outcome triggered task { id state } } } } }',
    { id },
  )) as { schedule: { runs: { nodes: readonly Run[] } } };
  return schedule.runs.nodes;
}

async function hasRuns(program: Program, ids: readonly string[], count: number): Promise<boolean> {
  const runs = await Promise.all(ids.map((id) => readRuns(program, id)));
  return runs.every(({ length }) => length >= count);
}

async function openTemporal(dataDir: string) {
  const { port } = JSON.parse(await readFile(join(dataDir, 'temporal', 'ports.json'), 'utf8')) as {
    port: number;
  };
  const connection = await Connection.connect({ address: `127.0.0.1:${port}` });
  return { schedule: new Client({ connection }).schedule, close: () => connection.close() };
}

/** As the link to the Temporal UI has it. */
async function readTemporalId(program: Program, id: string): Promise<string> {
  const { schedule } = (await program.data('query ($id: ID!) { schedule(id: $id) { temporalUrl } }', {
    id,
  })) as { schedule: { temporalUrl: string } };
  return decodeURIComponent(schedule.temporalUrl.split('/').at(-1) ?? '');
}

test('each due run of a schedule happens once across a SIGKILL of every process; pause, trigger and delete take effect', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'tidemark-schedules-'));
  const content = createSampleRepository();
  addImage(content, { seed: 'schedules', layers: [3_000], tag: 'one' });
  const upstream = await startSampleUpstream({ repositories: new Map([['app', content]]) });
  const programs: Program[] = [];
  const start = async (): Promise<Program> => {
    const program = launch(['start'], { TIDEMARK_DATA: dataDir, TIDEMARK_PORT: '0' });
    programs.push(program);
    await program.says('Data ');
    return program;
  };
  try {
    const first = await start();
    const ids: string[] = [];
    for (const name of ['one', 'two', 'three']) ids.push(await createScheduled(first, name, upstream.url));
    await until(() => hasRuns(first, ids, 3));
    await first.end('SIGKILL');
    await stopAbandonedServers(dataDir);

    const second = await start();
    const before = Math.max(
      ...(await Promise.all(ids.map(async (id) => (await readRuns(second, id)).length))),
    );
    await until(() => hasRuns(second, ids, before + 4));
    for (const id of ids)
      await mutate(second, 'schedulePause', { id, note: 'enough' }, 'schedule { paused }');
    const [temporalId = '', ...otherIds] = new Set(
      await Promise.all(ids.map((id) => readTemporalId(second, id))),
    );
    expect(otherIds).toEqual([]);
    const temporal = await openTemporal(dataDir);
    try {
      const described = await temporal.schedule.getHandle(temporalId).describe();
      expect(described.state.paused).toBe(true);
      const runs = () => Promise.all(ids.map((id) => readRuns(second, id)));
      const moments = async () => new Set((await runs()).flat().map(({ dueAt }) => dueAt)).size;
      // runs that began or waited in the moment of the last pause found nothing to do
      const { numActionsTaken } = described.info;
      await until(async () => (await moments()) >= numActionsTaken - 2);
      expect(await moments()).toBeLessThanOrEqual(numActionsTaken);
      for (const own of await runs()) expectOnce(own, described.info);
      const [paused = '', deleted = '', resumed = ''] = ids;
      await mutate(second, 'scheduleResume', { id: resumed }, 'schedule { paused }');
      await mutate(second, 'scheduleDelete', { id: deleted }, 'deletedId');
      const isRunning = ({ task }: Run) => task !== null && ['WAITING', 'RUNNING'].includes(task.state);
      await until(async () => !(await readRuns(second, paused)).some(isRunning));
      const rested = await readRuns(second, paused);
      const going = await readRuns(second, resumed);
      await until(() => hasRuns(second, [resumed], going.length + 2));
      expect(await readRuns(second, paused)).toEqual(rested);

      expect(rested.find(({ outcome }) => outcome === 'STARTED')?.task?.state).toBe('COMPLETED');
      await mutate(second, 'scheduleTrigger', { id: paused }, 'task { id }');
      const [triggered, ...others] = await readRuns(second, paused);
      expect(triggered).toMatchObject({ outcome: 'STARTED', triggered: true });
      expect(others).toEqual(rested);

      const { schedules } = (await second.data('{ schedules(first: 9) { nodes { id } } }')) as {
        schedules: { nodes: unknown[] };
      };
      expect(schedules.nodes).toEqual([{ id: paused }, { id: resumed }]);
      for (const id of [paused, resumed]) await mutate(second, 'scheduleDelete', { id }, 'deletedId');
      await expect(temporal.schedule.getHandle(temporalId).describe()).rejects.toThrow(/not found/i);
    } finally {
      await temporal.close();
    }
    expect(await second.end('SIGTERM')).toBe(0);
  } finally {
    await Promise.all(programs.map((program) => program.end('SIGKILL')));
    await stopAbandonedServers(dataDir);
    await upstream.close();
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
  }
});

/** No moment twice, no task twice, and each moment between the first and the last run accounted for. */
function expectOnce(
  runs: readonly Run[],
  info: { readonly numActionsSkippedOverlap: number; readonly numActionsMissedCatchupWindow: number },
): void {
  const due = runs.map((run) => Date.parse(run.dueAt) / 1000).toReversed();
  expect(due).toEqual([...new Set(due)].sort((one, other) => one - other));
  for (const moment of due) expect(moment % everySeconds).toBe(0);
  const tasks = runs.filter((run) => run.outcome === 'STARTED').map((run) => run.task?.id);
  expect(new Set(tasks).size).toBe(tasks.length);
  const skippedBetween = ((due.at(-1) ?? 0) - (due[0] ?? 0)) / everySeconds + 1 - due.length;
  expect(skippedBetween).toBeLessThanOrEqual(info.numActionsSkippedOverlap);
  expect(info.numActionsMissedCatchupWindow).toBe(0);
}
