/**
 * One embedded PostgreSQL and one Temporal for the whole run, in a folder of its own below the system's temporary
 * folder, searched for secrets and gone when the run ends. What a killed run left behind is ended by the next one.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { cacheFolder } from '../../../src/config.ts';
import { migrateDatabase, openDatabase } from '../../../src/db/open-database.ts';
import { countUsers, registerUser } from '../../../src/embedded/owner.ts';
import { startPostgres } from '../../../src/embedded/postgres.ts';
import { findTemporal } from '../../../src/embedded/temporal-binary.ts';
import { startTemporal } from '../../../src/embedded/temporal.ts';
import { stopAbandonedServers } from './abandoned-servers.ts';
import { projectRoot, readImportGraph, reach } from '../import-graph.ts';
import { leaveCanaries, searchRun } from './search-run.ts';
import { reportStalls } from '../watch/stall-report.ts';
import { templateName } from './servers.ts';

const PREFIX = 'tidemark-test-';
/** A folder this young may belong to a run that has not noted itself yet. */
const GRACE_MS = 10_000;
const bundleCache = join(projectRoot, 'node_modules', '.cache', 'tidemark-test');

const log = (): void => undefined;

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await removeAbandoned();
  const dataDir = await mkdtemp(join(tmpdir(), PREFIX));
  await registerUser(join(dataDir, 'runs'));
  const started = await Promise.allSettled([
    startPostgres({ dataDir, log }),
    findTemporal({ cacheDir: cacheFolder(process.env), log: console.log }).then(async (binary) =>
      startTemporal({ dataDir, binary: await writeQuickTemporal(dataDir, binary), log }),
    ),
  ]);
  const teardown = async (inspect = () => Promise.resolve()): Promise<void> => {
    await Promise.allSettled(
      started.map(async (one) => {
        if (one.status === 'fulfilled') await one.value.stop();
      }),
    );
    try {
      await inspect();
    } catch (error) {
      process.exitCode = 1;
      throw error;
    } finally {
      await removeFolder(dataDir);
    }
  };
  const [postgres, temporal] = started;
  if (postgres.status === 'rejected' || temporal.status === 'rejected') {
    await teardown();
    throw postgres.status === 'rejected' ? postgres.reason : (temporal as PromiseRejectedResult).reason;
  }
  project.provide('workflowBundle', await bundleWorkflows());
  const stallLog = join(dataDir, 'stalls.jsonl');
  project.provide('stallLog', stallLog);
  const servers = { databaseUrl: postgres.value.url, temporalAddress: temporal.value.address };
  project.provide('tidemarkServers', servers);
  await Promise.all([leaveCanaries(servers), createTemplate(servers.databaseUrl)]);
  return () => {
    console.log(reportStalls(stallLog));
    return teardown(() => searchRun(dataDir));
  };
}

/**
 * The server without waits for the disk: no run outlives it. Its files hold what it writes all the same. A retry or timer that is due at once is
 * not put off for a second.
 */
async function writeQuickTemporal(folder: string, binary: string): Promise<string> {
  const path = join(folder, 'temporal.sh');
  const pragmas = ['synchronous=off', 'journal_mode=memory'].map((pragma) => `--sqlite-pragma ${pragma}`);
  const timers = `--dynamic-config-value 'history.timerProcessorMaxTimeShift="10ms"'`;
  await writeFile(path, `#!/bin/sh\nexec '${binary}' "$@" ${pragmas.join(' ')} ${timers}\n`, { mode: 0o700 });
  return path;
}

/** The migrations as they are in src/ now, applied once for all tests. */
async function createTemplate(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  // no run outlives its server
  for (const setting of ['fsync', 'full_page_writes', 'synchronous_commit'])
    await client.query(`alter system set ${setting} = off`);
  await client.query('select pg_reload_conf()');
  await client.query(`create database ${templateName}`);
  await client.end();
  const url = new URL(databaseUrl);
  url.pathname = `/${templateName}`;
  const database = await openDatabase({ url: url.href, poolSize: 1 });
  await migrateDatabase(database);
  await database.close();
}

/** The workflows as they are in src/ now; tests do not depend on a build. Bundling takes seconds, so a bundle of the same sources is used again. */
async function bundleWorkflows(): Promise<string> {
  const entry = 'src/workflows/index.ts';
  const path = join(bundleCache, `workflows-${hashSources(entry)}.js`);
  if (existsSync(path)) return path;
  const quiet = { log, trace: log, debug: log, info: log, warn: log, error: log };
  const { code } = await bundleWorkflowCode({ workflowsPath: join(projectRoot, entry), logger: quiet });
  await mkdir(bundleCache, { recursive: true });
  // runs side by side never see half of it
  await writeFile(`${path}.${process.pid}`, code);
  await rename(`${path}.${process.pid}`, path);
  return path;
}

/** Of the file, of all that it imports, and of the locked dependencies. */
function hashSources(entry: string): string {
  const own = reach(readImportGraph('src'), entry).map(({ target }) => target);
  const files = ['package-lock.json', entry, ...own.filter((target) => target.startsWith('src/')).sort()];
  const hash = createHash('sha256');
  for (const file of files) hash.update(`${file}\n`).update(readFileSync(join(projectRoot, file)));
  return hash.digest('hex').slice(0, 16);
}

/** Ends what `stop` did not, and removes the folder. */
async function removeFolder(dataDir: string): Promise<void> {
  await stopAbandonedServers(dataDir);
  await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
}

async function removeAbandoned(): Promise<void> {
  const names = (await readdir(tmpdir())).filter((name) => name.startsWith(PREFIX));
  for (const name of names) {
    const folder = join(tmpdir(), name);
    const age = Date.now() - (await stat(folder).catch(() => ({ mtimeMs: Date.now() }))).mtimeMs;
    if (age < GRACE_MS || (await countUsers(join(folder, 'runs'))) > 0) continue;
    await removeFolder(folder);
  }
}
