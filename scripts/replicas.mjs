/**
 * `npm run replicas -- [--seconds 300] [--seed 1]`: two APIs and four workers on one database and one data folder, under pulls, pushes whose
 * requests go to both APIs in turn, syncs and garbage collections, while a process is SIGKILLed each second. Exits 1 if an operation failed
 * that a client's one retry did not cure, if bytes are wrong, if a process ended by itself, or if OCI's conformance suite fails afterwards
 * through a balancer. An API is only killed while the other one is ready.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startSampleUpstream } from '../dist/demo/sample-upstream.js';
import { runConformance } from '../test/interop/conformance.ts';
import { createRandom } from './random.mjs';
import { startBalancer } from './replicas/balancer.mjs';
import { createClient } from './replicas/client.mjs';
import { createLoad } from './replicas/load.mjs';
import { startStack } from './stack.mjs';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '300' }, seed: { type: 'string', default: '1' } },
});
const seconds = Number(values.seconds);
const random = createRandom(Number(values.seed));
const outcome = { done: {}, kills: {}, retried: 0, blobsAgain: 0, failed: [], wrong: [] };

const repositories = new Map();
const upstream = await startSampleUpstream({ repositories });
const stack = await startStack(
  { TIDEMARK_GC_GRACE: '30s', TIDEMARK_STORAGE_QUOTA_BYTES: String(8 * 1024 ** 3) },
  { apis: 2, workers: 4 },
);
const urls = stack.apiUrls();
try {
  for (const role of Object.keys(urls)) await untilReady(role);
  const until = performance.now() + seconds * 1000;
  const goesOn = () => performance.now() < until;
  const client = createClient(Object.values(urls), outcome);
  const load = createLoad({ client, outcome, repositories, upstream, random, goesOn });
  await Promise.all([load.run(), kill(goesOn)]);
  for (const role of Object.keys(urls)) await untilReady(role);
  await load.checkAll();
  await checkConformance();
} finally {
  await stack.stop();
  await upstream.close();
}
console.log(JSON.stringify({ seconds, ...outcome }, null, 2));
process.exit(outcome.failed.length + outcome.wrong.length === 0 ? 0 : 1);

async function kill(goesOn) {
  const victims = ['api', 'api 2', 'worker', 'worker 2', 'worker 3', 'worker 4'];
  for (; goesOn(); await sleep(1_000)) {
    const victim = victims[Math.floor(random() * victims.length)];
    const other = { api: 'api 2', 'api 2': 'api' }[victim];
    if (other !== undefined && !(await isReady(other))) continue;
    for (const role of stack.ended()) outcome.wrong.push(`${role} ended by itself`);
    outcome.kills[victim] = (outcome.kills[victim] ?? 0) + 1;
    await stack.kill(victim, 0);
  }
}

async function isReady(role) {
  try {
    const answer = await fetch(`${urls[role]}/readyz`, { signal: AbortSignal.timeout(2_000) });
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    return false;
  }
}

async function untilReady(role) {
  for (let tried = 0; tried < 600; tried += 1) {
    if (await isReady(role)) return;
    await sleep(100);
  }
  throw new Error(`${role} is not ready after a minute; see roles.log in ${stack.dataDir}.`);
}

/** OCI's suite, each request at the next API. */
async function checkConformance() {
  const balancer = await startBalancer(Object.values(urls));
  const printed = await runConformance(balancer.host, {});
  await balancer.close();
  outcome.conformance = /OCI Conformance Result: (\w+)/.exec(printed)?.[1] ?? 'not run';
  if (outcome.conformance !== 'Pass') outcome.wrong.push(`conformance: ${printed.slice(-2_000)}`);
}
