/**
 * `npm run chaos -- [--kills 50] [--seed 1]`: SIGKILLs the worker, the API, PostgreSQL and Temporal at random moments during syncs, and
 * checks that each sync ends in exactly one version with exactly the upstream's content. Exits 1 when one does not.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { addImage, addIndex, createSampleRepository } from '../dist/demo/sample-image.js';
import { startSampleUpstream } from '../dist/demo/sample-upstream.js';
import { freePort } from '../dist/embedded/server-process.js';
import { startPostgres } from '../dist/embedded/postgres.js';
import { findTemporal } from '../dist/embedded/temporal-binary.js';
import { startTemporal } from '../dist/embedded/temporal.js';
import { cacheFolder } from '../dist/config.js';

const { values } = parseArgs({
  options: { kills: { type: 'string', default: '50' }, seed: { type: 'string', default: '1' } },
});
const kills = Number(values.kills);
const random = createRandom(Number(values.seed));
const main = new URL('../dist/main.js', import.meta.url).pathname;

const dataDir = await mkdtemp(join(tmpdir(), 'tidemark-chaos-'));
const repositories = new Map();
const upstream = await startSampleUpstream({ repositories });
const servers = await startServers();
const outcome = { kills: { worker: 0, api: 0, postgres: 0, temporal: 0 }, syncs: 0, wrong: [] };
const startedAt = performance.now();

try {
  for (let round = 1; killCount() < kills; round += 1) await runRound(round);
} finally {
  await stopAll();
}
console.log(
  `${outcome.syncs} syncs, ${killCount()} kills (${Object.entries(outcome.kills).map(([who, count]) => `${who} ${count}`).join(', ')}) ` +
    `in ${Math.round((performance.now() - startedAt) / 1000)} s; ${outcome.wrong.length} wrong`,
);
for (const line of outcome.wrong) console.log(`  ${line}`);
process.exit(outcome.wrong.length === 0 ? 0 : 1);

async function startServers() {
  const log = () => undefined;
  const postgres = await startPostgres({ dataDir, log });
  const binary = await findTemporal({ cacheDir: cacheFolder(process.env), log: console.log });
  const temporal = await startTemporal({ dataDir, binary, log });
  const env = {
    ...process.env,
    TIDEMARK_DATA: dataDir,
    TIDEMARK_PORT: String(await freePort()),
    DATABASE_URL: postgres.url,
    TEMPORAL_ADDRESS: temporal.address,
    TIDEMARK_WORKER_CONNECTIONS: '6',
    LOG_LEVEL: process.env.LOG_LEVEL ?? 'fatal',
  };
  await run(env, 'migrate');
  return { binary, postgres, temporal, env, api: launch(env, 'api'), worker: launch(env, 'worker') };
}

function launch(env, role) {
  return spawn(process.execPath, [main, role], { env, stdio: ['ignore', 'ignore', 'inherit'] });
}

async function run(env, command) {
  const child = spawn(process.execPath, [main, command], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  const code = await new Promise((resolve) => child.once('exit', resolve));
  if (code !== 0) throw new Error(`${command} exited with ${code}`);
}

/** One new repository, synced while something is killed now and then until the sync has ended. */
async function runRound(round) {
  const name = `chaos/round-${round}`;
  const content = buildContent(`${values.seed}-${round}`);
  repositories.set(name, content);
  const remote = await mutate('remoteCreate', 'RemoteCreateInput', 'remote { id }', {
    name,
    url: upstream.url,
    upstreamName: name,
    rateLimit: 60,
  });
  const repository = await mutate('repositoryCreate', 'RepositoryCreateInput', 'repository { id }', {
    name,
    remoteId: remote.remote.id,
  });
  const { id } = repository.repository;
  const { task } = await mutate('repositorySync', 'RepositorySyncInput', 'task { id }', { repositoryId: id });
  outcome.syncs += 1;
  for (;;) {
    await sleep(200 + random() * 1500);
    const state = await taskState(task.id);
    if (state === undefined || (state !== 'WAITING' && state !== 'RUNNING')) break;
    if (killCount() < kills) await killOne();
  }
  const before = outcome.wrong.length;
  await check(name, id, content, task.id);
  console.log(`round ${round}: ${killCount()} kills so far; ${outcome.wrong.length === before ? 'right' : 'WRONG'}`);
  repositories.delete(name);
}

function buildContent(seed) {
  const repository = createSampleRepository();
  const layerBytes = () => 50_000 + Math.floor(random() * 1_500_000);
  for (let number = 0; number < 12; number += 1) {
    const platforms = ['amd64', 'arm64'].map((architecture) =>
      addImage(repository, {
        seed: `${seed}-${number}-${architecture}`,
        layers: [layerBytes(), layerBytes()],
        platform: { os: 'linux', architecture },
      }),
    );
    addIndex(repository, { manifests: platforms, tag: `v${number}` });
  }
  return repository;
}

const victims = ['worker', 'api', 'postgres', 'temporal'];

async function killOne() {
  const victim = victims[Math.floor(random() * victims.length)];
  outcome.kills[victim] += 1;
  if (victim === 'worker' || victim === 'api') {
    const child = servers[victim];
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await new Promise((resolve) => child.once('exit', resolve));
    await sleep(random() * 500);
    servers[victim] = launch(servers.env, victim);
    return;
  }
  process.kill(servers[victim].pid, 'SIGKILL');
  await sleep(random() * 1000);
  const log = () => undefined;
  const gone = servers[victim];
  servers[victim] =
    victim === 'postgres'
      ? await startPostgres({ dataDir, log })
      : await startTemporal({ dataDir, binary: servers.binary, log });
  await gone.stop();
  // the roles have died on nothing but our own kills
  for (const role of ['api', 'worker']) {
    const child = servers[role];
    if (child.exitCode !== null) {
      outcome.wrong.push(`the ${role} ended by itself with ${child.exitCode} after ${victim} was killed`);
      servers[role] = launch(servers.env, role);
    }
  }
}

async function check(name, id, content, taskId) {
  const wrong = (what) => outcome.wrong.push(`${name}: ${what}`);
  const { task, repository } = await query(
    `query ($task: ID!, $repository: ID!) {
      task(id: $task) { state createdVersion { number } error { code message } }
      repository(id: $repository) {
        versions(first: 10) { totalCount }
        latestVersion {
          contentSummary { present { tags manifests blobs } }
          tags(first: 100) { nodes { name digest } }
        }
      }
    }`,
    { task: taskId, repository: id },
  );
  if (task.state !== 'COMPLETED') return wrong(`the task is ${task.state}: ${JSON.stringify(task.error)}`);
  if (repository.versions.totalCount !== 1) wrong(`${repository.versions.totalCount} versions`);
  const present = repository.latestVersion.contentSummary.present;
  const expected = { tags: content.tags.size, manifests: content.manifests.size, blobs: content.blobs.size };
  if (JSON.stringify(present) !== JSON.stringify(expected)) wrong(`${JSON.stringify(present)} is not ${JSON.stringify(expected)}`);
  const tags = new Map(repository.latestVersion.tags.nodes.map((tag) => [tag.name, tag.digest]));
  for (const [tag, digest] of content.tags) if (tags.get(tag) !== digest) wrong(`the tag ${tag} is ${tags.get(tag)}`);
  for (const digest of content.blobs.keys()) {
    const hash = createHash('sha256');
    await pipeline(createReadStream(join(dataDir, 'blobs', 'sha256', digest.slice(7))), hash);
    if (`sha256:${hash.digest('hex')}` !== digest) wrong(`the blob ${digest} has other bytes`);
  }
}

async function taskState(id) {
  const { task } = await query('query ($id: ID!) { task(id: $id) { state } }', { id });
  return task?.state;
}

async function mutate(name, inputType, selection, input) {
  const data = await query(
    `mutation ($input: ${inputType}!) { ${name}(input: $input) { ${selection} userErrors { code message } } }`,
    { input },
  );
  const [error] = data[name].userErrors;
  // a mutation whose answer was lost has been carried out: what it made is found by its name
  if (error?.code === 'ALREADY_EXISTS') return findByName(name, input.name);
  if (error?.code === 'SYNC_ALREADY_RUNNING') return data[name];
  if (error) throw new Error(`${name}: ${error.message}`);
  return data[name];
}

async function findByName(mutation, name) {
  const noun = mutation.replace('Create', '');
  return query(`query ($name: String!) { ${noun}(name: $name) { id } }`, { name });
}

/** Asks until somebody answers: the API or the database may just have been killed. */
async function query(text, variables) {
  const url = `http://127.0.0.1:${servers.env.TIDEMARK_PORT}/graphql`;
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

function killCount() {
  return Object.values(outcome.kills).reduce((sum, count) => sum + count, 0);
}

async function stopAll() {
  for (const role of ['api', 'worker']) {
    const child = servers[role];
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGTERM');
    await new Promise((resolve) => child.once('exit', resolve));
  }
  await servers.temporal.stop();
  await servers.postgres.stop();
  await upstream.close();
  const partial = await readdir(join(dataDir, 'partial')).catch(() => []);
  if (partial.length > 0) console.log(`${partial.length} partial files were left to be resumed`);
  await rm(dataDir, { recursive: true, force: true });
}

/** mulberry32: the same seed, the same kills. */
function createRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
