/** A role is told to stop, or something in it goes wrong that nothing caught, in the middle of a sync. */
import { expect, test } from 'vitest';
import { openSocket } from '../support/api/graphql-client.ts';
import { until } from '../support/until.ts';
import type { Program } from '../support/program/program.ts';
import { openScene, routes } from './scene.ts';
import type { Scene } from './scene.ts';

async function withScene(play: (scene: Scene) => Promise<void>): Promise<void> {
  const scene = await openScene();
  try {
    await play(scene);
  } finally {
    await scene.close();
  }
}

/** The whole answer, as it was sent. */
async function ask(program: Program, query: string): Promise<unknown> {
  return JSON.parse((await program.graphql(query)).text);
}

/** Types of a workflow's events, and how its activities failed. */
async function eventsOf({ stack }: Scene, workflowId: string): Promise<string[]> {
  const { events } = await stack.client.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? []).flatMap((event) => [
    ...(event.activityTaskTimedOutEventAttributes ? ['activity timed out'] : []),
    ...(event.workflowTaskTimedOutEventAttributes ? ['workflow task timed out'] : []),
    ...(event.activityTaskStartedEventAttributes?.lastFailure
      ? [event.activityTaskStartedEventAttributes.lastFailure.applicationFailureInfo?.type ?? 'failed']
      : []),
  ]);
}

test.concurrent('fault 115: on SIGTERM a worker hands its activity back at once, and the API answers open requests', () =>
  withScene(async (scene) => {
    const { stack, large } = scene;
    const first = await stack.launch('serve');
    const held = scene.hold(large.route);
    const task = await stack.start(scene.ids);
    await held.reached();

    // a subscription that would not end by itself, and a query that waits for a lock in the database
    const socket = openSocket(first.apiUrl());
    const closed = new Promise<number>((resolve) => socket.once('close', resolve));
    await new Promise((resolve) => socket.once('open', resolve));
    const heard: string[] = [];
    socket.on('message', (data: Buffer) => heard.push(data.toString()));
    socket.send(JSON.stringify({ type: 'connection_init' }));
    await until(() => heard.some((text) => text.includes('connection_ack')));
    const query = `subscription { taskProgress(id: ${JSON.stringify(await globalId(first))}) { state } }`;
    socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query } }));
    await until(() => heard.some((text) => text.includes('RUNNING')));
    const em = stack.em();
    await em.begin();
    await em.execute('lock table repository in access exclusive mode');
    const answer = ask(first, '{ repositories(first: 1) { totalCount } }');
    // that query: the look for lost tasks may wait there, too
    await until(async () => {
      const waiting = await stack.em().execute(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
          and query like '%select id, name from "repository"%'`,
      );
      return waiting.length > 0;
    });

    first.child.kill('SIGTERM');
    expect(await closed).toBe(1001);
    await em.rollback();
    expect(await answer).toEqual({
      data: { repositories: { totalCount: 1 } },
      extensions: { cost: expect.anything() },
    });
    expect(await first.ended()).toBe(0);
    expect(first.output()).toContain('stopped');

    held.open();
    await stack.launch('serve');
    expect(await stack.finish(task)).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
    await scene.expectWhole();
    await stack.client.workflow.getHandle(task.workflowId).result();
    expect(await eventsOf(scene, task.workflowId)).toEqual(['WORKER_SHUTDOWN']);
  }));

async function globalId(program: Program): Promise<string> {
  const { tasks } = await program.data('{ tasks(first: 1) { nodes { id } } }');
  return (tasks.nodes[0]?.id as string | undefined) ?? 'no task';
}

/** Node in which, on SIGUSR2, something goes wrong that no code of ours awaits or catches. */
const faulty = (what: string): string[] => [
  process.execPath,
  '--import',
  `data:text/javascript,process.on('SIGUSR2',()=>{${encodeURIComponent(what)}})`,
];

test.concurrent('fault 117: an unhandled rejection is logged as an error, and the process and its sync continue', () =>
  withScene(async (scene) => {
    const { stack } = scene;
    const program = stack.run(['serve'], {}, faulty(`void Promise.reject(new Error('lost'))`));
    await program.says('Worker ready');
    await program.says('API ready');
    const held = scene.hold(routes.list);
    const task = await stack.start(scene.ids);
    await held.reached();
    program.child.kill('SIGUSR2');
    await program.says('UNHANDLED_REJECTION');
    expect(program.output()).toContain('lost');
    held.open();
    expect(await stack.finish(task)).toMatchObject({ state: 'COMPLETED' });
    expect(await ask(program, '{ __typename }')).toEqual({
      data: { __typename: 'Query' },
      extensions: { cost: expect.anything() },
    });
    expect(await program.end('SIGTERM')).toBe(0);
  }));

test.concurrent('fault 117: an uncaught exception ends the process with exit code 1, after its activity is handed back', () =>
  withScene(async (scene) => {
    const { stack, large } = scene;
    const program = stack.run(['serve'], {}, faulty(`throw new Error('broken')`));
    await program.says('Worker ready');
    const held = scene.hold(large.route);
    const task = await stack.start(scene.ids);
    await held.reached();
    program.child.kill('SIGUSR2');
    expect(await program.ended()).toBe(1);
    expect(program.output()).toMatch(/UNCAUGHT_EXCEPTION.*broken/s);
    held.open();
    await stack.launch('worker');
    expect(await stack.finish(task)).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
    await scene.expectWhole();
    await stack.client.workflow.getHandle(task.workflowId).result();
    expect(await eventsOf(scene, task.workflowId)).toEqual(['WORKER_SHUTDOWN']);
  }));
