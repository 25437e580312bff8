/** PostgreSQL and Temporal are killed under role processes, and come back. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { expect, test } from 'vitest';
import { cacheFolder } from '../../src/config.ts';
import { processRuns } from '../../src/embedded/process-info.ts';
import { startPostgres } from '../../src/embedded/postgres.ts';
import { findTemporal } from '../../src/embedded/temporal-binary.ts';
import { startTemporal } from '../../src/embedded/temporal.ts';
import { stopAbandonedServers } from '../support/servers/abandoned-servers.ts';
import { until } from '../support/until.ts';
import { openScene, routes } from './scene.ts';

const log = (): void => undefined;

async function withFolder(work: (dataDir: string) => Promise<void>): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'tidemark-outage-'));
  try {
    await work(dataDir);
  } finally {
    await stopAbandonedServers(dataDir);
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function kill(pid: number): Promise<void> {
  process.kill(pid, 'SIGKILL');
  await until(async () => !(await processRuns(pid)));
}

const syncMutation = `mutation ($id: ID!) { repositorySync(input: { repositoryId: $id }) {
  task { state warnings } userErrors { code } } }`;

test.concurrent('fault 102: while Temporal is down syncs are queued, running syncs wait and queries continue; all syncs end when it is back', () =>
  withFolder(async (dataDir) => {
    const binary = await findTemporal({ cacheDir: cacheFolder(process.env), log });
    const temporal = await startTemporal({ dataDir, binary, log });
    const scene = await openScene({ temporalAddress: temporal.address });
    const { stack, upstream, content } = scene;
    try {
      const program = await stack.launch('serve');
      const held = scene.hold(routes.list);
      const running = await stack.start(scene.ids);
      await held.reached();
      const other = await stack.createRepository({ url: upstream.url, upstreamName: 'library/app' });
      await kill(temporal.pid);

      const { repositories } = await program.data('{ repositories(first: 10) { nodes { id name } } }');
      const { nodes } = repositories as { nodes: { id: string; name: string }[] };
      const [row] = await stack
        .em()
        .execute<{ name: string }[]>('select name from repository where id = ?', [other.repositoryId]);
      const id = nodes.find(({ name }) => name === row?.name)?.id;
      expect(JSON.parse((await program.graphql(syncMutation, { id })).text)).toEqual({
        extensions: { cost: expect.anything() },
        data: {
          repositorySync: {
            task: { state: 'WAITING', warnings: [expect.stringContaining('queued')] },
            userErrors: [],
          },
        },
      });
      held.open();
      const [queued] = await stack
        .em()
        .execute<{ id: number }[]>('select id from task where repository_id = ?', [other.repositoryId]);
      expect(program.child.exitCode).toBeNull();

      const again = await startTemporal({ dataDir, binary, log });
      expect(again.address).toBe(temporal.address);
      expect(await stack.finish(running)).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
      expect(await stack.finish({ id: queued?.id ?? 0 })).toMatchObject({
        state: 'COMPLETED',
        createdVersion: 1,
      });
      await scene.expectWhole();
      expect((await stack.versions(other.repositoryId)).map(({ tags }) => tags)).toEqual([
        Object.fromEntries(content.tags),
      ]);
      expect(await program.end('SIGTERM')).toBe(0);
    } finally {
      await scene.close();
    }
  }));

test.concurrent('fault 105: a commit interrupted by a SIGKILL of PostgreSQL is rolled back and repeated; the API reconnects', () =>
  withFolder(async (dataDir) => {
    const postgres = await startPostgres({ dataDir, log });
    const scene = await openScene({ databaseUrl: postgres.url });
    const { stack, ids } = scene;
    const operator = new pg.Client({ connectionString: postgres.url });
    operator.on('error', log);
    await operator.connect();
    try {
      const program = await stack.launch('serve');
      const held = scene.hold(routes.list);
      const task = await stack.start(ids);
      await held.reached();
      // the commit has written its tags when it meets this lock
      await operator.query('begin; lock table repository_version in share mode');
      held.open();
      await until(async () => {
        const waiting = await operator.query(
          `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        );
        return waiting.rows.length > 0;
      });
      await kill(postgres.pid);
      const down = await program.graphql('{ repositories(first: 1) { totalCount } }');
      expect(down.errors?.[0]?.extensions['code']).toBe('SERVICE_UNAVAILABLE');

      const again = await startPostgres({ dataDir, log });
      expect(again.url).toBe(postgres.url);
      await until(
        async () => (await program.graphql('{ repositories(first: 1) { totalCount } }')).errors === undefined,
      );
      expect(await stack.finish(task)).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
      await scene.expectWhole();
      expect(await program.end('SIGTERM')).toBe(0);
    } finally {
      await operator.end().catch(log);
      await scene.close();
    }
  }));

test.concurrent('fault 106: while every connection of the pool is held, a request is SERVICE_UNAVAILABLE instead of hanging', async () => {
  const scene = await openScene({ settings: { TIDEMARK_DATABASE_POOL: '2' } });
  const { stack } = scene;
  const operator = new pg.Client({ connectionString: stack.databaseUrl });
  await operator.connect();
  try {
    const program = await stack.launch('api');
    const query = '{ repositories(first: 1) { nodes { name } } }';
    await operator.query('begin; lock table repository in access exclusive mode');
    // two (or the look for lost tasks) hold the pool's connections and wait for the lock; the others get none
    const answers = Array.from({ length: 5 }, () => program.graphql(query));
    const early = await Promise.race(answers);
    expect(early.errors?.[0]?.extensions['code']).toBe('SERVICE_UNAVAILABLE');
    await operator.query('rollback');
    for (const { errors } of await Promise.all(answers))
      if (errors !== undefined) expect(errors[0]?.extensions['code']).toBe('SERVICE_UNAVAILABLE');
    await until(async () => (await program.graphql(query)).errors === undefined);
  } finally {
    await operator.end();
    await scene.close();
  }
});
