/** Distributions that were made while logins were off, at a start with logins. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkDistributions } from '../../src/processes/check-distributions.ts';
import { startApi } from '../api/support/api-server.ts';
import type { ApiUnderTest } from '../api/support/api-server.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi();
  for (const name of ['early/one', 'early/two'])
    await api.graphql(
      'mutation ($name: String!) { repositoryCreate(input: { name: $name }) { repository { id } } }',
      {
        name,
      },
    );
  const { data } = await api.graphql('{ repositories(first: 1) { nodes { id } } }');
  const repositoryId = data.repositories.nodes[0].id as string;
  for (const [basePath, isPrivate] of [
    ['said/public', false],
    ['said/private', true],
  ])
    await api.graphql(
      `mutation ($input: DistributionCreateInput!) { distributionCreate(input: $input) { userErrors { code } } }`,
      { input: { basePath, repositoryId, private: isPrivate } },
    );
});
afterAll(() => api?.close());

async function start(areLoginsOn: boolean, earlier?: 'public' | 'private'): Promise<string> {
  const lines: string[] = [];
  await checkDistributions(api.database.em.fork(), {
    areLoginsOn,
    earlier,
    log: (line) => void lines.push(line),
  });
  return lines.join('\n');
}

async function list(): Promise<[basePath: string, access: string][]> {
  const { data } = await api.graphql(
    '{ distributions(first: 9) { nodes { basePath private accessDecided } } }',
  );
  return data.distributions.nodes.map(
    (one: { basePath: string; private: boolean; accessDecided: boolean }) => [
      one.basePath,
      `${one.private ? 'private' : 'public'}${one.accessDecided ? '' : ', undecided'}`,
    ],
  );
}

const said = [
  ['said/private', 'private'],
  ['said/public', 'public'],
];

test('without logins distributions are public, and nothing is logged', async () => {
  expect(await start(false)).toBe('');
  expect(await list()).toEqual([
    ['early/one', 'public, undecided'],
    ['early/two', 'public, undecided'],
    ...said,
  ]);
});

test('with logins undecided distributions are private, and each start lists them', async () => {
  expect(await start(true)).toMatch(
    /2 distribution\(s\).*: early\/one, early\/two\..*distribution update.*--public.*TIDEMARK_EARLIER_DISTRIBUTIONS=public/,
  );
  expect(await list()).toEqual([
    ['early/one', 'private, undecided'],
    ['early/two', 'private, undecided'],
    ...said,
  ]);
  const { data } = await api.graphql('{ distribution(basePath: "early/one") { id } }');
  await api.graphql(
    'mutation ($id: ID!) { distributionUpdate(input: { id: $id, private: false }) { userErrors { code } } }',
    { id: data.distribution.id },
  );
  expect(await start(true)).toMatch(/1 distribution\(s\).*: early\/two\./);
  expect((await list()).slice(0, 2)).toEqual([
    ['early/one', 'public'],
    ['early/two', 'private, undecided'],
  ]);
});

test('without logins again, only undecided distributions become public', async () => {
  await start(false);
  expect(await list()).toEqual([['early/one', 'public'], ['early/two', 'public, undecided'], ...said]);
});

test('the setting decides the remaining distributions, once', async () => {
  expect(await start(true, 'private')).toMatch(/private from now on: 1 /);
  expect(await list()).toEqual([['early/one', 'public'], ['early/two', 'private'], ...said]);
  expect(await start(true, 'public')).toBe('');
  expect(await start(true)).toBe('');
});
