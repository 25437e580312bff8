import { request } from 'node:http';
import { gzipSync } from 'node:zlib';
import { getIntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { queryLimits } from '../../src/api/graphql/limits.ts';
import { openSocket, openSocketClient } from '../support/api/graphql-client.ts';
import { startApi } from '../support/api/api-server.ts';
import type { ApiUnderTest } from '../support/api/api-server.ts';
import { testSecret } from '../support/test-secret.ts';

let api: ApiUnderTest;
let storeIsBroken = false;
beforeAll(async () => {
  api = await startApi({
    checkStore: () => (storeIsBroken ? Promise.reject(new Error('EROFS: /secret/place')) : Promise.resolve()),
    config: { temporalUiUrl: 'http://127.0.0.1:8233' },
  });
});
afterAll(() => api.close());

interface Row {
  readonly name: string;
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  readonly status: number;
  readonly code?: string;
}

const json = { 'content-type': 'application/json' };

/** Past fetch, which forbids some headers. */
function send(row: Row): Promise<{ status: number; headers: Record<string, unknown>; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(
      api.url,
      // as it is, with what is no part of an address
      {
        path: row.path ?? '/graphql',
        method: row.method ?? 'POST',
        headers: row.headers ?? json,
        agent: false,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString(),
          }),
        );
        response.on('error', reject);
      },
    );
    sent.on('error', reject);
    sent.end(row.body);
  });
}

async function check(row: Row): Promise<void> {
  const { status, text } = await send(row);
  expect({ status, text }).toMatchObject({ status: row.status });
  expect(text).not.toMatch(/node_modules|\bat .*\.(?:js|ts):\d+/);
  if (row.code !== undefined)
    expect((JSON.parse(text) as { errors: { extensions: object }[] }).errors[0]?.extensions).toMatchObject({
      code: row.code,
    });
}

const mutation = 'mutation { repositoryCreate(input: { name: "csrf/one" }) { userErrors { code } } }';
const query = encodeURIComponent('{ __typename }');

describe('fault 87: requests that another site could make are refused', () => {
  const rows: Row[] = [
    {
      name: 'a mutation by GET',
      method: 'GET',
      path: `/graphql?query=${encodeURIComponent(mutation)}`,
      headers: json,
      status: 405,
    },
    {
      name: 'a simple GET, which needs no preflight',
      method: 'GET',
      path: `/graphql?query=${query}`,
      headers: {},
      status: 400,
    },
    {
      name: 'a POST of text/plain',
      headers: { 'content-type': 'text/plain' },
      body: JSON.stringify({ query: mutation }),
      status: 415,
    },
    { name: 'a POST without a type', headers: {}, body: JSON.stringify({ query: mutation }), status: 415 },
    {
      name: 'a form',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: `query=${query}`,
      status: 415,
    },
    {
      name: 'a multipart form',
      headers: { 'content-type': 'multipart/form-data; boundary=x' },
      body: '--x--',
      status: 415,
    },
    {
      name: 'a request of another origin',
      headers: { ...json, origin: 'https://evil.example' },
      body: JSON.stringify({ query: mutation }),
      status: 403,
    },
    {
      name: 'a foreign Host (DNS rebinding)',
      headers: { ...json, host: 'evil.example' },
      body: JSON.stringify({ query: mutation }),
      status: 421,
    },
    {
      name: 'a mutation by GET as an event stream',
      method: 'GET',
      path: `/graphql/stream?query=${encodeURIComponent(mutation)}`,
      headers: { accept: 'text/event-stream' },
      status: 405,
    },
    {
      name: 'a batch',
      body: JSON.stringify([{ query: mutation }, { query: mutation }]),
      status: 400,
      code: 'BAD_REQUEST',
    },
  ];
  test.each(rows)('$name', async (row) => {
    await check(row);
    expect(await api.sql("select from repository where name = 'csrf/one'")).toEqual([]);
  });

  test('a socket that a page of another site opens', async () => {
    const socket = openSocket(api.url, {
      origin: 'https://evil.example',
    });
    await expect(
      new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject)),
    ).rejects.toThrow('403');
  });

  test('a GET with a header that needs a preflight is answered', () =>
    check({
      name: '',
      method: 'GET',
      path: `/graphql?query=${query}`,
      headers: { ...json, 'apollo-require-preflight': '1' },
      status: 200,
    }));
});

describe('fault 88: bodies that are too large or in another encoding', () => {
  const big = JSON.stringify({ query: '{ __typename }', variables: { x: 'x'.repeat(10 * 1024 * 1024) } });
  const rows: Row[] = [
    { name: 'invalid JSON', body: '{"query": ', status: 400, code: 'BAD_REQUEST' },
    { name: 'no body', body: '', status: 400 },
    {
      name: 'a compressed body',
      headers: { ...json, 'content-encoding': 'gzip' },
      body: gzipSync(Buffer.alloc(1024 * 1024)),
      status: 415,
    },
    {
      name: 'charset ibm500',
      headers: { 'content-type': 'application/json; charset=ibm500' },
      body: '{"query":"{ __typename }"}',
      status: 415,
    },
    {
      name: 'charset in quotes and capitals, of UTF-8',
      headers: { 'content-type': 'application/json; Charset="UTF-8"' },
      body: '{"query":"{ __typename }"}',
      status: 200,
    },
    { name: 'no query', body: '{}', status: 400, code: 'BAD_REQUEST' },
  ];
  test.each(rows)('$name', check);

  test('10 MB', async () => {
    // the answer comes before the body was taken: the connection may end under the writer
    const answer = await send({ name: '', body: big, status: 413 }).catch(
      (error: NodeJS.ErrnoException) => error.code,
    );
    expect(typeof answer === 'string' ? ['EPIPE', 'ECONNRESET'] : [413]).toContain(
      typeof answer === 'string' ? answer : answer?.status,
    );
  });
});

const aliases = `{ ${Array.from({ length: 1000 }, (_, index) => `a${index}: __typename`).join(' ')} }`;
const depth = `{ ${'repository(name: "x") { latestVersion { repository { '.repeat(17)} id ${'} } }'.repeat(17)} }`;
const complex: readonly (readonly [string, string])[] = [
  ['depth 50', depth],
  ['1000 aliases', aliases],
  ['10,000 tokens', `{ ${'__typename '.repeat(10_000)} }`],
  ['a cycle of fragments', '{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }'],
  ['1000 directives', `{ __typename ${'@include(if: true) '.repeat(300)} }`],
  [
    'fragments that double each other',
    `{ ...f0 } ${Array.from({ length: 30 }, (_, i) => `fragment f${i} on Query { ...f${i + 1} ...f${i + 1} }`).join(' ')} fragment f30 on Query { __typename }`,
  ],
  [
    'lists of lists of lists',
    '{ repositories(first: 100) { nodes { versions(first: 100) { nodes { tags(first: 100) { nodes { name } } } } } } }',
  ],
];

/** What the answer says that the query costs. */
async function nodesOf(text: string, variables = {}): Promise<unknown> {
  const answer = await api.graphql(text, variables);
  return (JSON.parse(answer.text) as { extensions?: { cost?: { nodes: number } } }).extensions?.cost?.nodes;
}

describe('fault 85: what is too complex is refused before execution', () => {
  test.each(complex)('%s, over HTTP', async (_, text) => {
    const { status, errors } = await api.graphql(text);
    expect(status).toBe(400);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'QUERY_TOO_COMPLEX' });
  });

  test.each(complex)('%s, over a socket', async (_, text) => {
    const client = openSocketClient(api.url);
    const events = client.iterate({ query: text });
    await expect(events.next()).rejects.toMatchObject([{ extensions: { code: 'QUERY_TOO_COMPLEX' } }]);
    await client.dispose();
  });

  test.each(complex)('%s, over an event stream', async (_, text) => {
    await check({
      name: '',
      path: '/graphql/stream',
      headers: { ...json, accept: 'text/event-stream' },
      body: JSON.stringify({ query: text }),
      status: 400,
      code: 'QUERY_TOO_COMPLEX',
    });
  });

  const big = encodeURIComponent(complex.at(-2)?.[1] ?? '');
  const variable = encodeURIComponent(
    'query ($n: Int!) { repositories(first: $n) { nodes { versions(first: $n) { nodes { tags(first: $n) { nodes { name } } } } } } }',
  );
  const small = encodeURIComponent('{ __typename }');
  test.each([
    ['a # between two', `query=${big}#&query=${small}`, 'BAD_REQUEST'],
    ['a # behind it', `query=${big}#`, 'BAD_REQUEST'],
    ['two, the large one first', `query=${big}&query=${small}`, 'BAD_REQUEST'],
    ['two, the large one last', `query=${small}&query=${big}`, 'BAD_REQUEST'],
    ['two by another spelling', `query=${small}&%71uery=${big}`, 'BAD_REQUEST'],
    ['two sets of variables', `query=${variable}&variables={"n":1}&variables={"n":100}`, 'BAD_REQUEST'],
    ['two names', `query=${small}&operationName=a&operationName=b`, 'BAD_REQUEST'],
    ['large', `query=${big}`, 'QUERY_TOO_COMPLEX'],
    ['large by its variables', `query=${variable}&variables={"n":100}`, 'QUERY_TOO_COMPLEX'],
    ['large without its variables', `query=${variable}`, 'QUERY_TOO_COMPLEX'],
  ])('%s, in the address: 400', async (_, search, code) => {
    const headers = { ...json, accept: 'application/json', 'apollo-require-preflight': '1' };
    await check({ name: '', method: 'GET', path: `/graphql?${search}`, headers, status: 400, code });
    const stream = { ...json, accept: 'text/event-stream' };
    await check({
      name: '',
      method: 'GET',
      path: `/graphql/stream?${search}`,
      headers: stream,
      status: 400,
      code,
    });
    // what the body says is executed, and an address that says something else is no way round
    const body = JSON.stringify({ query: complex.at(-2)?.[1] });
    const byPost = search === `query=${big}` ? 'QUERY_TOO_COMPLEX' : code;
    await check({ name: '', path: `/graphql?${search}`, body, status: 400, code: byPost });
  });

  test.each([
    ['query', { query: ['{ __typename }'] }],
    ['query', { query: { kind: 'Document', definitions: [] } }],
    ['operationName', { query: '{ __typename }', operationName: ['a'] }],
    ['variables', { query: '{ __typename }', variables: '{}' }],
    ['variables', { query: '{ __typename }', variables: [1] }],
  ])('%s of another type is 400, over HTTP, an event stream and a socket', async (_, asked) => {
    const body = JSON.stringify(asked);
    await check({ name: '', body, status: 400, code: 'BAD_REQUEST' });
    const answer = await send({
      name: '',
      path: '/graphql/stream',
      headers: { ...json, accept: 'text/event-stream' },
      body,
      status: 400,
    });
    expect(answer.status).toBe(400);
    const socket = openSocket(api.url);
    const closed = new Promise<string>((resolve) => {
      socket.on('message', (data: Buffer) => {
        const message = JSON.parse(data.toString()) as { type: string };
        if (message.type === 'connection_ack')
          socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: asked }));
        else if (message.type !== 'ping') resolve(message.type);
      });
      socket.on('close', (code) => resolve(String(code)));
    });
    socket.on('open', () => socket.send('{"type":"connection_init"}'));
    expect(['error', '4400']).toContain(await closed);
    socket.terminate();
  });

  test.each([
    ['{ __typename }', 0],
    ['{ repositories(first: 10) { nodes { name } } }', 11],
    [
      '{ repositories(first: 100) { nodes { latestVersion { repository { latestVersion { number } } } } } }',
      401,
    ],
    [
      '{ repositories(first: 10) { nodes { ...r } } } fragment r on Repository { latestVersion { number } }',
      21,
    ],
    ['{ repositories(first: 10) { nodes { versions(first: 10) { nodes { number } } } } }', 121],
  ])('objects on the way to others are counted: %s', async (text, nodes) => {
    expect(await nodesOf(text)).toBe(nodes);
  });

  test('a variable is counted as it is given', async () => {
    const text = 'query ($n: Int!) { repositories(first: $n) { nodes { name } } }';
    expect(await nodesOf(text, { n: 7 })).toBe(8);
    expect(await nodesOf(text, { n: 100 })).toBe(101);
    expect(await nodesOf(text, { n: 7 })).toBe(8);
  });

  test('the introspection query is within the limits', async () => {
    const { data, errors } = await api.graphql(
      getIntrospectionQuery({ inputValueDeprecation: true, specifiedByUrl: true }),
    );
    expect(errors).toBeUndefined();
    expect(data.__schema.types.length).toBeGreaterThan(30);
    expect(queryLimits.depth).toBe(15);
  });
});

describe('fault 89: what went wrong inside stays inside', () => {
  test('a broken table is masked, over HTTP and over a stream, and the log has the cause under the id', async () => {
    await api.sql('alter table remote rename to remote_away');
    try {
      const { errors, text } = await api.graphql('{ remotes(first: 1) { nodes { name } } }');
      expect(text).not.toMatch(/remote_away|relation "|select |does not exist|\.ts/i);
      const correlationId = String(errors?.[0]?.extensions['correlationId']);
      expect(errors?.[0]).toMatchObject({ extensions: { code: 'INTERNAL_SERVER_ERROR' } });
      expect(errors?.[0]?.message).toContain(correlationId);
      const line = api
        .logged()
        .split('\n')
        .find((logged) => logged.includes(correlationId));
      expect(line).toContain('does not exist');

      const streamed = await send({
        name: '',
        path: '/graphql/stream',
        headers: { ...json, accept: 'text/event-stream' },
        body: JSON.stringify({ query: '{ remotes(first: 1) { nodes { name } } }' }),
        status: 200,
      });
      expect(streamed.text).toContain('INTERNAL_SERVER_ERROR');
      expect(streamed.text).not.toMatch(/remote_away|relation "|select |does not exist|\.ts/i);
    } finally {
      await api.sql('alter table remote_away rename to remote');
    }
  });

  test('a value of the wrong type is not repeated: it may be a password', async () => {
    const answers = await Promise.all([
      api.graphql(
        'mutation ($input: RemoteCreateInput!) { remoteCreate(input: $input) { userErrors { code } } }',
        {
          input: { name: 'x', password: `${testSecret('wrong')}; or so`, upstreamName: 'a/b' },
        },
      ),
      api.graphql(
        'mutation ($input: RemoteCreateInput!) { remoteCreate(input: $input) { userErrors { code } } }',
        {
          input: {
            name: 'x',
            url: 'https://registry.example',
            password: [testSecret('wrong')],
            upstreamName: 'a/b',
          },
        },
      ),
    ]);
    for (const { text, errors } of answers) {
      expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT' });
      expect(text).not.toContain(testSecret('wrong'));
    }
    expect(answers[0]?.errors?.[0]?.message).toContain('"url"');
    expect(api.logged()).not.toContain(testSecret('wrong'));
  });
});

describe('pages beside GraphQL', () => {
  test('/ has links and nothing from elsewhere', async () => {
    const { status, headers, text } = await send({
      name: '',
      method: 'GET',
      path: '/',
      headers: {},
      status: 200,
    });
    expect(status).toBe(200);
    expect(headers['content-type']).toContain('text/html');
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(text).toContain('href="/graphql"');
    expect(text).toContain('http://127.0.0.1:8233');
  });

  test('/healthz says that the process lives; /readyz checks database and store', async () => {
    expect((await fetch(`${api.url}/healthz`)).status).toBe(200);
    const ready = await fetch(`${api.url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([
      200,
      { status: 'ok', checks: { database: 'ok', blobStore: 'ok' } },
    ]);
    storeIsBroken = true;
    const broken = await fetch(`${api.url}/readyz`);
    storeIsBroken = false;
    expect([broken.status, await broken.json()]).toEqual([
      503,
      { status: 'failed', checks: { database: 'ok', blobStore: 'failed' } },
    ]);
  });

  test('/metrics is in the text format of Prometheus', async () => {
    const text = await (await fetch(`${api.url}/metrics`)).text();
    expect(text).toContain('tidemark_tasks{state="RUNNING"} 0');
    for (const line of text.split('\n').filter((part) => part !== ''))
      expect(line).toMatch(/^(?:# (?:HELP|TYPE) |[a-z_]+(?:\{[^}]*\})? [0-9.]+$)/);
  });

  test('fault 120: a stuck worker shows in the metrics; the process stays alive and ready', async () => {
    const metric = async (name: string) => {
      const text = await (await fetch(`${api.url}/metrics`)).text();
      const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
      return Number(line?.slice(name.length + 1) ?? Number.NaN);
    };
    expect(await metric('tidemark_task_oldest_seconds{state="RUNNING"}')).toBe(0);
    expect(await metric('tidemark_sync_lag_seconds')).toBe(0);
    await api.sql(
      `insert into repository (name, is_mirrored) values ('lag/a', true), ('lag/b', true), ('lag/c', false)`,
    );
    await api.sql(`insert into task (name, state, repository_id, workflow_id, created_at, finished_at)
      select 'repository.sync', state, r.id, 'w', now() - age::interval, now() - age::interval
      from repository r join (values
        ('lag/a', 'COMPLETED', '3 hours'), ('lag/a', 'COMPLETED', '2 hours'), ('lag/b', 'COMPLETED', '1 hour'),
        ('lag/b', 'RUNNING', '4 hours'), ('lag/c', 'COMPLETED', '9 hours')
      ) as done(name, state, age) on done.name = r.name order by age::interval desc`);
    // to the hour, however slow the machine
    const hours = async (name: string) => Math.floor((await metric(name)) / 3_600);
    expect(await hours('tidemark_task_oldest_seconds{state="RUNNING"}')).toBe(4);
    expect(await metric('tidemark_task_oldest_seconds{state="WAITING"}')).toBe(0);
    expect(await hours('tidemark_sync_lag_seconds')).toBe(2);
    for (const path of ['/healthz', '/readyz']) expect((await fetch(`${api.url}${path}`)).status).toBe(200);
  });

  test('an unknown address is 404, in JSON', () =>
    check({ name: '', method: 'GET', path: '/nothing', headers: {}, status: 404, code: 'NOT_FOUND' }));
});
