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

describe('an apply', () => {
  test('creates what is missing, and a second one changes nothing', async () => {
    const first = await apply(estate);
    expect(first.userErrors).toEqual([]);
    expect(told(first)).toEqual([
      'CREATE REMOTE nginx',
      'CREATE REPOSITORY mirror/nginx',
      'CREATE SCHEDULE mirror/nginx',
      'CREATE SCHEDULE mirror/nginx',
      'CREATE DISTRIBUTION prod/nginx',
      'UPDATE DISTRIBUTION mirror/nginx',
    ]);
    expect(first.changes.every(({ isApplied }) => isApplied)).toBe(true);
    expect(await apply(estate)).toEqual({ changes: [], userErrors: [] });
  });

  test('a dry run shows the same and changes nothing', async () => {
    const shown = await apply(estate, { dryRun: true });
    expect(shown.userErrors).toEqual([]);
    expect(shown.changes.some(({ isApplied }) => isApplied)).toBe(false);
    expect(await api.sql('select from remote')).toHaveLength(0);
    expect(told(await apply(estate))).toEqual(told(shown));
  });

  test('changes the fields that differ, shows them, and never a secret', async () => {
    await apply(estate);
    const [before] = estate.remotes;
    const changed = {
      ...estate,
      remotes: [
        { ...before, includeTags: ['2.*'], maxRetries: 5, password: 'hunter-three', newestTags: null },
      ],
    };
    const { changes, userErrors } = await apply(changed);
    expect(userErrors).toEqual([]);
    expect(changes).toHaveLength(1);
    expect(changes[0]?.fields).toEqual(
      expect.arrayContaining([
        { field: 'includeTags', from: ['1.*'], to: ['2.*'], isSecret: false },
        { field: 'maxRetries', from: 3, to: 5, isSecret: false },
        { field: 'newestTags', from: { count: 3, order: 'SEMVER', per: 'ALL' }, to: null, isSecret: false },
        { field: 'password', from: null, to: null, isSecret: true },
      ]),
    );
    expect(JSON.stringify(changes)).not.toContain('hunter');
    expect(await apply(changed)).toEqual({ changes: [], userErrors: [] });
  });

  test('keeps secrets that it does not name, and clears those that it gives as null', async () => {
    await apply(estate);
    const [{ password: _, ...others }] = estate.remotes as unknown as [Record<string, unknown>];
    expect(await apply({ ...estate, remotes: [others] })).toEqual({ changes: [], userErrors: [] });
    const { changes } = await apply({ ...estate, remotes: [{ ...others, password: null }] });
    expect(changes.map(({ fields }) => fields.map(({ field }) => field))).toEqual([['password']]);
    expect(await api.sql('select from remote where password_sealed is not null')).toHaveLength(0);
  });

  test('a change of the address keeps the secrets that are given', async () => {
    await apply(estate);
    const [before] = estate.remotes;
    const { userErrors } = await apply({ ...estate, remotes: [{ ...before, url: 'https://other.example' }] });
    expect(userErrors).toEqual([]);
    expect(await api.sql('select from remote where password_sealed is not null')).toHaveLength(1);
  });

  test('with mistakes nothing is changed, and each says where it is', async () => {
    const wrong = {
      remotes: [remote('good'), remote('bad', { includeTagPatterns: ['('], rateLimit: 0 })],
      repositories: [
        { name: 'Mirror/Upper', remote: 'good' },
        { name: 'mirror/a', remote: 'good', schedules: [{ cron: 'whenever' }] },
      ],
    };
    const { userErrors } = await apply(wrong);
    expect(userErrors.map(({ field }) => field.join('.'))).toEqual([
      'configuration.remotes.1.includeTagPatterns.0',
      'configuration.remotes.1.rateLimit',
      'configuration.repositories.0.name',
      'configuration.repositories.1.schedules.0.cron',
    ]);
    expect(await api.sql('select from remote')).toHaveLength(0);
  });

  test('names that nothing has, and names given twice, are mistakes', async () => {
    const { userErrors } = await apply({
      remotes: [remote('a'), remote('a')],
      repositories: [{ name: 'mirror/a', remote: 'b', signaturePolicy: 'c' }],
      distributions: [{ basePath: 'prod/a', repository: 'mirror/b' }],
    });
    expect(userErrors.map(({ code, field }) => `${code} ${field.slice(1).join('.')}`)).toEqual([
      'ALREADY_EXISTS remotes.1.name',
      'NOT_FOUND repositories.0.remote',
      'NOT_FOUND repositories.0.signaturePolicy',
      'NOT_FOUND distributions.0.repository',
    ]);
  });

  test('names and references with a NUL character are mistakes with their place', async () => {
    const { changes, userErrors } = await apply({
      remotes: [remote('a'), remote('a\0')],
      repositories: [{ name: 'mirror/\0', remote: 'a', schedules: [{ intervalSeconds: 60, remote: '\0' }] }],
      distributions: [
        { basePath: 'prod/a', repository: 'mirror/a\0' },
        { basePath: 'prod/b\0', repository: 'mirror/a', signaturePolicy: '\0' },
      ],
    });
    expect(changes).toEqual([]);
    expect(userErrors.map(({ code, field }) => `${code} ${field.slice(1).join('.')}`)).toEqual([
      'INVALID remotes.1.name',
      'INVALID repositories.0.name',
      'INVALID repositories.0.schedules.0.remote',
      'INVALID distributions.0.repository',
      'INVALID distributions.1.basePath',
      'INVALID distributions.1.signaturePolicy',
    ]);
    expect(userErrors[0]?.message).toBe('name is "a\\u0000", with a NUL character; remove it.');
  });

  test('things may name what the server has already', async () => {
    await apply({ remotes: [remote('shared')] }, {});
    const { userErrors } = await apply({
      name: 'other',
      repositories: [{ name: 'mirror/b', remote: 'shared' }],
    });
    expect(userErrors).toEqual([]);
  });
});

test('a configuration of 300 repositories is applied whole, and again changes nothing', async () => {
  const names = Array.from({ length: 300 }, (_, index) => `large-${index}`);
  const large = {
    remotes: names.map((name) => remote(name, { includeTags: ['1.*'] })),
    repositories: names.map((name) => ({
      name: `mirror/${name}`,
      remote: name,
      schedules: [{ intervalSeconds: 86_400 }],
    })),
  };
  const { changes, userErrors } = await apply(large);
  expect(userErrors).toEqual([]);
  expect(changes).toHaveLength(900);
  expect(await apply(large)).toEqual({ changes: [], userErrors: [] });
});
