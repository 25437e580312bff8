/** Configurations over the API: what they change, what they refuse, and what the running state looks like as one. No worker takes the runs. */
import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startApi } from '../../support/api/api-server.ts';
import type { ApiUnderTest } from '../../support/api/api-server.ts';
import { told, remote, estate } from '../../support/api/estate.ts';
import type { Change } from '../../support/api/estate.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi();
  await api.sql(`alter table repository alter column id restart with ${randomInt(1, 2 ** 40)}`);
});
afterAll(() => api?.close());
beforeEach(async () => {
  for (const table of [
    'schedule',
    'distribution',
    'repository',
    'remote',
    'credential',
    'signature_policy',
    'configured_thing',
  ])
    await api.sql(`delete from ${table}`);
});

async function apply(configuration: object, options: object = {}) {
  const answer = await api.mutate(
    'configurationApply',
    { configuration: { name: 'test', ...configuration }, ...options },
    'changes { action kind name isApplied fields { field from to isSecret } }',
  );
  return answer as {
    changes: readonly Change[];
    userErrors: readonly { code: string; field: string[]; message: string }[];
  };
}

async function exported(
  section: string,
): Promise<{ name: string; value: Record<string, unknown>; secrets: string[] }[]> {
  const { data } = await api.graphql(
    `query ($section: ConfigurationSection!) { configuration(section: $section, first: 100) { totalCount nodes { name value secrets } } }`,
    { section },
  );
  expect(data.configuration.totalCount).toBe(data.configuration.nodes.length);
  return data.configuration.nodes;
}

test('of two applies at once, each name is made by one, and the other says so', async () => {
  const names = Array.from({ length: 20 }, (_, index) => `both-${index}`);
  const both = {
    remotes: names.map((name) => remote(name)),
    repositories: names.map((name) => ({
      name: `mirror/${name}`,
      remote: name,
      schedules: [{ intervalSeconds: 86_400 }],
    })),
  };
  const answers = await Promise.all([apply(both), apply(both)]);
  const made = answers.flatMap(({ changes }) => changes.filter(({ isApplied }) => isApplied));
  expect(new Set(made.map(({ kind, name }) => `${kind} ${name}`)).size).toBe(60);
  expect(made).toHaveLength(60);
  for (const { code } of answers.flatMap(({ userErrors }) => userErrors))
    expect(['ALREADY_EXISTS', 'NOT_FOUND']).toContain(code);
  expect(await apply(both)).toEqual({ changes: [], userErrors: [] });
});

describe('credentials', () => {
  const hub = {
    name: 'hub',
    kind: 'STATIC',
    hosts: ['registry.example'],
    username: 'me',
    password: 'hunter-five',
  };

  test('are created before the remotes that name them, and their secrets are kept and never shown', async () => {
    const first = await apply({ credentials: [hub], remotes: [remote('nginx', { credential: 'hub' })] });
    expect(first.userErrors).toEqual([]);
    expect(told(first)).toEqual(['CREATE CREDENTIAL hub', 'CREATE REMOTE nginx']);
    const state = {
      credentials: (await exported('CREDENTIAL')).map(({ value }) => value),
      remotes: (await exported('REMOTE')).map(({ value }) => value),
    };
    expect(state.credentials).toEqual([
      { name: 'hub', kind: 'STATIC', hosts: ['registry.example'], username: 'me' },
    ]);
    expect(await apply(state)).toEqual({ changes: [], userErrors: [] });
    const { changes } = await apply({ ...state, credentials: [{ ...hub, password: 'hunter-six' }] });
    expect(changes).toMatchObject([
      { action: 'UPDATE', fields: [{ field: 'password', isSecret: true, to: null }] },
    ]);
    expect(JSON.stringify([first, changes, state])).not.toContain('hunter');
  });

  test('keep their kind, and go once no remote names them', async () => {
    await apply({ credentials: [hub], remotes: [remote('nginx', { credential: 'hub' })] });
    const { userErrors } = await apply({ credentials: [{ name: 'hub', kind: 'ECR' }] });
    expect(userErrors.map(({ field }) => field.join('.'))).toEqual(['configuration.credentials.0.kind']);
    const pruned = await apply({}, { prune: true });
    expect(told(pruned)).toEqual(['DELETE REMOTE nginx', 'DELETE CREDENTIAL hub']);
  });
});

describe('prune', () => {
  test('deletes what an earlier apply of the same name made, and nothing else', async () => {
    await apply(estate);
    await apply({
      name: 'other',
      remotes: [remote('others')],
      repositories: [{ name: 'mirror/others', remote: 'others' }],
    });
    await api.mutate(
      'remoteCreate',
      { name: 'by-hand', url: 'https://registry.example', upstreamName: 'a/b' },
      'remote { id }',
    );
    expect(told(await apply({ repositories: [] }))).toEqual([]);
    const { changes, userErrors } = await apply({ repositories: [] }, { prune: true });
    expect(userErrors).toEqual([]);
    expect(told({ changes })).toEqual([
      'DELETE SCHEDULE mirror/nginx',
      'DELETE SCHEDULE mirror/nginx',
      'DELETE DISTRIBUTION prod/nginx',
      'DELETE REPOSITORY mirror/nginx',
      'DELETE REMOTE nginx',
    ]);
    expect((await api.sql('select name from remote order by name')).map(({ name }) => name)).toEqual([
      'by-hand',
      'others',
    ]);
    expect(await apply({ repositories: [] }, { prune: true })).toEqual({ changes: [], userErrors: [] });
  });

  test('a schedule with other times takes the place of the one that apply made', async () => {
    await apply(estate);
    const [repository] = estate.repositories;
    const { changes } = await apply({
      ...estate,
      repositories: [{ ...repository, schedules: [{ intervalSeconds: 3600 }, { cron: '0 4 * * *' }] }],
    });
    expect(told({ changes })).toEqual(['UPDATE SCHEDULE mirror/nginx']);
    expect((await api.sql('select cron from schedule order by id')).map(({ cron }) => cron)).toEqual([
      '0 4 * * *',
      null,
    ]);
    const { userErrors } = await apply({
      ...estate,
      repositories: [{ ...repository, schedules: [{ intervalSeconds: 3600 }, { note: 'no time' }] }],
    });
    expect(userErrors.map(({ field }) => field.join('.'))).toEqual([
      'configuration.repositories.0.schedules.1.cron',
    ]);
  });

  test('what is still in use by something else is not deleted, and the message says by what', async () => {
    await apply(estate);
    await apply({ name: 'other', repositories: [{ name: 'mirror/second', remote: 'nginx' }] });
    const { userErrors } = await apply({ repositories: [] }, { prune: true });
    expect(userErrors).toHaveLength(1);
    expect(userErrors[0]?.message).toMatch(/^nginx cannot be deleted: .*mirror\/second/);
    expect(await api.sql('select from repository')).toHaveLength(2);
  });
});

describe('the running state as a configuration', () => {
  test('applied to an empty server gives the same state, secrets aside', async () => {
    await apply(estate);
    const sections = { remotes: 'REMOTE', repositories: 'REPOSITORY', distributions: 'DISTRIBUTION' };
    const read = async () =>
      Object.fromEntries(
        await Promise.all(
          Object.entries(sections).map(async ([section, kind]) => [
            section,
            (await exported(kind)).map(({ value }) => value),
          ]),
        ),
      ) as Record<string, object[]>;
    const state = await read();
    expect(await apply(state)).toEqual({ changes: [], userErrors: [] });
    expect((await exported('REMOTE')).map(({ secrets }) => secrets)).toEqual([['password']]);
    expect(JSON.stringify(state)).not.toContain('hunter');
    for (const table of ['schedule', 'distribution', 'repository', 'remote'])
      await api.sql(`delete from ${table}`);
    expect((await apply(state)).userErrors).toEqual([]);
    expect(await read()).toEqual(state);
  });

  test('has a proxy without its credentials, and keeps them', async () => {
    const proxied = remote('proxied', { proxyUrl: 'http://user:hunter-four@proxy.example:3128' });
    const { changes } = await apply({ remotes: [proxied] });
    expect(JSON.stringify(changes)).not.toContain('hunter');
    const [found] = await exported('REMOTE');
    expect(found).toMatchObject({
      value: { proxyUrl: 'http://proxy.example:3128' },
      secrets: ['proxyUrl'],
    });
    expect(await apply({ remotes: [found?.value] })).toEqual({ changes: [], userErrors: [] });
  });
});
