/** Clients of subscriptions that read slowly, or are many (fault 92). */
import { once } from 'node:events';
import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventStreamLimits } from '../../src/api/event-stream.ts';
import { toGlobalId } from '../../src/operations/global-id.ts';
import { finishTask, setProgress } from '../../src/db/tasks/tasks.ts';
import { openSocket, openStream, streamEvents, streamUrl } from '../support/api/graphql-client.ts';
import { startApi } from '../support/api/api-server.ts';
import type { ApiUnderTest } from '../support/api/api-server.ts';
import { until } from '../support/until.ts';
import { insertRepository, insertTask } from '../support/api/content.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api?.close());

/** Each event is larger than what a connection holds for a reader that does not read. */
const eventBytes = 12 * 1024 * 1024;
const changes = 20;

async function makeLargeTask(name: string): Promise<{ taskId: number; id: string }> {
  const taskId = await insertTask(api, await insertRepository(api, name));
  await api.sql(
    "insert into task_warning (task_id, number, message) select $1, n, n || repeat('x', $2) from generate_series(1, 4) as n",
    [taskId, eventBytes / 4],
  );
  return { taskId, id: toGlobalId('Task', taskId) };
}

const query = (id: string): string =>
  `subscription { taskProgress(id: "${id}") { state warnings progress { blobsDone } } }`;

/** What the client that did not read gets to read then. */
interface SlowReader {
  readonly states: () => Promise<readonly { readonly state: string; readonly blobsDone: number }[]>;
}

interface Progress {
  readonly data: { readonly taskProgress: { readonly progress: { readonly blobsDone: number } } };
}

function parseEvents(text: string) {
  return [...text.matchAll(/"state":"(\w+)","warnings":\[[^\]]*\],"progress":\{"blobsDone":(\d+)\}/g)].map(
    ([, state = '', done]) => ({ state, blobsDone: Number(done) }),
  );
}

async function openSlowStream(id: string): Promise<SlowReader> {
  const url = streamUrl(api.url, query(id));
  const [response] = (await once(get(url, { headers: { accept: 'text/event-stream' } }), 'response')) as [
    IncomingMessage,
  ];
  return {
    async states() {
      let text = '';
      for await (const chunk of response) text += String(chunk);
      return parseEvents(text);
    },
  };
}

async function openSlowSocket(id: string): Promise<SlowReader> {
  const socket = openSocket(api.url);
  await once(socket, 'open');
  socket.send('{"type":"connection_init"}');
  await once(socket, 'message');
  socket.pause();
  socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload: { query: query(id) } }));
  return {
    async states() {
      const texts: string[] = [];
      const completed = new Promise<void>((resolve) => {
        socket.on('message', (data: Buffer) => {
          const text = data.toString();
          texts.push(text);
          if (text.includes('"type":"complete"')) resolve();
        });
      });
      socket.resume();
      await completed;
      socket.terminate();
      return texts.flatMap(parseEvents);
    },
  };
}

/** A client that reads: it has each change, as the slow one could. */
async function openWitness(id: string) {
  const asked = `subscription { taskProgress(id: "${id}") { progress { blobsDone } } }`;
  const response = await openStream(api.url, { query: asked });
  const seen: number[] = [];
  const read = async () => {
    for await (const { data } of streamEvents<Progress>(response))
      seen.push(data.taskProgress.progress.blobsDone);
  };
  return { seen, ended: read() };
}

test.concurrent.each([
  ['server-sent events', openSlowStream],
  ['graphql-ws', openSlowSocket],
] as const)(
  'fault 92: to a client of %s that does not read, events do not pile up; it gets the latest once it reads',
  async (transport, open) => {
    const { taskId, id } = await makeLargeTask(`slow/${transport.replaceAll(' ', '-')}`);
    const reader = await open(id);
    const witness = await openWitness(id);
    const em = api.database.em.fork();
    for (let done = 1; done <= changes; done += 1) {
      await setProgress(em, { taskId, stage: 'FETCHING_BLOBS', part: 1 }, { blobsDone: done });
      await until(() => witness.seen.includes(done));
    }
    await finishTask(em, taskId, { state: 'COMPLETED', createdVersion: null });
    await witness.ended;
    const states = await reader.states();
    expect(states.at(-1)).toEqual({ state: 'COMPLETED', blobsDone: changes });
    expect(states.length).toBeLessThan(5);
  },
);

test('fault 92: of too many event streams the last is refused, and one that ends makes room', async () => {
  const taskId = await insertTask(api, await insertRepository(api, 'many/streams'));
  const text = `subscription { taskProgress(id: "${toGlobalId('Task', taskId)}") { state } }`;
  const url = streamUrl(api.url, text);
  const open = async (): Promise<IncomingMessage> => {
    const request = get(url, { headers: { accept: 'text/event-stream' }, agent: false });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return response;
  };
  const streams: IncomingMessage[] = [];
  // some at a time: each has to send its request within the server's limit
  while (streams.length < eventStreamLimits.streams)
    streams.push(...(await Promise.all(Array.from({ length: 50 }, open))));
  expect(new Set(streams.map(({ statusCode }) => statusCode))).toEqual(new Set([200]));
  const refused = await open();
  expect(refused.statusCode).toBe(503);
  refused.resume();
  streams.pop()?.destroy();
  await expect
    .poll(async () => {
      const response = await open();
      response.destroy();
      return response.statusCode;
    })
    .toBe(200);
  for (const stream of streams) stream.destroy();
});
