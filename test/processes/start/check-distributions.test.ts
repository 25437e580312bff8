/** Distributions that were made while logins were off, at a start with logins. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkDistributions } from '../../../src/processes/checks/check-distributions.ts';
import { checkUpstreams } from '../../../src/processes/checks/check-upstreams.ts';
import { startApi } from '../../support/api/api-server.ts';
import type { ApiUnderTest } from '../../support/api/api-server.ts';

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
    /2 distributions created while logins were off are private.*: early\/one, early\/two\..*distribution update.*--public.*TIDEMARK_EARLIER_DISTRIBUTIONS=public/,
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
  expect(await start(true)).toMatch(
    /1 distribution created while logins were off is private.*: early\/two\./,
  );
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
  expect(await start(true, 'private')).toMatch(
    /^1 distribution created while logins were off is now private/,
  );
  expect(await list()).toEqual([['early/one', 'public'], ['early/two', 'private'], ...said]);
  expect(await start(true, 'public')).toBe('');
  expect(await start(true)).toBe('');
});

test('remotes on private addresses that the settings do not allow are listed with the setting', async () => {
  const lines: string[] = [];
  const check = (allowPrivate: boolean, allowUpstream: readonly string[]) =>
    checkUpstreams(api.database.em.fork(), {
      allowPrivate,
      allowUpstream,
      log: (line) => void lines.push(line),
    });
  for (const [name, url] of [
    ['inside/one', 'http://10.1.2.3:5000'],
    ['inside/two', 'http://localhost:5000'],
    ['outside', 'https://1.1.1.1'],
  ])
    await api.graphql(
      'mutation ($input: RemoteCreateInput!) { remoteCreate(input: $input) { userErrors { code } } }',
      { input: { name, url, upstreamName: 'app' } },
    );
  await check(true, []);
  await check(false, ['10.1.0.0/16', 'localhost']);
  expect(lines).toEqual([]);
  await check(false, ['10.1.2.3']);
  expect(lines).toEqual([
    expect.stringMatching(
      /^1 remote .* cannot be synced.*: inside\/two \(localhost:5000\)\. .*TIDEMARK_ALLOW_UPSTREAM=10\.1\.2\.3,localhost:5000$/,
    ),
  ]);
});
