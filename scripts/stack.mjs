/** Separate processes of the roles, on embedded servers of their own: what the chaos run and the memory measurement stand on. */
import { spawn } from 'node:child_process';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cacheFolder } from '../dist/config.js';
import { startPostgres } from '../dist/embedded/postgres.js';
import { freePort } from '../dist/embedded/server-process.js';
import { findTemporal } from '../dist/embedded/temporal-binary.js';
import { startTemporal } from '../dist/embedded/temporal.js';

const main = new URL('../dist/main.js', import.meta.url).pathname;
const quiet = () => undefined;

/**
 * Starts PostgreSQL, Temporal, APIs and workers, each a process; `settings` are further environment variables. What the roles print is in
 * `roles.log` of the data folder. The first API and worker are `api` and `worker`, the others `api 2`, `worker 2`, and so on.
 */
export async function startStack(settings = {}, { apis = 1, workers = 1 } = {}) {
  const dataDir = await mkdtemp(join(tmpdir(), 'tidemark-stack-'));
  const binary = await findTemporal({ cacheDir: cacheFolder(process.env), log: console.log });
  const starters = {
    postgres: () => startPostgres({ dataDir, log: quiet }),
    temporal: () => startTemporal({ dataDir, binary, log: quiet }),
  };
  const servers = { postgres: await starters.postgres(), temporal: await starters.temporal() };
  const env = {
    ...process.env,
    LOG_LEVEL: process.env.LOG_LEVEL ?? 'fatal',
    ...settings,
    TIDEMARK_DATA: dataDir,
    TIDEMARK_PORT: String(await freePort()),
    DATABASE_URL: servers.postgres.url,
    TEMPORAL_ADDRESS: servers.temporal.address,
  };
  const log = await open(join(dataDir, 'roles.log'), 'a');
  const ports = { api: env.TIDEMARK_PORT };
  const launch = (role) =>
    spawn(process.execPath, [main, role.split(' ')[0]], {
      env: { ...env, TIDEMARK_PORT: ports[role] ?? env.TIDEMARK_PORT },
      stdio: ['ignore', log.fd, log.fd],
    });
  const migrated = await exitOf(launch('migrate'));
  if (migrated !== 0) throw new Error(`tidemark migrate exited with ${migrated}; see ${dataDir}/roles.log`);
  const roles = { api: launch('api'), worker: launch('worker') };
  for (let number = 2; number <= apis; number += 1) {
    ports[`api ${number}`] = String(await freePort());
    roles[`api ${number}`] = launch(`api ${number}`);
  }
  const addWorkers = (count) => {
    for (let number = 2; number < count + 2; number += 1) roles[`worker ${number}`] = launch('worker');
  };
  addWorkers(workers - 1);
  const api = createCaller(`http://127.0.0.1:${env.TIDEMARK_PORT}/graphql`);

  return {
    dataDir,
    ...api,
    workerPid: () => roles.worker.pid,

    temporalAddress: () => servers.temporal.address,

    /** The address of each API, by its role. */
    apiUrls: () =>
      Object.fromEntries(Object.entries(ports).map(([role, port]) => [role, `http://127.0.0.1:${port}`])),

    /** Starts further workers. */
    addWorkers,

    /** The roles that have ended by themselves. */
    ended: () => Object.keys(roles).filter((role) => roles[role].exitCode !== null),

    /** SIGKILLs a role, postgres or temporal, and starts it again after a pause. Answers which roles ended by themselves. */
    async kill(victim, pauseMs) {
      if (victim in roles) {
        roles[victim].kill('SIGKILL');
        await exitOf(roles[victim]);
        await sleep(pauseMs);
        roles[victim] = launch(victim);
        return [];
      }
      const gone = servers[victim];
      process.kill(gone.pid, 'SIGKILL');
      await sleep(pauseMs);
      servers[victim] = await starters[victim]();
      await gone.stop();
      const ended = Object.keys(roles).filter((role) => roles[role].exitCode !== null);
      for (const role of ended) roles[role] = launch(role);
      return ended;
    },

    /** Ends the roles and the servers; `inspect` is called before the data folder goes. */
    async stop(inspect = async () => undefined) {
      for (const child of Object.values(roles)) {
        child.kill('SIGTERM');
        await exitOf(child);
      }
      await servers.temporal.stop();
      await servers.postgres.stop();
      await log.close();
      await inspect(dataDir);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

function exitOf(child) {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  return new Promise((resolve) => child.once('exit', resolve));
}

/** A client of the API at this address that outlives its restarts. */
export function createCaller(url) {
  /** Asks until somebody answers: the API or the database may just have been killed. */
  async function query(text, variables) {
    const giveUpAt = performance.now() + 60_000;
    for (;;) {
      try {
        const response = await fetch(url, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ query: text, variables }),
          signal: AbortSignal.timeout(15_000),
        });
        const { data, errors } = await response.json();
        if (errors === undefined) return data;
        throw new Error(errors[0].message);
      } catch (error) {
        if (performance.now() > giveUpAt) throw error;
        await sleep(200);
      }
    }
  }

  async function mutate(name, selection, input) {
    const inputType = `${name[0].toUpperCase()}${name.slice(1)}Input`;
    const data = await query(
      `mutation ($input: ${inputType}!) { ${name}(input: $input) { ${selection} userErrors { code message } } }`,
      { input },
    );
    const [error] = data[name].userErrors;
    // a mutation whose answer was lost has been carried out: what it made is found by its name
    if (error?.code === 'ALREADY_EXISTS') {
      const noun = name.replace('Create', '');
      return query(`query ($name: String!) { ${noun}(name: $name) { id } }`, { name: input.name });
    }
    if (error && error.code !== 'SYNC_ALREADY_RUNNING') throw new Error(`${name}: ${error.message}`);
    return data[name];
  }

  /** Makes a remote and a repository of this name and starts its sync; answers the ids of the repository and of the task. */
  async function startSync(name, remoteInput) {
    const { remote } = await mutate('remoteCreate', 'remote { id }', { name, ...remoteInput });
    const { repository } = await mutate('repositoryCreate', 'repository { id }', {
      name,
      remoteId: remote.id,
    });
    const { task } = await mutate('repositorySync', 'task { id }', { repositoryId: repository.id });
    return { repositoryId: repository.id, taskId: task.id };
  }

  return { query, mutate, startSync };
}
