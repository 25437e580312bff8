/** Sockets and event streams with logins on (fault 92). */
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { socketLimits } from '../../src/api/sockets/socket-transport.ts';
import { createToken } from '../../src/access/token.ts';
import {
  openSocket,
  openSocketClient,
  openStream,
  socketEvents,
  streamEvents,
} from '../support/api/graphql-client.ts';
import { startAccessScene } from './support/scene.ts';
import type { AccessScene, Things } from './support/scene.ts';

let scene: AccessScene;
beforeAll(async () => {
  scene = await startAccessScene();
});
afterAll(() => scene?.close());

interface Event {
  readonly data?: { readonly taskProgress: { readonly state: string } } | null;
  readonly errors?: readonly { readonly message: string; readonly extensions: Record<string, unknown> }[];
  readonly extensions?: { readonly cost?: object };
}

const query = 'subscription ($id: ID!) { taskProgress(id: $id) { state progress { tagsTotal } } }';

function overSocket(id: string, token: string): AsyncGenerator<Event> {
  return socketEvents(scene.api.url, { query, variables: { id }, token });
}

async function* overStream(id: string, token: string): AsyncGenerator<Event> {
  yield* streamEvents<Event>(await openStream(scene.api.url, { query, variables: { id }, token }));
}

let sequence = 0;
/** A token for this one test, which may see the things. */
async function newToken(things: Things): Promise<{ name: string; text: string }> {
  const name = `watcher ${(sequence += 1)}`;
  const text = await scene.makeToken(name, [{ role: 'reader', scope: `${things.name}-busy` }]);
  return { name, text };
}

/** Something for the subscription to tell. */
async function change(things: Things, tagsTotal: number): Promise<void> {
  await scene.api.sql(
    'update task set tags_total = $1 where repository_id = (select id from repository where name = $2)',
    [tagsTotal, `${things.name}-busy`],
  );
}

/** What comes until the stream ends; a socket that is closed under it ends it, too. */
async function rest(events: AsyncGenerator<Event>): Promise<Event[]> {
  const all: Event[] = [];
  try {
    for await (const event of events) all.push(event);
  } catch (error) {
    expect(error).toMatchObject({ code: 4401 });
  }
  return all;
}

describe.each([
  ['graphql-ws', overSocket],
  ['server-sent events', overStream],
] as const)('fault 92: over %s', (_, follow) => {
  test('events tell their cost, and reach only callers who may see the task', async () => {
    const things = await scene.makeThings('watched');
    const { text } = await newToken(things);
    const events = follow(things.openTaskId, text);
    expect((await events.next()).value).toMatchObject({
      data: { taskProgress: { state: 'WAITING' } },
      extensions: { cost: { depth: 3, nodes: expect.any(Number), nodesMax: 100_000 } },
    });
    await events.return(undefined);
    const others = await scene.makeThings('other');
    const first = follow(others.openTaskId, text).next();
    const refused: unknown = await first.then(
      ({ value }) => (value as Event | undefined)?.errors,
      (error: unknown) => error,
    );
    expect(JSON.stringify(refused)).toContain('NOT_FOUND');
  });

  test.each([
    ['revoked', 'update access_token set revoked_at = now() where name = $1', 'UNAUTHENTICATED'],
    [
      'taken away what it was granted',
      'delete from access_grant where token_id = (select id from access_token where name = $1)',
      'NOT_FOUND',
    ],
  ])('a token that is %s gets no further event, but why', async (__, statement, code) => {
    const things = await scene.makeThings('watched');
    const { name, text } = await newToken(things);
    const events = follow(things.openTaskId, text);
    await events.next();
    await scene.api.sql(statement, [name]);
    await change(things, 4711);
    const told = await rest(events);
    expect(told).toMatchObject([{ errors: [{ extensions: { code } }] }]);
    expect(JSON.stringify(told)).not.toContain('4711');
  });

  test('a token that expires ends it, also where nothing happens', async () => {
    const things = await scene.makeThings('watched');
    const events = await beginBeforeExpiry(things, follow);
    for (const event of await rest(events))
      expect(event).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
  });
});

/** A subscription whose token expires soon after its first event; a machine that is too slow for that gets twice the time. */
async function beginBeforeExpiry(
  things: Things,
  follow: typeof overSocket,
  seconds = 1,
): Promise<AsyncGenerator<Event>> {
  const { name, text } = await newToken(things);
  await scene.api.sql(
    'update access_token set expires_at = now() + make_interval(secs => $2) where name = $1',
    [name, seconds],
  );
  const events = follow(things.openTaskId, text);
  const first = await events.next().catch(() => undefined);
  const begun: unknown = first?.value;
  if (begun === undefined || (begun as Event).errors !== undefined) {
    expect(seconds).toBeLessThan(60);
    return beginBeforeExpiry(things, follow, 2 * seconds);
  }
  expect(begun).toMatchObject({ data: { taskProgress: { state: 'WAITING' } } });
  return events;
}

const open = (headers: Record<string, string> = {}) => openSocket(scene.api.url, { headers });

async function closeCode(socket: WebSocket): Promise<number> {
  const [code] = (await once(socket, 'close')) as [number];
  return code;
}

/** Logged in, or closed with the code that says why not. */
async function logIn(
  token: string | undefined,
): Promise<{ readonly socket: WebSocket; readonly code: number }> {
  const socket = open();
  const closed = once(socket, 'close').then(([code]) => Number(code));
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }));
  const admitted = once(socket, 'message').then(() => 0);
  return { socket, code: await Promise.race([admitted, closed]) };
}

describe('a socket', () => {
  test.each([
    ['nothing', undefined],
    ['nonsense', { authorization: 'Bearer nonsense' }],
    ['no text', { authorization: 12 }],
  ])('that shows %s is closed', async (_, payload) => {
    const socket = open();
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'connection_init', ...(payload === undefined ? {} : { payload }) }));
    expect(await closeCode(socket)).toBe(4401);
  });

  test('may show it in the header of the upgrade, as programs can', async () => {
    const socket = open({ authorization: `Bearer ${scene.tokens.reader}` });
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'connection_init' }));
    const [message] = (await once(socket, 'message')) as [Buffer];
    expect(JSON.parse(message.toString())).toEqual({ type: 'connection_ack' });
    socket.terminate();
  });

  test('ends with its login, also where it does nothing', async () => {
    const made = await createToken(scene.api.database.em.fork(), {
      name: 'brief',
      expiresInDays: 1,
      grants: [],
    });
    await scene.api.sql("update access_token set expires_at = now() + interval '3 s' where name = 'brief'");
    const socket = open({ authorization: `Bearer ${made?.text}` });
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'connection_init' }));
    expect(await closeCode(socket)).toBe(4401);
  });

  test('asks anew for each operation', async () => {
    const token = await scene.makeToken('fickle', []);
    const client = openSocketClient(scene.api.url, { token, isLazy: false });
    const first = await client.iterate({ query: '{ __typename }' }).next();
    expect(first.value).toMatchObject({ data: { __typename: 'Query' } });
    await scene.api.sql("update access_token set revoked_at = now() where name = 'fickle'");
    await expect(client.iterate({ query: '{ __typename }' }).next()).rejects.toMatchObject([
      { extensions: { code: 'UNAUTHENTICATED' } },
    ]);
    await client.dispose();
  });

  test('sockets that never log in lock nobody out', async () => {
    const idle = Array.from({ length: socketLimits.newSockets }, () => open());
    await Promise.all(idle.map((socket) => once(socket, 'open')));
    const { socket, code } = await logIn(scene.tokens.reader);
    expect(code).toBe(0);
    // each of them is ended by the next one, or by the deadline
    await Promise.all(
      idle.map(async (one) => {
        if (one.readyState !== WebSocket.CLOSED) await once(one, 'close');
      }),
    );
    socket.send(JSON.stringify({ type: 'ping' }));
    expect(JSON.parse(String((await once(socket, 'message'))[0]))).toEqual({ type: 'pong' });
    socket.terminate();
  });

  test('one caller cannot take the places of all', async () => {
    const own = await Promise.all(
      Array.from({ length: socketLimits.socketsPerCaller }, () => logIn(scene.tokens.reader)),
    );
    expect(new Set(own.map(({ code }) => code))).toEqual(new Set([0]));
    expect((await logIn(scene.tokens.reader)).code).toBe(1013);
    const other = await logIn(scene.tokens.admin);
    expect(other.code).toBe(0);
    for (const { socket } of [...own, other]) socket.terminate();
    await expect
      .poll(async () => {
        const { socket, code } = await logIn(scene.tokens.reader);
        socket.terminate();
        return code;
      })
      .toBe(0);
  });
});
