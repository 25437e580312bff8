/** The embedded PostgreSQL. A server that already runs on the data folder is adopted. */
import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { TidemarkError } from '../oci/error.ts';
import { useServer } from './owner.ts';
import { findPostgresBinaries } from './postgres-binaries.ts';
import { clusterExists, clusterPaths, createCluster, readPostmaster } from './postgres-cluster.ts';
import type { ClusterPaths } from './postgres-cluster.ts';
import { choosePostgresRunner } from './postgres-runner.ts';
import type { PostgresRunner } from './postgres-runner.ts';
import { processRuns, workingDirectory } from './process-info.ts';
import { endProcess, formerPort, freePort, lastLines, makeFolder, spawnDetached } from './server-process.ts';

/** Includes the recovery after a SIGKILL of the postmaster, whose children keep the memory for some seconds. */
const START_TIMEOUT_MS = 60_000;
const RETRY_WINDOW_MS = 10_000;
const POLL_MS = 10;
const CONNECT_TIMEOUT_MS = 5_000;
const DATABASE = 'tidemark';

export interface StartPostgresOptions {
  /** Tidemark's data folder. PostgreSQL uses `postgres/` in it. */
  readonly dataDir: string;
  readonly log: (message: string) => void;
  readonly signal?: AbortSignal;
  /** False: use no user namespaces as root, as on systems that forbid them. */
  readonly namespaces?: boolean;
}

export interface RunningPostgres {
  /** Contains the password; must not be printed. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Whether it was running already. */
  readonly adopted: boolean;
  /** Releases the server, and stops it if no other live process uses it. Safe to call twice. */
  stop(): Promise<void>;
}

/** Starts or adopts the server; ready when it answers `select 1`. Throws `EMBEDDED_POSTGRES_…` errors of origin `server`. */
export async function startPostgres(options: StartPostgresOptions): Promise<RunningPostgres> {
  const { signal, log } = options;
  signal?.throwIfAborted();
  const dataDir = await makeFolder(resolve(options.dataDir), 0o711);
  const binaries = await findPostgresBinaries();
  const runner = await choosePostgresRunner({
    binaries,
    dataDir,
    ...(options.namespaces === undefined ? {} : { namespaces: options.namespaces }),
  });
  const paths = clusterPaths(runner.folder);
  if (!paths.folder.startsWith(dataDir))
    log(`PostgreSQL keeps its files in ${paths.folder}: its user cannot access ${dataDir}`);
  return useServer<Started>(paths, signal, {
    async prepare() {
      if (await clusterExists(paths)) return;
      log('Creating the PostgreSQL data folder');
      await createCluster(paths, runner, signal);
    },
    async start() {
      const running = (await adopt(paths)) ?? (await startServer(paths, runner, signal));
      await ensureDatabase(running.url);
      log(`PostgreSQL ready on 127.0.0.1:${running.port}${running.adopted ? ' (adopted)' : ''}`);
      return running;
    },
    async end() {
      const found = await readPostmaster(paths.cluster);
      if (found !== undefined && (await isOurs(found.pid, paths.cluster))) await endServer(found.pid);
    },
  });
}

type Started = Omit<RunningPostgres, 'stop'>;

/** The server that already runs on this folder, if it answers. */
async function adopt(paths: ClusterPaths): Promise<Started | undefined> {
  const found = await readPostmaster(paths.cluster);
  if (found?.status !== 'ready' || !(await isOurs(found.pid, paths.cluster))) return undefined;
  const url = await connectionUrl(paths, found.port);
  if (!(await answers(url))) return undefined;
  return { url, port: found.port, pid: found.pid, adopted: true };
}

/**
 * Retries the start: PostgreSQL refuses while children of a killed postmaster run, and another program may take the port before the bind.
 */
async function startServer(
  paths: ClusterPaths,
  runner: PostgresRunner,
  signal?: AbortSignal,
): Promise<Started> {
  const giveUpAt = performance.now() + RETRY_WINDOW_MS;
  const remembered = Number(await readFile(paths.port, 'utf8').catch(() => '')) || undefined;
  for (let delayMs = 50; ; delayMs = Math.min(delayMs * 2, 1_000)) {
    signal?.throwIfAborted();
    const port = remembered === undefined ? await freePort() : await formerPort(remembered);
    const pid = await tryStart(paths, runner, port, signal);
    if (pid !== undefined) {
      await writeFile(paths.port, `${port}\n`, { mode: 0o600 });
      return { url: await connectionUrl(paths, port), port, pid, adopted: false };
    }
    const adopted = await adopt(paths);
    if (adopted !== undefined) return adopted;
    if (performance.now() > giveUpAt) throw await startFailure(paths);
    await sleep(delayMs, undefined, signal === undefined ? {} : { signal });
  }
}

/** One start; undefined if the server ends before it is ready. */
async function tryStart(
  paths: ClusterPaths,
  runner: PostgresRunner,
  port: number,
  signal?: AbortSignal,
): Promise<number | undefined> {
  const [command, ...args] = runner.postgres(['-D', paths.cluster, ...settings(port)]);
  const child = await spawnDetached({
    command,
    args,
    logFile: paths.log,
    ...(runner.user === undefined ? {} : { user: runner.user }),
  });
  const { pid } = child;
  if (pid === undefined) return undefined;
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (child.exitCode === null && child.signalCode === null) {
    const found = await readPostmaster(paths.cluster);
    if (found?.pid === pid && found.status === 'ready' && (await answers(await connectionUrl(paths, port))))
      return pid;
    if (signal?.aborted === true || performance.now() > deadline) {
      await endServer(pid);
      signal?.throwIfAborted();
      throw await startFailure(paths);
    }
    await sleep(POLL_MS);
  }
  return undefined;
}

function settings(port: number): string[] {
  const values = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: 200,
    shared_buffers: '64MB',
    io_method: 'sync',
    jit: 'off',
    max_logical_replication_workers: 0,
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_checkpoints: 'off',
  };
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** Fast shutdown, then immediate, which causes a crash recovery at the next start. */
async function endServer(pid: number): Promise<void> {
  await endProcess(pid, [
    { signal: 'SIGINT', waitMs: 10_000 },
    { signal: 'SIGQUIT', waitMs: 5_000 },
    { signal: 'SIGKILL', waitMs: 5_000 },
  ]);
}

async function isOurs(pid: number, cluster: string): Promise<boolean> {
  return (await processRuns(pid)) && (await workingDirectory(pid)) === cluster;
}

async function connectionUrl(paths: ClusterPaths, port: number): Promise<string> {
  const password = (await readFile(paths.password, 'utf8')).trim();
  return `postgresql://tidemark:${password}@127.0.0.1:${port}/${DATABASE}`;
}

async function answers(url: string): Promise<boolean> {
  return query(maintenanceUrl(url), 'select 1').then(
    () => true,
    () => false,
  );
}

async function ensureDatabase(url: string): Promise<void> {
  const maintenance = maintenanceUrl(url);
  const found = await query(maintenance, `select 1 from pg_database where datname = '${DATABASE}'`);
  if (found === 0) await query(maintenance, `create database ${DATABASE}`);
}

function maintenanceUrl(url: string): string {
  const other = new URL(url);
  other.pathname = '/postgres';
  return other.href;
}

/** Runs one statement on a new connection. @returns the number of rows. */
async function query(url: string, sql: string): Promise<number> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: START_TIMEOUT_MS,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query(sql)).rows.length;
  } finally {
    await client.end();
  }
}

async function startFailure(paths: ClusterPaths): Promise<TidemarkError> {
  return new TidemarkError(
    'EMBEDDED_POSTGRES_FAILED',
    `The embedded PostgreSQL did not start. The end of its log, ${paths.log}:\n${await lastLines(paths.log)}\n` +
      'Fix the problem reported above, or set DATABASE_URL to a PostgreSQL server of your own.',
    { origin: 'server' },
  );
}
