/** A page of another site cannot use the session of a browser (fault 87), and registry clients have none. */
import { on, once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { openSocket } from '../support/api/graphql-client.ts';
import { openBrowser } from './support/browser.ts';
import type { Browser } from './support/browser.ts';
import { startAccessScene } from './support/scene.ts';
import type { AccessScene } from './support/scene.ts';

let scene: AccessScene;
beforeAll(async () => {
  scene = await startAccessScene();
});
afterAll(() => scene?.close());

const who = '{ viewer { name kind } }';

// the tests know what they asked for
// oxlint-disable-next-line typescript/no-explicit-any
function parse({ body }: { readonly body: Buffer }): any {
  return JSON.parse(body.toString());
}

async function logInAs(name: string): Promise<Browser> {
  const browser = openBrowser(scene.api.url);
  const token = await scene.makeToken(name, [{ role: 'reader', scope: 'team/*' }]);
  expect((await browser.logIn(token)).status).toBe(200);
  return browser;
}

describe('fault 87: other sites cannot use a session', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await logInAs('victim');
  });

  test.each<[string, Record<string, string | null>, number]>([
    ['without the CSRF value', { 'x-tidemark-csrf': null }, 403],
    ['with another CSRF value', { 'x-tidemark-csrf': 'a'.repeat(43) }, 403],
    ['of a foreign page', { origin: 'https://evil.example' }, 403],
    ['of a page without an origin', { origin: 'null' }, 403],
    ['of this host at another port', { origin: 'http://127.0.0.1:1' }, 403],
    ['that tells no page', { origin: null }, 403],
    ['of another site, without Origin', { origin: null, 'sec-fetch-site': 'cross-site' }, 403],
    ['of a sibling site, without Origin', { origin: null, 'sec-fetch-site': 'same-site' }, 403],
    ['of our own page', {}, 200],
    ['of our own page, without Origin', { origin: null, 'sec-fetch-site': 'same-origin' }, 200],
  ])('a POST %s', async (_, headers, status) => {
    expect((await browser.ask(who, headers)).status).toBe(status);
    const stream = await browser.send({
      method: 'POST',
      path: '/graphql/stream',
      body: { query: '{ __typename }' },
      headers: { accept: 'text/event-stream', 'x-tidemark-csrf': browser.csrf, ...headers },
    });
    expect(stream.status).toBe(status);
  });

  test.each<[string, Record<string, string | null>, number]>([
    ['of our own page', {}, 200],
    ['of another site', { 'sec-fetch-site': 'cross-site' }, 403],
    ['of the address bar', { 'sec-fetch-site': 'none' }, 403],
    ['that tells no page', { 'sec-fetch-site': null }, 403],
  ])('a GET %s', async (_, headers, status) => {
    const path = `/graphql?query=${encodeURIComponent(who)}`;
    const answer = await browser.send({ path, headers: { 'content-type': 'application/json', ...headers } });
    expect(answer.status).toBe(status);
  });

  test('a request with an Authorization header ignores the cookie', async () => {
    const header = `Bearer ${String(scene.tokens.root)}`;
    const answer = await browser.ask(who, { authorization: header, 'x-tidemark-csrf': null });
    expect(parse(answer)).toMatchObject({ data: { viewer: { name: 'root' } } });
    expect((await browser.ask(who, { authorization: 'Bearer nonsense' })).status).toBe(401);
  });

  test('a page of a sibling site neither learns the session nor ends it', async () => {
    const answer = await browser.send({ path: '/session', headers: { 'sec-fetch-site': 'same-site' } });
    expect(parse(answer)).toMatchObject({ caller: null, csrf: null });
    expect(answer.headers['set-cookie']).toBeUndefined();
    const ended = await browser.send({
      method: 'DELETE',
      path: '/session',
      headers: { origin: 'https://evil.example' },
    });
    expect(ended.status).toBe(403);
    expect((await browser.ask(who)).status).toBe(200);
  });

  test.each(['/v2/', '/v2/_catalog', '/metrics'])('%s never accepts the cookie', async (path) => {
    const root = openBrowser(scene.api.url);
    await root.logIn(String(scene.tokens.root));
    expect((await root.send({ path, headers: { 'x-tidemark-csrf': root.csrf } })).status).toBe(401);
  });

  test('/token issues nobody a token for the cookie', async () => {
    const { name } = await scene.makeThings('team');
    const root = openBrowser(scene.api.url);
    await root.logIn(String(scene.tokens.root));
    const issued = await root.send({ path: `/token?service=tidemark&scope=repository:${name}:pull` });
    const { token } = parse(issued) as { token: string };
    const pulled = await root.send({
      path: `/v2/${name}/tags/list`,
      headers: { authorization: `Bearer ${token}` },
    });
    expect(pulled.status).toBe(401);
  });
});

const open = (headers: Record<string, string>): WebSocket => openSocket(scene.api.url, { headers });

/** The first message after connection_init, or the code that the socket was closed with. */
async function greet(socket: WebSocket): Promise<unknown> {
  const closed = once(socket, 'close').then(([code]) => Number(code));
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'connection_init' }));
  const message = once(socket, 'message').then(
    ([data]) => (JSON.parse(String(data)) as { type: string }).type,
  );
  return Promise.race([message, closed]);
}

describe('a socket', () => {
  test('of our own page has the session of its cookie, until that ends', async () => {
    const browser = await logInAs('sockets');
    const socket = open({ origin: scene.api.url, cookie: browser.cookieHeader() });
    expect(await greet(socket)).toBe('connection_ack');
    const query = { id: '1', type: 'subscribe', payload: { query: who } };
    const messages = on(socket, 'message') as AsyncIterator<[Buffer]>;
    const next = async (): Promise<unknown> => {
      const { value } = (await messages.next()) as IteratorYieldResult<[Buffer]>;
      return JSON.parse(String(value[0]));
    };
    socket.send(JSON.stringify(query));
    expect(await next()).toMatchObject({ payload: { data: { viewer: { name: 'sockets' } } } });
    expect(await next()).toMatchObject({ type: 'complete', id: '1' });
    await browser.send({ method: 'DELETE', path: '/session' });
    socket.send(JSON.stringify({ ...query, id: '2' }));
    expect(await next()).toMatchObject({
      type: 'error',
      id: '2',
      payload: [{ extensions: { code: 'UNAUTHENTICATED' } }],
    });
    socket.terminate();
  });

  test('without an origin ignores the cookie', async () => {
    const browser = await logInAs('no-origin');
    expect(await greet(open({ cookie: browser.cookieHeader() }))).toBe(4401);
  });

  test('of a foreign page is refused', async () => {
    const browser = await logInAs('foreign-origin');
    const socket = open({ origin: 'https://evil.example', cookie: browser.cookieHeader() });
    socket.on('error', () => undefined);
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }];
    expect(response.statusCode).toBe(403);
    socket.terminate();
  });
});
