/**
 * `npm run replicas -- [--seconds 300] [--seed 1]`: two APIs and four workers on one database and one data folder, under pulls, pushes whose
 * requests go to both APIs in turn, syncs and garbage collections, while a process is SIGKILLed each second. Exits 1 if an operation failed
 * that a client's one retry did not cure, if bytes are wrong, if a process ended by itself, or if OCI's conformance suite fails afterwards.
 *
 * Clients reach the APIs through a balancer. An API is only killed while both are ready: without any API there is no service, which no
 * retry cures. `passedOn` counts the requests that the balancer gave to the other API, `unanswered` those for which none was ready within
 * five seconds, and `apiReadySeconds` tells how long a killed API needed.
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
const outcome = { done: {}, kills: {}, retried: 0, failed: [], wrong: [] };
const readyMs = [];

const repositories = new Map();
const upstream = await startSampleUpstream({ repositories });
const stack = await startStack(
  { TIDEMARK_GC_GRACE: '30s', TIDEMARK_STORAGE_QUOTA_BYTES: String(8 * 1024 ** 3) },
  { apis: 2, workers: 4 },
);
const urls = stack.apiUrls();
const balancer = await startBalancer(Object.values(urls));
try {
  for (const role of Object.keys(urls)) await untilReady(role);
  const until = performance.now() + seconds * 1000;
  const goesOn = () => performance.now() < until;
  const client = createClient(balancer.url, outcome, random);
  const load = createLoad({ client, outcome, repositories, upstream, random, goesOn });
  await Promise.all([load.run(), kill(goesOn)]);
  for (const role of Object.keys(urls)) await untilReady(role);
  await load.checkAll();
  await checkConformance();
} finally {
  await balancer.close();
  await stack.stop();
  await upstream.close();
}
console.log(
  JSON.stringify({ seconds, ...outcome, ...balancer.counts, apiReadySeconds: spread(readyMs) }, null, 2),
);
process.exit(outcome.failed.length + outcome.wrong.length === 0 ? 0 : 1);

async function kill(goesOn) {
  const apis = Object.keys(urls);
  const victims = [...apis, 'worker', 'worker 2', 'worker 3', 'worker 4'];
  for (; goesOn(); await sleep(1_000)) {
    const victim = victims[Math.floor(random() * victims.length)];
    if (apis.includes(victim) && !(await Promise.all(apis.map(isReady))).every(Boolean)) continue;
    for (const role of stack.ended()) outcome.wrong.push(`${role} ended by itself`);
    outcome.kills[victim] = (outcome.kills[victim] ?? 0) + 1;
    await stack.kill(victim, 0);
    if (apis.includes(victim)) void noteReady(victim);
  }
}

async function noteReady(role) {
  const launchedAt = performance.now();
  while (!(await isReady(role))) await sleep(20);
  readyMs.push(performance.now() - launchedAt);
}

function spread(all) {
  const sorted = all.toSorted((a, b) => a - b).map((ms) => Math.round(ms) / 1_000);
  return { median: sorted[Math.floor(sorted.length / 2)], most: sorted.at(-1) };
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
  const printed = await runConformance(balancer.host, {});
  outcome.conformance = /OCI Conformance Result: (\w+)/.exec(printed)?.[1] ?? 'not run';
  if (outcome.conformance !== 'Pass') outcome.wrong.push(`conformance: ${printed.slice(-2_000)}`);
}
