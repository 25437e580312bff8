/**
 * `npm run chaos -- [--kills 50] [--seed 1]`: SIGKILLs the worker, the API, PostgreSQL and Temporal at random moments during syncs, and
 * checks that each sync ends in exactly one version with exactly the upstream's content; and, at the end, that no secret that was used is
 * anywhere in the data folder: PostgreSQL's files, Temporal's, blobs, logs of all that can be logged. Exits 1 when something is wrong.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { addImage, addIndex, createSampleRepository } from '../dist/demo/sample-image.js';
import { startSampleUpstream } from '../dist/demo/sample-upstream.js';
import { findBytes } from './find-bytes.mjs';
import { createRandom } from './random.mjs';
import { startStack } from './stack.mjs';

const { values } = parseArgs({
  options: { kills: { type: 'string', default: '50' }, seed: { type: 'string', default: '1' } },
});
const victims = ['worker', 'api', 'postgres', 'temporal'];
const kills = Number(values.kills);
const random = createRandom(Number(values.seed));

const repositories = new Map();
const credentials = { username: 'chaos', password: `password-${randomBytes(9).toString('hex')}` };
const header = { name: 'x-chaos', value: `header-${randomBytes(9).toString('hex')}` };
const upstream = await startSampleUpstream({ repositories, credentials });
const stack = await startStack({ TIDEMARK_WORKER_CONNECTIONS: '6', LOG_LEVEL: 'trace' });
const outcome = { kills: { worker: 0, api: 0, postgres: 0, temporal: 0 }, syncs: 0, wrong: [] };
const startedAt = performance.now();

try {
  for (let round = 1; killCount() < kills; round += 1) await runRound(round);
} finally {
  await stack.stop(searchSecrets);
  await upstream.close();
}
console.log(
  `${outcome.syncs} syncs, ${killCount()} kills (${Object.entries(outcome.kills)
    .map(([who, count]) => `${who} ${count}`)
    .join(', ')}) ` +
    `in ${Math.round((performance.now() - startedAt) / 1000)} s; ${outcome.wrong.length} wrong`,
);
for (const line of outcome.wrong) console.log('  %s', line);
process.exit(outcome.wrong.length === 0 ? 0 : 1);

/** One new repository, synced while something is killed now and then until the sync has ended. */
async function runRound(round) {
  const name = `chaos/round-${round}`;
  const content = buildContent(`${values.seed}-${round}`);
  repositories.set(name, content);
  const { repositoryId, taskId } = await stack.startSync(name, {
    url: upstream.url,
    upstreamName: name,
    rateLimit: 60,
    headers: [header],
    ...credentials,
  });
  outcome.syncs += 1;
  for (;;) {
    await sleep(200 + random() * 1500);
    const state = await taskState(taskId);
    if (state !== 'WAITING' && state !== 'RUNNING') break;
    if (killCount() < kills) await killOne();
  }
  const before = outcome.wrong.length;
  await check(name, content, { task: taskId, repository: repositoryId });
  console.log(
    `round ${round}: ${killCount()} kills so far; ${outcome.wrong.length === before ? 'right' : 'WRONG'}`,
  );
  repositories.delete(name);
}

/** The secrets that were used, as they are and as they travel; and something that is there, or the search would prove nothing. */
async function searchSecrets(dataDir) {
  const { username, password } = credentials;
  const basic = Buffer.from(`${username}:${password}`).toString('base64');
  const secrets = [password, header.value, basic, Buffer.from(header.value).toString('base64')];
  const found = await findBytes(dataDir, [header.name, ...secrets]);
  for (const secret of secrets)
    for (const path of found.get(secret)) outcome.wrong.push(`the secret ${secret} is in ${path}`);
  const places = found.get(header.name);
  console.log(
    `the name of the secret header is in ${places.length} files, its value in ${found.get(header.value).length}`,
  );
  if (places.length === 0) outcome.wrong.push('the search for secrets found nothing that is there');
}

function layerBytes() {
  return 50_000 + Math.floor(random() * 1_500_000);
}

function buildContent(seed) {
  const repository = createSampleRepository();
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

async function killOne() {
  const victim = victims[Math.floor(random() * victims.length)];
  outcome.kills[victim] += 1;
  const ended = await stack.kill(victim, random() * 1000);
  for (const role of ended) outcome.wrong.push(`the ${role} ended by itself after ${victim} was killed`);
}

async function check(name, content, ids) {
  const wrong = (what) => outcome.wrong.push(`${name}: ${what}`);
  const { task, repository } = await stack.query(
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
    ids,
  );
  if (task.state !== 'COMPLETED') return wrong(`the task is ${task.state}: ${JSON.stringify(task.error)}`);
  if (repository.versions.totalCount !== 1) wrong(`${repository.versions.totalCount} versions`);
  const present = repository.latestVersion.contentSummary.present;
  const expected = { tags: content.tags.size, manifests: content.manifests.size, blobs: content.blobs.size };
  if (JSON.stringify(present) !== JSON.stringify(expected))
    wrong(`${JSON.stringify(present)} is not ${JSON.stringify(expected)}`);
  const tags = new Map(repository.latestVersion.tags.nodes.map((tag) => [tag.name, tag.digest]));
  for (const [tag, digest] of content.tags)
    if (tags.get(tag) !== digest) wrong(`the tag ${tag} is ${tags.get(tag)}`);
  for (const digest of content.blobs.keys()) {
    const hash = createHash('sha256');
    await pipeline(createReadStream(join(stack.dataDir, 'blobs', 'sha256', digest.slice(7))), hash);
    if (`sha256:${hash.digest('hex')}` !== digest) wrong(`the blob ${digest} has other bytes`);
  }
}

async function taskState(id) {
  const { task } = await stack.query('query ($id: ID!) { task(id: $id) { state } }', { id });
  return task?.state;
}

function killCount() {
  return Object.values(outcome.kills).reduce((sum, count) => sum + count, 0);
}
