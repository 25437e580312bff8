/** Inputs that are refused, at the field that is named; those of fault 55 among them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toGlobalId } from '../../../src/operations/global-id.ts';
import { startApi } from '../../support/api/api-server.ts';
import type { ApiUnderTest } from '../../support/api/api-server.ts';
import { fields, valid, leaked } from '../../support/api/remote-inputs.ts';
import type { Payload } from '../../support/api/remote-inputs.ts';
import { mistakes } from './mistakes.ts';

let api: ApiUnderTest;
let openApi: ApiUnderTest;
beforeAll(async () => {
  api = await startApi();
  openApi = await startApi({
    config: { host: '0.0.0.0', allowPrivate: false, allowUpstream: ['10.1.2.3:5000', '10.9.0.0/16'] },
  });
});
afterAll(async () => {
  await api.close();
  await openApi.close();
});

function create(input: object, server = api): Promise<Payload> {
  return server.mutate('remoteCreate', input, `remote { ${fields} }`);
}

function update(input: object): Promise<Payload> {
  return api.mutate('remoteUpdate', input, `remote { ${fields} }`);
}

describe('invalid input', () => {
  let existing: Payload;
  beforeAll(async () => {
    existing = await create(valid({ name: 'existing' }));
  });

  const rows = mistakes.map((row) =>
    ['url', 'sigstore', 'proxyUrl'].includes(row.field[0] ?? '')
      ? { ...row, name: `fault 24: ${row.name}` }
      : row,
  );
  test.each(rows)('$name, at create and at update', async ({ input, field, message }) => {
    const [before] = await api.sql('select count(*) as count from remote');
    for (const { remote, userErrors } of [
      await create(valid(input)),
      await update({ id: existing.remote.id, ...input }),
    ]) {
      expect(remote).toBeNull();
      expect(userErrors.map((error) => [error.code, error.field])).toEqual([['INVALID', field]]);
      if (message !== undefined) expect(userErrors[0]?.message).toMatch(message);
      expect(JSON.stringify(userErrors)).not.toMatch(new RegExp(`${leaked}|PRIVATE KEY-----\\\\n[A-Za-z]`));
    }
    expect(await api.sql('select count(*) as count from remote')).toEqual([before]);
    const { data } = await api.graphql(`{ remote(name: "existing") { ${fields} } }`);
    expect(data.remote).toEqual(existing.remote);
  });

  test('all mistakes come at once', async () => {
    const { userErrors } = await create({
      name: '',
      url: 'ftp://x',
      upstreamName: 'X',
      downloadConcurrency: 0,
      includeTags: ['[', ']', '['],
    });
    expect(userErrors.map((error) => error.field.join('.'))).toEqual([
      'name',
      'url',
      'upstreamName',
      'includeTags.0',
      'includeTags.1',
      'includeTags.2',
      'downloadConcurrency',
    ]);
  });

  test('null for a field that has no empty state', async () => {
    const { userErrors } = await update({
      id: existing.remote.id,
      name: null,
      url: null,
      policy: null,
      sslValidation: null,
      followLayerUrls: null,
    });
    expect(userErrors.map((error) => error.field)).toEqual([
      ['name'],
      ['url'],
      ['policy'],
      ['sslValidation'],
      ['followLayerUrls'],
    ]);
  });

  test('a taken name, also by eight callers at once', async () => {
    expect((await create(valid({ name: 'existing' }))).userErrors).toMatchObject([
      { code: 'ALREADY_EXISTS', field: ['name'] },
    ]);
    const payloads = await Promise.all(Array.from({ length: 8 }, () => create(valid({ name: 'raced' }))));
    expect(payloads.filter(({ remote }) => remote !== null)).toHaveLength(1);
    expect(payloads.flatMap(({ userErrors }) => userErrors.map((error) => error.code))).toEqual(
      Array.from({ length: 7 }, () => 'ALREADY_EXISTS'),
    );
  });

  test.each(['', 'nonsense', toGlobalId('Remote', 999_999), toGlobalId('Repository', 1)])(
    'fault 91: the id %j is NOT_FOUND',
    async (id) => {
      expect((await update({ id, name: 'x' })).userErrors).toMatchObject([
        { code: 'NOT_FOUND', field: ['id'] },
      ]);
    },
  );
});
