/** Tokens and grants: how they come, what they do, and how they end. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pull } from '../support/api/pull.ts';
import { testSecret } from '../support/test-secret.ts';
import { until } from '../support/until.ts';
import { startAccessScene } from './support/scene.ts';
import type { AccessScene } from './support/scene.ts';

let scene: AccessScene;
beforeAll(async () => {
  scene = await startAccessScene();
});
afterAll(() => scene?.close());

const createMutation = `mutation ($input: TokenCreateInput!) { tokenCreate(input: $input) {
  token { id name revokedAt } secret userErrors { code field message } } }`;

async function create(input: object, token = scene.tokens.root) {
  const { data, errors } = await scene.api.graphql(createMutation, { input }, token);
  expect(errors).toBeUndefined();
  return data.tokenCreate;
}

async function isLetIn(token: string): Promise<boolean> {
  const [graphql, registry] = await Promise.all([
    scene.api.graphql('{ __typename }', {}, token),
    pull(scene.api.url, { path: '/v2/', headers: { authorization: basic(token) } }),
  ]);
  expect([graphql.status, registry.status]).toEqual([graphql.status, graphql.status]);
  return graphql.status === 200;
}

function basic(token: string): string {
  return `Basic ${Buffer.from(`anybody:${token}`).toString('base64')}`;
}

describe('tokenCreate', () => {
  test('shows once what to log in with, which is nowhere at rest', async () => {
    const { token, secret } = await create({ name: 'ci', grants: [{ role: 'READER', scope: 'team/*' }] });
    expect(token).toMatchObject({ name: 'ci', revokedAt: null });
    expect(secret).toMatch(/^tidemark_[\w-]{43}$/);
    expect(await isLetIn(secret)).toBe(true);
    const rows = await scene.api.sql('select t::text as row from access_token t');
    expect(JSON.stringify(rows)).not.toContain(secret);
    expect(JSON.stringify(rows)).not.toContain(Buffer.from(secret).toString('hex'));
    expect(scene.api.logged()).not.toContain(secret);
    // a query is not logged: what stands there may be a token
    await pull(scene.api.url, {
      path: `/v2/_catalog?token=${testSecret('query')}`,
      headers: { authorization: basic(secret), 'user-agent': 'tester/1' },
    });
    await until(() => scene.api.accessed().some(({ path }) => path === '/v2/_catalog'));
    expect(scene.api.accessed().find(({ path }) => path === '/v2/_catalog')).toEqual({
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      log: 'access',
      method: 'GET',
      path: '/v2/_catalog',
      status: 200,
      bytes: expect.any(Number),
      ms: expect.any(Number),
      client: '127.0.0.1',
      login: 'ci',
      userAgent: 'tester/1',
    });
    expect(JSON.stringify(scene.api.accessed())).not.toContain(secret);
    const { text } = await scene.api.graphql(
      '{ tokens(first: 100) { nodes { name } } }',
      {},
      scene.tokens.root,
    );
    expect(text).toContain('"ci"');
    expect(text).not.toContain(secret);
  });

  test.each([
    [{ name: ' ' }, 'INVALID', ['name']],
    [{ name: 'a', expiresInDays: 0 }, 'INVALID', ['expiresInDays']],
    [{ name: 'a', expiresInDays: 3651 }, 'INVALID', ['expiresInDays']],
    [{ name: 'a', grants: [{ role: 'ADMIN', scope: 'Team' }] }, 'INVALID', ['grants', '0', 'scope']],
    [{ name: 'a', grants: [{ role: 'ADMIN', scope: 'te*' }] }, 'INVALID', ['grants', '0', 'scope']],
    [
      { name: 'a', grants: ['READER', 'PUSHER'].map((role) => ({ role, scope: 'a/b' })) },
      'INVALID',
      ['grants', '1', 'scope'],
    ],
    [{ name: 'root' }, 'ALREADY_EXISTS', ['name']],
  ])('%j is %s', async (input, code, field) => {
    const { token, secret, userErrors } = await create(input);
    expect({ token, secret }).toEqual({ token: null, secret: null });
    expect(userErrors).toMatchObject([{ code, field }]);
  });
});

describe('a token ends', () => {
  test('fault 83: revoked, it counts no more at once, and its name is free again', async () => {
    const made = await create({ name: 'leaver', grants: [{ role: 'MAINTAINER', scope: '*' }] });
    expect(await isLetIn(made.secret)).toBe(true);
    const revoke =
      'mutation ($id: ID!) { tokenRevoke(input: { id: $id }) { token { revokedAt } userErrors { code } } }';
    const { data } = await scene.api.graphql(revoke, { id: made.token.id }, scene.tokens.root);
    expect(data.tokenRevoke).toEqual({ token: { revokedAt: expect.any(String) }, userErrors: [] });
    expect(await isLetIn(made.secret)).toBe(false);
    expect((await create({ name: 'leaver' })).userErrors).toEqual([]);
    expect(await isLetIn(made.secret)).toBe(false);
  });

  test('expired, it counts no more, and its name is free again', async () => {
    const { secret } = await create({ name: 'visitor' });
    await scene.api.sql("update access_token set expires_at = now() where name = 'visitor'");
    expect(await isLetIn(secret)).toBe(false);
    expect((await create({ name: 'visitor' })).userErrors).toEqual([]);
  });
});

describe('credentials', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['nothing known', 'Digest abc'],
    ['no token', 'Bearer'],
    ['two tokens', 'Bearer first-one second-one'],
    ['an unknown token', `Bearer tidemark_${'a'.repeat(43)}`],
    ['a token with a NUL', `Basic ${Buffer.from('u:tidemark_\0').toString('base64')}`],
    ['a password alone', `Basic ${Buffer.from('password').toString('base64')}`],
    ['a very long one', `Bearer ${'a'.repeat(14_000)}`],
    ['a JSON web token of nobody', 'Bearer eyJhbGciOiJub25lIn0.eyJpc3MiOiJ4In0.'],
  ];
  test.each(rows)('%s is 401 everywhere, and is repeated nowhere', async (_, authorization) => {
    const headers = { authorization, 'content-type': 'application/json' };
    const body = '{"query":"{ __typename }"}';
    const answers = await Promise.all([
      pull(scene.api.url, { method: 'POST', path: '/graphql', headers, body }),
      pull(scene.api.url, { method: 'POST', path: '/graphql/stream', headers, body }),
      pull(scene.api.url, { path: '/metrics', headers }),
      pull(scene.api.url, { path: '/v2/', headers }),
      pull(scene.api.url, { path: '/token', headers }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401]);
    const [, secret = 'no secret'] = authorization.split(' ');
    for (const answer of answers) {
      expect(answer.headers['www-authenticate']).toMatch(/^(?:Bearer|Basic) realm="/);
      expect(answer.body.toString()).not.toContain(secret);
    }
    expect(scene.api.logged()).not.toContain(secret);
  });

  test('without logins nothing is asked for, and nothing that is shown is looked at', async () => {
    const open = await startAccessScene({ logins: { tokens: false, oidc: undefined } });
    try {
      const { data } = await open.api.graphql('{ repositories(first: 1) { totalCount } }', {}, 'nonsense');
      expect(data.repositories.totalCount).toBe(0);
      const statements = (headers: Record<string, string>) =>
        open.api.countStatements(() => pull(open.api.url, { path: '/v2/', headers }));
      expect(await statements({ authorization: 'Bearer nonsense' })).toBe(await statements({}));
    } finally {
      await open.close();
    }
  });
});

test('totalCount and pages hold only what the caller may read', async () => {
  const own = await Promise.all([scene.makeThings('paged/own'), scene.makeThings('paged/own')]);
  await scene.makeThings('paged/others');
  const token = await scene.makeToken('pager', [
    { role: 'reader', scope: own[0].name },
    { role: 'pusher', scope: own[1].name },
  ]);
  const names: string[] = [];
  for (let after: string | null = null; ;) {
    const query = `query ($after: String) { repositories(first: 1, after: $after) {
      totalCount nodes { name tasks(first: 5) { totalCount } } pageInfo { hasNextPage endCursor } } }`;
    const { data } = await scene.api.graphql(query, { after }, token);
    expect(data.repositories.totalCount).toBe(2);
    names.push(...data.repositories.nodes.map((node: { name: string }) => node.name));
    if (data.repositories.pageInfo.hasNextPage !== true) break;
    after = data.repositories.pageInfo.endCursor as string;
  }
  expect(names).toEqual(own.map(({ name }) => name).sort());
});
