/** The folder of the embedded PostgreSQL, created atomically. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { syncFolder } from '../files/sync-folder.ts';
import { TidemarkError } from '../oci/error.ts';
import type { PostgresRunner } from './postgres-runner.ts';

const run = promisify(execFile);
const INITDB_TIMEOUT_MS = 60_000;

/** Paths in the folder of the embedded PostgreSQL. */
export interface ClusterPaths {
  readonly folder: string;
  /** PostgreSQL's own data folder. */
  readonly cluster: string;
  readonly password: string;
  readonly port: string;
  readonly log: string;
  readonly users: string;
  readonly lock: string;
}

export function clusterPaths(folder: string): ClusterPaths {
  return {
    folder,
    cluster: join(folder, 'cluster'),
    password: join(folder, 'password'),
    port: join(folder, 'port'),
    log: join(folder, 'server.log'),
    users: join(folder, 'users'),
    lock: `${folder}.lock`,
  };
}

/**
 * Creates the cluster and its password in a temporary folder, then renames it, so that a killed start leaves nothing that looks finished. Call
 * it under the lock. Throws `EMBEDDED_POSTGRES_FAILED`.
 */
export async function createCluster(
  paths: ClusterPaths,
  runner: PostgresRunner,
  signal?: AbortSignal,
): Promise<void> {
  await removeUnfinished(paths.folder);
  const unfinished = clusterPaths(`${paths.folder}.new-${randomBytes(4).toString('hex')}`);
  await mkdir(unfinished.folder, { mode: 0o700 });
  await writeFile(unfinished.password, randomBytes(24).toString('base64url'), { mode: 0o600 });
  if (runner.user !== undefined) {
    await chown(unfinished.folder, runner.user.uid, runner.user.gid);
    await chown(unfinished.password, runner.user.uid, runner.user.gid);
  }
  const [command, ...args] = runner.initdb([
    `--pgdata=${unfinished.cluster}`,
    `--pwfile=${unfinished.password}`,
    '--username=tidemark',
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
  ]);
  try {
    await run(command, args, {
      timeout: INITDB_TIMEOUT_MS,
      signal,
      cwd: dirname(paths.folder),
      ...runner.user,
    });
  } catch (cause) {
    signal?.throwIfAborted();
    const said = (cause as { stderr?: string }).stderr?.trim() ?? '';
    throw new TidemarkError(
      'EMBEDDED_POSTGRES_FAILED',
      `The embedded PostgreSQL could not create its data folder ${paths.folder}: ` +
        `${said === '' ? (cause as Error).message : said}\n` +
        'Make the folder writable and free 100 MB on its disk, or set DATABASE_URL to a server of your own.',
      { origin: 'server', cause },
    );
  }
  await rename(unfinished.folder, paths.folder);
  await syncFolder(dirname(paths.folder));
}

export async function clusterExists(paths: ClusterPaths): Promise<boolean> {
  return stat(join(paths.cluster, 'PG_VERSION')).then(
    () => true,
    () => false,
  );
}

/** The content of `postmaster.pid`. */
export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  /** `starting`, `ready`, `stopping` or `standby`. */
  readonly status: string;
}

/** Undefined if the file is missing or incomplete. */
export async function readPostmaster(cluster: string): Promise<Postmaster | undefined> {
  const text = await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => '');
  const lines = text.split('\n');
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  return { pid, port: Number(lines[3] ?? 0), status: (lines[7] ?? '').trim() };
}

async function removeUnfinished(folder: string): Promise<void> {
  const parent = dirname(folder);
  const prefix = `${folder}.new-`;
  const names = (await readdir(parent)).filter((name) => join(parent, name).startsWith(prefix));
  await Promise.all(names.map((name) => rm(join(parent, name), { recursive: true, force: true })));
}
