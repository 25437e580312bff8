/**
 * Runs PostgreSQL's programs, which refuse to run as root. For root they run in a user namespace, or as an unprivileged user if the system
 * forbids namespaces.
 */
import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { chmod, cp, mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { postgresFolder } from '../config.ts';
import { TidemarkError } from '../oci/error.ts';
import type { PostgresBinaries } from './postgres-binaries.ts';

const run = promisify(execFile);
const PROBE_TIMEOUT_MS = 5_000;
const NAMESPACE = ['unshare', '--user', '--map-user=1000', '--map-group=1000'] as const;
const UNPRIVILEGED_USERS = ['postgres', 'nobody'];

type CommandLine = [command: string, ...args: string[]];

export interface PostgresRunner {
  readonly initdb: (args: readonly string[]) => CommandLine;
  readonly postgres: (args: readonly string[]) => CommandLine;
  /** PostgreSQL's folder: in `dataDir`, unless the unprivileged user cannot access it. */
  readonly folder: string;
  /** The owner of the folder; absent for the user of this process. */
  readonly user?: { readonly uid: number; readonly gid: number };
}

export interface RunnerOptions {
  readonly binaries: PostgresBinaries;
  readonly dataDir: string;
  /** False: use no user namespaces, as on systems that forbid them. */
  readonly namespaces?: boolean;
}

/** Throws `EMBEDDED_POSTGRES_FAILED` for root without namespaces and without an unprivileged user. */
export async function choosePostgresRunner(options: RunnerOptions): Promise<PostgresRunner> {
  const { binaries, dataDir } = options;
  const folder = postgresFolder(dataDir);
  if (process.getuid?.() !== 0) return runnerWith([], binaries, folder);
  if (options.namespaces !== false && (await namespacesWork()))
    return runnerWith(NAMESPACE, binaries, folder);
  const user = await findUnprivilegedUser();
  const reachable = (await othersReach(dataDir)) ? folder : await outsideFolder(dataDir);
  const copied = await copyBinaries(binaries, dirname(reachable));
  return { ...runnerWith([], copied, reachable), user };
}

function runnerWith(prefix: readonly string[], binaries: PostgresBinaries, folder: string): PostgresRunner {
  const commandLine = (program: string, args: readonly string[]): CommandLine => {
    const [command = program, ...rest] = [...prefix, program, ...args];
    return [command, ...rest];
  };
  return {
    initdb: (args) => commandLine(binaries.initdb, args),
    postgres: (args) => commandLine(binaries.postgres, args),
    folder,
  };
}

async function namespacesWork(): Promise<boolean> {
  const [command, ...args] = NAMESPACE;
  return run(command, [...args, 'true'], { timeout: PROBE_TIMEOUT_MS }).then(
    () => true,
    () => false,
  );
}

async function findUnprivilegedUser(): Promise<{ uid: number; gid: number }> {
  for (const name of UNPRIVILEGED_USERS) {
    const ids = await Promise.all(
      ['-u', '-g'].map((flag) =>
        run('id', [flag, name], { timeout: PROBE_TIMEOUT_MS }).catch(() => undefined),
      ),
    );
    const [uid, gid] = ids.map((answer) => Number(answer?.stdout.trim() || 0));
    if (uid && gid) return { uid, gid };
  }
  throw new TidemarkError(
    'EMBEDDED_POSTGRES_FAILED',
    'PostgreSQL does not run as root, this system forbids user namespaces, and it has no user "postgres" or "nobody". ' +
      'Start Tidemark as an ordinary user, or set DATABASE_URL to a PostgreSQL server of your own.',
    { origin: 'server' },
  );
}

async function othersReach(path: string): Promise<boolean> {
  for (let folder = path; ; folder = dirname(folder)) {
    if (((await stat(folder)).mode & 0o001) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

async function outsideFolder(dataDir: string): Promise<string> {
  const name = createHash('sha256').update(dataDir).digest('hex').slice(0, 12);
  const folder = `/var/tmp/tidemark-${name}`;
  await mkdir(folder, { recursive: true, mode: 0o711 });
  const found = await stat(folder);
  // Anyone may create folders in /var/tmp, and the owner of this one could replace its content.
  if (found.uid !== 0 || !found.isDirectory()) {
    throw new TidemarkError(
      'EMBEDDED_POSTGRES_FAILED',
      `The folder ${folder} belongs to user ${found.uid}, not to root. Remove it, or set DATABASE_URL to a PostgreSQL server of your own.`,
      { origin: 'server' },
    );
  }
  await chmod(folder, 0o711);
  return join(folder, 'postgres');
}

async function copyBinaries(binaries: PostgresBinaries, parent: string): Promise<PostgresBinaries> {
  const version = createHash('sha256').update(binaries.root).digest('hex').slice(0, 12);
  const root = join(parent, `postgres-binaries-${version}`);
  const copied = { root, initdb: join(root, 'bin/initdb'), postgres: join(root, 'bin/postgres') };
  const there = await stat(copied.postgres).catch(() => undefined);
  const original = await stat(binaries.postgres);
  if (there?.size === original.size) return copied;
  if (there !== undefined) await rm(root, { recursive: true, force: true });
  const unfinished = `${root}.new-${randomUUID()}`;
  await cp(binaries.root, unfinished, { recursive: true, verbatimSymlinks: true });
  await chmod(unfinished, 0o755);
  await rename(unfinished, root).catch(async (error: NodeJS.ErrnoException) => {
    await rm(unfinished, { recursive: true, force: true });
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  });
  return copied;
}
