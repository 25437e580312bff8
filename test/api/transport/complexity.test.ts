import { getIntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { queryLimits } from '../../../src/api/graphql/limits.ts';
import { openSocket, openSocketClient } from '../../support/api/graphql-client.ts';
import { startApi } from '../../support/api/api-server.ts';
import type { ApiUnderTest } from '../../support/api/api-server.ts';
import { json, rawRequests } from '../../support/api/raw-request.ts';

let api: ApiUnderTest;
let storeIsBroken = false;
beforeAll(async () => {
  api = await startApi({
    checkStore: () => (storeIsBroken ? Promise.reject(new Error('EROFS: /secret/place')) : Promise.resolve()),
    config: { temporalUiUrl: 'http://127.0.0.1:8233' },
  });
});
afterAll(() => api.close());

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

const { send, check } = rawRequests(() => ({ api }));

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
