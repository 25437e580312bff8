import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startApi } from '../../support/api/api-server.ts';
import type { ApiUnderTest } from '../../support/api/api-server.ts';
import { testSecret } from '../../support/test-secret.ts';
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

const { send, check } = rawRequests(() => ({ api }));

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
