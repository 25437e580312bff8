/** A PostgreSQL that other hosts reach. The run's own listens on loopback. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { findPostgresBinaries } from '../../../src/embedded/postgres-binaries.ts';
import { clusterPaths, createCluster } from '../../../src/embedded/postgres-cluster.ts';
import { choosePostgresRunner } from '../../../src/embedded/postgres-runner.ts';
import { freePort } from '../../../src/embedded/server-process.ts';
import { until } from '../until.ts';

export async function openPostgres() {
  const dataDir = await mkdtemp(join(tmpdir(), 'tidemark-open-'));
  const runner = await choosePostgresRunner({ binaries: await findPostgresBinaries(), dataDir });
  const paths = clusterPaths(runner.folder);
  await createCluster(paths, runner);
  await appendFile(join(paths.cluster, 'pg_hba.conf'), 'host all all 198.18.0.0/15 scram-sha-256\n');
  const port = await freePort();
  const settings = ['listen_addresses=*', `port=${port}`, 'unix_socket_directories=', 'fsync=off'];
  const [command, ...args] = runner.postgres([
    '-D',
    paths.cluster,
    ...settings.flatMap((setting) => ['-c', setting]),
  ]);
  const server = spawn(command, args, { stdio: 'ignore', ...runner.user });
  const ended = once(server, 'exit');
  const password = (await readFile(paths.password, 'utf8')).trim();
  const url = (host: string): string => `postgresql://tidemark:${password}@${host}:${port}/postgres`;
  await until(async () => {
    const client = new pg.Client({ connectionString: url('127.0.0.1') });
    client.on('error', () => undefined);
    return client.connect().then(
      () => client.end().then(() => true),
      () => false,
    );
  });
  return {
    url,
    async close(): Promise<void> {
      server.kill('SIGQUIT');
      await ended;
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
