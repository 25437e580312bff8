import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toGlobalId } from '../../src/operations/global-id.ts';
import { finishTask, setProgress } from '../../src/db/tasks/tasks.ts';
import { socketEvents, streamEvents, streamUrl } from '../support/api/graphql-client.ts';
import { startApi } from '../support/api/api-server.ts';
import type { ApiUnderTest } from '../support/api/api-server.ts';
import { insertRepository, insertTask } from '../support/api/content.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const query =
  'subscription ($id: ID!) { taskProgress(id: $id) { id state progress { stage blobsDone blobsTotal } } }';

interface Event {
  readonly data?: {
    readonly taskProgress: { readonly state: string; readonly progress: { readonly blobsDone: number } };
  } | null;
  readonly errors?: readonly { readonly message: string; readonly extensions?: Record<string, unknown> }[];
}

function overSocket(id: string, server = api): AsyncGenerator<Event> {
  return socketEvents(server.url, { query, variables: { id } });
}

/** The events of a plain GET, as curl would print them. */
async function* overStream(id: string, signal?: AbortSignal, server = api): AsyncGenerator<Event> {
  const text = query.replace('($id: ID!)', '').replace('id: $id', `id: "${id}"`);
  const response = await fetch(streamUrl(server.url, text), {
    headers: { accept: 'text/event-stream' },
    ...(signal === undefined ? {} : { signal }),
  });
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  yield* streamEvents<Event>(response);
}

async function openTask(name: string): Promise<{ taskId: number; id: string }> {
  const taskId = await insertTask(api, await insertRepository(api, name));
  return { taskId, id: toGlobalId('Task', taskId) };
}

async function nextOf(events: AsyncIterator<Event>): Promise<Event> {
  const { value, done } = await events.next();
  expect(done).toBeFalsy();
  return value as Event;
}

describe.each([
  ['graphql-ws', (id: string) => overSocket(id)],
  ['server-sent events', (id: string) => overStream(id)],
])('taskProgress over %s', (transport, follow) => {
  const slug = transport.replaceAll(' ', '-');

  test('tells the current state, each change, the final state, and completes', async () => {
    const { taskId, id } = await openTask(`${slug}/whole`);
    const em = api.database.em.fork();
    const events = follow(id);
    expect((await nextOf(events)).data?.taskProgress).toMatchObject({
      state: 'WAITING',
      progress: { blobsDone: 0 },
    });

    await setProgress(em, { taskId, stage: 'FETCHING_BLOBS', part: 1 }, { blobsDone: 3 });
    expect((await nextOf(events)).data?.taskProgress.progress.blobsDone).toBe(3);

    // a lower count leaves what is there: nothing is told
    await setProgress(em, { taskId, stage: 'FETCHING_BLOBS', part: 1 }, { blobsDone: 1 });
    await finishTask(em, taskId, { state: 'COMPLETED', createdVersion: null });
    expect((await nextOf(events)).data?.taskProgress).toMatchObject({
      state: 'COMPLETED',
      progress: { blobsDone: 3 },
    });
    expect((await events.next()).done).toBe(true);
  });

  test('a task that is final already is told once', async () => {
    const { taskId, id } = await openTask(`${slug}/final`);
    await finishTask(api.database.em.fork(), taskId, {
      state: 'FAILED',
      code: 'UPSTREAM_DOWN',
      message: 'It was down.',
    });
    const states: (string | undefined)[] = [];
    for await (const event of follow(id)) states.push(event.data?.taskProgress.state);
    expect(states).toEqual(['FAILED']);
  });

  test('an unknown id is NOT_FOUND', async () => {
    const events = follow(toGlobalId('Task', 999_999));
    const { errors } = await nextOf(events);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'NOT_FOUND' });
  });
});

test('nothing is read any more once the client is gone', async () => {
  const { id } = await openTask('gone/one');
  const leave = new AbortController();
  const events = overStream(id, leave.signal);
  await nextOf(events);
  await expect.poll(() => statementsWhile(4)).toBeGreaterThan(0);
  leave.abort();
  await expect(events.next()).rejects.toThrow();
  await expect.poll(() => statementsWhile(3)).toBe(0);
});

/** Statements during some rounds of looks. */
async function statementsWhile(rounds: number): Promise<number> {
  return api.countStatements(() => new Promise((resolve) => setTimeout(resolve, rounds * 250)));
}

test('counts never go backwards, for each of 20 subscribers', async () => {
  const { taskId, id } = await openTask('many/one');
  const em = api.database.em.fork();
  const seen = Array.from({ length: 20 }, (): number[] => []);
  const followers = seen.map(async (counts) => {
    for await (const event of overStream(id)) counts.push(event.data?.taskProgress.progress.blobsDone ?? -1);
  });
  for (let done = 1; done <= 30; done += 1)
    await setProgress(em, { taskId, stage: 'FETCHING_BLOBS', part: done % 3 }, { blobsDone: done });
  await expect.poll(() => seen.every((counts) => counts.length > 0)).toBe(true);
  await finishTask(em, taskId, { state: 'CANCELED' });
  await Promise.all(followers);
  for (const counts of seen) {
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(counts.at(-1)).toBe(28 + 29 + 30);
  }
});

test('closing the server ends open subscriptions of both kinds', async () => {
  const closing = await startApi();
  const taskId = await insertTask(closing, await insertRepository(closing, 'closing/one'));
  const id = toGlobalId('Task', taskId);
  const [streamed, socketed] = [overStream(id, undefined, closing), overSocket(id, closing)];
  await nextOf(streamed);
  await nextOf(socketed);
  const ends = Promise.allSettled([streamed.next(), socketed.next()]);
  await closing.close();
  const [stream, socket] = await ends;
  expect(stream).toMatchObject({ status: 'fulfilled', value: { done: true } });
  expect(socket?.status === 'rejected' || socket?.value.done === true).toBe(true);
});
