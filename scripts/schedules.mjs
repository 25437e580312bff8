/**
 * `npm run schedules -- [--orderly]`: three repositories on schedules of ten seconds, for a minute of `npm start`, through a kill of
 * everything in the middle; then pause, trigger and delete. Two of them share a schedule of Temporal. What was due has to have happened once, as Tidemark and as Temporal tell it.
 * Exits 1 when something is wrong.
 */
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { cacheFolder } from '../dist/config.js';
import { addImage, createSampleRepository } from '../dist/demo/sample-image.js';
import { startSampleUpstream } from '../dist/demo/sample-upstream.js';
import { processRuns } from '../dist/embedded/process-info.js';
import { freePort } from '../dist/embedded/server-process.js';
import { findTemporal } from '../dist/embedded/temporal-binary.js';
import { root } from './prepare.mjs';
import { createCaller } from './stack.mjs';

const everySeconds = 10;
const shortWindowSeconds = 10;
const upSeconds = 30;
const downSeconds = 25;

const { values } = parseArgs({ options: { orderly: { type: 'boolean', default: false } } });
const run = promisify(execFile);
const wrong = [];
const dataDir = await mkdtemp(join(tmpdir(), 'tidemark-schedules-'));
const port = await freePort();
const log = await open(join(dataDir, 'start.log'), 'a');
const content = createSampleRepository();
addImage(content, { seed: 'schedules', layers: [300_000], tag: 'one' });
const upstream = await startSampleUpstream({ repositories: new Map([['app', content]]) });
const api = createCaller(`http://127.0.0.1:${port}/graphql`);
const isFinal = (state) => ['COMPLETED', 'FAILED', 'CANCELED'].includes(state);
let program = start();

try {
  await runScenario();
} catch (error) {
  wrong.push(`it could not be finished: ${error.message}`);
} finally {
  await endAll({ orderly: false });
  await upstream.close();
  await log.close();
  if (wrong.length > 0) console.log(await readFile(join(dataDir, 'start.log'), 'utf8'));
  await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
}
console.log(`${wrong.length} wrong`);
for (const line of wrong) console.log('  %s', line);
process.exit(wrong.length === 0 ? 0 : 1);

async function runScenario() {
  const schedules = [
    await createScheduled('one'),
    await createScheduled('two'),
    await createScheduled('short', { catchupWindowSeconds: shortWindowSeconds }),
  ];
  await sleep(upSeconds * 1000);
  await note('before', schedules);
  const downAt = Date.now();
  await endAll(values);
  console.log('all is down: npm start, the API and worker, PostgreSQL, Temporal');
  await sleep(downSeconds * 1000);
  program = start();
  await api.query('{ schedules(first: 9) { nodes { id } } }');
  const down = { from: downAt, to: Date.now() };
  console.log('up again after %d s', Math.round((down.to - down.from) / 1000));
  await sleep(upSeconds * 1000);
  for (const { id } of schedules)
    await mutate('schedulePause', { id, note: 'counting' }, 'schedule { paused }');
  await note('after', schedules);
  for (const schedule of schedules)
    await checkOnce(
      schedule,
      schedules.filter(({ temporalId }) => temporalId === schedule.temporalId),
      down,
    );
  await checkLists(schedules);
  await checkControls(schedules);
  await endAll({ orderly: true });
}

/** `npm start` in a group of its own, as a person types it. */
function start() {
  const env = { ...process.env, TIDEMARK_DATA: dataDir, TIDEMARK_PORT: String(port), LOG_LEVEL: 'warn' };
  for (const other of ['DATABASE_URL', 'TEMPORAL_ADDRESS']) delete env[other];
  const child = spawn('npm', ['start'], {
    cwd: root,
    detached: true,
    env,
    stdio: ['ignore', log.fd, log.fd],
  });
  return child;
}

/** All at once, as when the power fails; or as Ctrl-C in a terminal does, and then nothing may be left running. */
async function endAll({ orderly }) {
  const all = await descendants(program.pid);
  const group = Number(`-${program.pid}`);
  for (const pid of orderly ? [group] : all) {
    try {
      process.kill(pid, orderly ? 'SIGINT' : 'SIGKILL');
    } catch {
      // it has ended
    }
  }
  for (const pid of all) await gone(pid);
}

/** A process, and all that it and its children have started, PostgreSQL and Temporal among them. */
async function descendants(pid) {
  const { stdout } = await run('ps', ['-A', '-o', 'pid=,ppid=']);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  const found = [pid];
  for (const parent of found) found.push(...lines.filter(([, of]) => of === parent).map(([child]) => child));
  return found;
}

async function gone(pid) {
  const giveUpAt = performance.now() + 60_000;
  while (await processRuns(pid)) {
    if (performance.now() > giveUpAt) throw new Error(`process ${pid} does not end`);
    await sleep(20);
  }
}

async function mutate(name, input, selection) {
  return api.mutate(name, selection, input);
}

async function createScheduled(name, more = {}) {
  const remote = await mutate(
    'remoteCreate',
    { name, url: upstream.url, upstreamName: 'app' },
    'remote { id }',
  );
  const made = await mutate('repositoryCreate', { name, remoteId: remote.remote.id }, 'repository { id }');
  const repositoryId = made.repository.id;
  const input = { repositoryId, intervalSeconds: everySeconds, jitterSeconds: 0, ...more };
  const { schedule } = await mutate('scheduleCreate', input, 'schedule { id temporalUrl }');
  const temporalId = decodeURIComponent(new URL(schedule.temporalUrl).pathname.split('/schedules/')[1]);
  return { name, id: schedule.id, temporalId, repositoryId, short: more.catchupWindowSeconds !== undefined };
}

/** Oldest first. */
async function readRuns({ id }) {
  const { schedule } = await api.query(
    `query ($id: ID!) { schedule(id: $id) { runs(first: 100) { nodes {
      dueAt outcome triggered message task { id state } } } } }`,
    { id },
  );
  return schedule.runs.nodes.toReversed();
}

async function note(when, schedules) {
  for (const schedule of schedules) {
    const runs = await readRuns(schedule);
    const moments = runs.map(
      ({ dueAt, outcome }) => `${dueAt.slice(14, 19)}${outcome === 'STARTED' ? '' : ' skipped'}`,
    );
    console.log('%s, %s: %s', when, schedule.name, moments.join(', '));
  }
}

/** Each moment that was due has run, once, with a task of its own, unless Temporal's policies left it out. */
async function checkOnce(schedule, group, down) {
  const tell = (what) => wrong.push(`${schedule.name}: ${what}`);
  const { info } = await describe(schedule);
  const counted = Number(info.actionCount ?? 0);
  // the others of the group may have been paused a run earlier or later
  const momentsOfGroup = async () =>
    new Set((await Promise.all(group.map(readRuns))).flat().map(({ dueAt }) => dueAt)).size;
  await until(
    async () => (await momentsOfGroup()) === counted,
    () => `${schedule.name}: Temporal began ${counted} runs`,
  );
  await until(
    async () => (await readRuns(schedule)).every(({ task }) => task === null || isFinal(task.state)),
    () => 'tasks end',
  );
  const runs = await readRuns(schedule);
  const due = runs.map(({ dueAt }) => Date.parse(dueAt) / 1000);
  if (new Set(due).size !== due.length) tell(`a moment ran twice: ${due.join(', ')}`);
  if (due.some((moment) => moment % everySeconds !== 0))
    tell(`a run was due at no such moment: ${due.join(', ')}`);
  const started = runs.filter(({ outcome }) => outcome === 'STARTED');
  if (new Set(started.map(({ task }) => task.id)).size !== started.length) tell('two runs have one task');
  for (const { task } of started) if (task.state !== 'COMPLETED') tell(`task ${task.id} is ${task.state}`);
  const { repository } = await api.query(
    'query ($id: ID!) { repository(id: $id) { tasks(first: 100) { totalCount } } }',
    { id: schedule.repositoryId },
  );
  const { tasks } = repository;
  if (tasks.totalCount !== started.length) tell(`${tasks.totalCount} tasks for ${started.length} runs`);

  const overlapped = Number(info.overlapSkipped ?? 0);
  const missed = Number(info.missedCatchupWindow ?? 0);
  const moments = (due.at(-1) - due[0]) / everySeconds + 1;
  console.log(
    '%s: %d moments due, %d runs, %d left out because one was under way, %d beyond the catch-up window',
    schedule.name,
    moments,
    runs.length,
    overlapped,
    missed,
  );
  if (runs.length + overlapped + missed !== moments) tell('a moment is not accounted for');
  const duringDown = due.filter((moment) => moment * 1000 > down.from && moment * 1000 < down.to);
  if (schedule.short && missed === 0)
    tell('nothing was beyond a catch-up window that is shorter than the outage');
  if (!schedule.short && missed > 0) tell('a moment was beyond a catch-up window of an hour');
  if (!schedule.short && duringDown.length === 0)
    tell('nothing of what was due during the outage was made up for');
}

/** Temporal's own list: its command line, and the HTTP API that its UI reads. */
async function checkLists(schedules) {
  const [, installation] = schedules[0].temporalId.split('/');
  // Tidemark's own: the daily clean-up, and the mark on the task queue
  const expected = [
    `collect/${installation}`,
    ...new Set(schedules.map(({ temporalId }) => temporalId).sort()),
    'tidemark/tidemark',
  ];
  const cli = JSON.parse(await temporal('list', '--output', 'json')).map(({ scheduleId }) => scheduleId);
  const { schedules: listed = [] } = await askUi('schedules');
  const ui = listed.map(({ scheduleId }) => scheduleId);
  for (const [where, ids] of [
    ['temporal schedule list', cli],
    ['the Temporal UI', ui],
  ]) {
    console.log('%s: %s', where, ids.sort().join(', '));
    if (JSON.stringify(ids) !== JSON.stringify(expected))
      wrong.push(`${where} has ${ids.join(', ')}, expected ${expected.join(', ')}`);
  }
}

async function describe({ temporalId }) {
  return askUi(`schedules/${encodeURIComponent(temporalId)}`);
}

async function ports() {
  return JSON.parse(await readFile(join(dataDir, 'temporal', 'ports.json'), 'utf8'));
}

async function askUi(path) {
  // not by the door that checks hosts: where it is, only the program's output says
  const { uiIp = '127.0.0.1', uiPort } = await ports();
  const response = await fetch(`http://${uiIp}:${uiPort}/api/v1/namespaces/default/${path}`);
  if (!response.ok) throw new Error(`Temporal's UI answers ${response.status} to ${path}`);
  return response.json();
}

async function temporal(...args) {
  const binary = await findTemporal({ cacheDir: cacheFolder(process.env), log: () => undefined });
  const { port: grpcPort } = await ports();
  const { stdout } = await run(binary, ['schedule', ...args, '--address', `127.0.0.1:${grpcPort}`]);
  return stdout;
}

async function checkControls([paused, deleted, resumed]) {
  const rested = await readRuns(paused);
  const count = (await readRuns(resumed)).length;
  await mutate('scheduleResume', { id: resumed.id }, 'schedule { paused }');
  await mutate('scheduleDelete', { id: deleted.id }, 'deletedId');
  await until(
    async () => (await readRuns(resumed)).length >= count + 2,
    () => 'the resumed schedule runs',
  );
  if ((await readRuns(paused)).length !== rested.length) wrong.push('a paused schedule ran');

  await mutate('scheduleTrigger', { id: paused.id }, 'task { id }');
  const last = (await readRuns(paused)).at(-1);
  if (!last.triggered || last.outcome !== 'STARTED')
    wrong.push(`the triggered run is ${JSON.stringify(last)}`);
  if ((await readRuns(paused)).length !== rested.length + 1) wrong.push('the trigger made more than one run');
  await until(
    async () => (await readRuns(paused)).at(-1).task.state === 'COMPLETED',
    () => 'the triggered sync completes',
  );

  const state = (await describe(paused)).schedule.state;
  if (state.paused !== true) wrong.push(`Temporal says ${JSON.stringify(state)} of a paused schedule`);
  await checkLists([paused, resumed]);
  const { schedule } = await api.query('query ($id: ID!) { schedule(id: $id) { id } }', { id: deleted.id });
  if (schedule !== null) wrong.push('a deleted schedule is answered');
}

async function until(holds, says) {
  const giveUpAt = performance.now() + 60_000;
  while (!(await holds())) {
    if (performance.now() > giveUpAt) throw new Error(`after a minute this did not hold yet: ${says()}`);
    await sleep(200);
  }
}
