/** Tokens and grants: how they come, what they do, and how they end. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toGlobalId } from '../../src/operations/global-id.ts';
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

describe('grants', () => {
  const grantMutation = `mutation ($input: GrantCreateInput!) { grantCreate(input: $input) {
    grant { id role scope oidcGroup token { name } } userErrors { code field } } }`;
  const grant = async (input: object, token = scene.tokens.root) => {
    const { data, errors } = await scene.api.graphql(grantMutation, { input }, token);
    expect(errors).toBeUndefined();
    return data.grantCreate;
  };

  test('hold from the next request on, and are taken back as fast; another role in the same scope replaces the first', async () => {
    const { name } = await scene.makeThings('team');
    const { token, secret } = await create({ name: 'mover' });
    const sees = async (): Promise<boolean> => {
      const query = 'query ($name: String!) { repository(name: $name) { id } }';
      return (await scene.api.graphql(query, { name }, secret)).data.repository !== null;
    };
    expect(await sees()).toBe(false);
    const first = await grant({ role: 'READER', scope: name, tokenId: token.id });
    expect(first).toMatchObject({
      grant: { role: 'READER', scope: name, token: { name: 'mover' } },
      userErrors: [],
    });
    expect(await sees()).toBe(true);
    const second = await grant({ role: 'MAINTAINER', scope: name, tokenId: token.id });
    expect(second.grant).toMatchObject({ id: first.grant.id, role: 'MAINTAINER' });
    const remove =
      'mutation ($id: ID!) { grantDelete(input: { id: $id }) { deletedId userErrors { code } } }';
    await scene.api.graphql(remove, { id: first.grant.id }, scene.tokens.root);
    expect(await sees()).toBe(false);
  });

  test.each([
    ['a narrower scope', 'team/sub/*', undefined],
    ['one name', 'team/one', undefined],
    ['its own scope', 'team/*', undefined],
    ['everything', '*', 'FORBIDDEN'],
    ['another team', 'other/*', 'FORBIDDEN'],
    ['a name that only begins alike', 'teams/one', 'FORBIDDEN'],
  ])('an admin of team/* grants in %s: %s', async (_, scope, code) => {
    const { userErrors } = await grant({ role: 'ADMIN', scope, oidcGroup: 'crew' }, scene.tokens.admin);
    expect(userErrors.map((error: { code: string }) => error.code)).toEqual(code === undefined ? [] : [code]);
  });

  test.each([
    [{}, ['tokenId']],
    [{ oidcGroup: 'a', oidcSubject: 'b' }, ['tokenId']],
    [{ oidcGroup: '' }, ['oidcGroup']],
    [{ oidcSubject: 'a\u0000' }, ['oidcSubject']],
    [{ tokenId: toGlobalId('Token', 999_999) }, ['tokenId']],
    [{ tokenId: toGlobalId('Repository', 1) }, ['tokenId']],
  ])('%j says whose in no usable way', async (holder, field) => {
    const { grant: made, userErrors } = await grant({ role: 'READER', scope: 'a/*', ...holder });
    expect(made).toBeNull();
    expect(userErrors).toMatchObject([{ field }]);
  });
});

const numberOf = (id: string): number => Number(Buffer.from(id, 'base64url').toString().split(':')[1]);

test('fault 91: a nested path leads around no check: what is below a thing of one’s own and is another’s is null', async () => {
  const own = await scene.makeThings('team');
  const others = await scene.makeThings('other');
  await scene.api.sql('update repository set remote_id = $1 where id = $2', [
    numberOf(others.remoteId),
    numberOf(own.repositoryId),
  ]);
  await scene.api.sql('update distribution set repository_id = $1 where id = $2', [
    numberOf(others.repositoryId),
    numberOf(own.distributionId),
  ]);
  const { data, errors } = await scene.api.graphql(
    `query ($repository: ID!, $distribution: ID!) {
      repository(id: $repository) { remote { url } latestVersion { repository { name } } tasks(first: 1) { nodes { repository { name } } } }
      distribution(id: $distribution) { basePath repository { name } } }`,
    { repository: own.repositoryId, distribution: own.distributionId },
    scene.tokens.admin,
  );
  expect(errors).toBeUndefined();
  expect(data.repository).toEqual({
    remote: null,
    latestVersion: { repository: { name: own.name } },
    tasks: { nodes: [{ repository: { name: own.name } }] },
  });
  expect(data.distribution).toEqual({ basePath: own.servedAt, repository: null });
});

test('fault 91: what uses a remote, and is another’s, is counted and not named', async () => {
  const own = await scene.makeThings('team');
  const others = await scene.makeThings('other');
  const [row] = await scene.api.sql(
    'update repository set remote_id = (select id from remote where name = $1) where name = $2 returning id',
    [own.name, others.name],
  );
  expect(row).toBeDefined();
  const { data, text } = await scene.api.graphql(
    'mutation ($id: ID!) { remoteDelete(input: { id: $id }) { userErrors { code message } } }',
    { id: own.remoteId },
    scene.tokens.maintainer,
  );
  expect(data.remoteDelete.userErrors).toMatchObject([
    { code: 'IN_USE', message: expect.stringContaining('1 that you may not read') },
  ]);
  expect(text).not.toContain(others.name);
});
