/** The steps of the journey, in order. Each takes the tools of the journey, and `state`, which has what earlier steps found. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../../dist/config.js';
import { findTemporal } from '../../dist/embedded/temporal-binary.js';
import { backUp, restore } from './backup.mjs';
import { createClient } from './client.mjs';
import { dockerPull, dockerPush, pushImages, repositoryName } from './content.mjs';
import { check, until } from './engine.mjs';
import { buildImage, checkImage } from './image.mjs';
import { restartAll } from './restarts.mjs';
import { checkHardening, ports, waitHealthy } from './stack.mjs';

const direct = `127.0.0.1:${ports.api}`;
const proxied = `127.0.0.1:${ports.proxy}`;
const roles = ['api', 'worker'];

export const steps = {
  'make the stand-ins': makeStandIns,
  'build and check the image': async (journey) => {
    await buildImage(journey);
    await checkImage({ ...journey, image: 'tidemark:0.1.0' });
  },
  'start the stack': startStack,
  'sync and pull': syncAndPull,
  'four workers': addWorkers,
  'two API processes behind the proxy': addProxy,
  'restart everything under load': (journey, state) =>
    restartAll(journey, { ...state, basePath: repositoryName, tags: [...state.digests.keys()] }),
  'back up': takeBackup,
  'restore into an empty stack': restoreStack,
};

async function makeStandIns({ run, say, root, programs }) {
  const composeFile = await readFile(join(root, 'docker-compose.yml'), 'utf8');
  const versionOf = (name) => composeFile.split(`\${${name}:-`, 2)[1]?.split('}', 1)[0];
  await run('bash', [join(root, 'scripts', 'compose-journey', 'stand-ins.sh')], {
    timeoutMs: 300_000,
    extraEnv: {
      TEMPORAL_VERSION: versionOf('TEMPORAL_VERSION'),
      TEMPORAL_UI_VERSION: versionOf('TEMPORAL_UI_VERSION'),
      TIDEMARK_PROGRAMS: programs,
      TIDEMARK_TEMPORAL: await findTemporal({ cacheDir: cacheFolder(process.env), log: say }),
    },
  });
}

async function startStack(journey) {
  await journey.compose(['up', '-d'], { timeoutMs: 300_000 });
  await waitHealthy(['postgres', 'temporal', ...roles], journey);
  await checkHardening(roles, journey);
  const ui = await fetch(`http://127.0.0.1:${ports.ui}/api/v1/namespaces/tidemark`);
  check(ui.ok, `Temporal's UI answers ${ui.status} for the namespace`);
  journey.say("   the engine's health checks of postgres, temporal, api and worker are green");
}

async function syncAndPull(journey, state) {
  const create = ['run', '--rm', '-T', 'api', 'token', 'create', '--admin', 'journey'];
  state.token = await journey.compose(create, { secret: true });
  state.client = createClient({ url: `http://${direct}`, token: state.token });
  state.digests = await pushImages({ ...journey, from: 1, to: 8 });
  state.repositoryId = await createMirror(state.client);
  const task = await state.client.sync(state.repositoryId);
  check(task.createdVersion?.number === 1, `the first sync made version ${task.createdVersion?.number}`);
  await pullTags(['v1', 'v8'], { host: direct, journey, state });
}

/** Other workers take part as soon as they poll. */
async function addWorkers(journey, state) {
  await journey.compose(['up', '-d', '--scale', 'worker=4'], { timeoutMs: 200_000 });
  const ask = ['exec', '-T', 'worker', 'node', '-e', countPollers];
  await until('four workers poll', async () => Number(await journey.compose(ask)) === 4);
  await addImages({ from: 9, to: 16 }, journey, state);
  const task = await state.client.sync(state.repositoryId);
  check(task.createdVersion?.number === 2, `the second sync made version ${task.createdVersion?.number}`);
}

async function addProxy(journey, state) {
  const scale = ['--scale', 'worker=4', '--scale', 'api=2'];
  await journey.compose(['up', '-d', ...scale], { proxy: true, timeoutMs: 200_000 });
  await waitHealthy(['api'], journey);
  const ca = await readFile(journey.certificate, 'utf8');
  state.client = createClient({ url: `https://${proxied}`, token: state.token, ca });
  await until('the proxy answers', async () => (await state.client.request('/readyz')).ok);
  await pullTags(['v9'], { host: proxied, journey, state });
  await dockerPush({ ...journey, host: proxied, name: 'team/pushed:1' });
  journey.say('   docker pushed and pulled through the proxy over TLS');
}

async function takeBackup(journey, state) {
  state.before = await summarize(state);
  state.backup = join(journey.folder, 'backup');
  const secretKey = join(journey.folder, 'secrets', 'secret.key');
  const bytes = await backUp(state.backup, { ...journey, secretKey });
  journey.say(`   ${(bytes / 1_000_000).toFixed(1)} MB: three databases, the key and the blobs`);
}

async function restoreStack(journey, state) {
  await journey.compose(['down', '--volumes', '--timeout', '30'], { proxy: true, timeoutMs: 200_000 });
  await restore(state.backup, journey);
  await journey.compose(['up', '-d'], { timeoutMs: 300_000 });
  await waitHealthy(['api'], journey);
  state.client = createClient({ url: `http://${direct}`, token: state.token });
  const after = await summarize(state);
  check(after === state.before, `the restored stack has ${after}, not ${state.before}`);
  await addImages({ from: 17, to: 17 }, journey, state);
  await state.client.sync(state.repositoryId);
  await pullTags(['v1', 'v16', 'v17'], { host: direct, journey, state });
  journey.say('   the token, versions and digests are as before; a sync fetched a new image');
}

async function addImages(range, journey, state) {
  for (const [tag, digest] of await pushImages({ ...journey, ...range })) state.digests.set(tag, digest);
}

async function pullTags(tags, { host, journey, state }) {
  for (const tag of tags)
    await dockerPull({ host, tag, digest: state.digests.get(tag), token: state.token, text: journey.text });
  journey.say(
    `   docker pulled ${tags.join(', ')} from ${host} with the digests that were pushed to the upstream`,
  );
}

/** A repository is served under its name. @returns its id. */
async function createMirror(client) {
  const { remote } = await client.mutate('remoteCreate', 'remote { id }', {
    name: repositoryName,
    url: 'http://upstream:5000',
    upstreamName: repositoryName,
    username: 'journey',
    password: 'stored, and read again with the restored key',
  });
  const { repository } = await client.mutate('repositoryCreate', 'repository { id }', {
    name: repositoryName,
    remoteId: remote.id,
  });
  return repository.id;
}

/** Run in a worker: how many workers Temporal hears. */
const countPollers = `
import('@temporalio/client').then(async ({ Connection }) => {
  const connection = await Connection.connect({ address: process.env.TEMPORAL_ADDRESS });
  const { pollers } = await connection.workflowService.describeTaskQueue({
    namespace: process.env.TEMPORAL_NAMESPACE, taskQueue: { name: 'tidemark' }, taskQueueType: 2 });
  console.log(new Set(pollers.map(({ identity }) => identity.split('@').at(-1))).size);
  await connection.close();
});`;

async function summarize({ client, repositoryId }) {
  const { repository } = await client.query(
    `query ($id: ID!) { repository(id: $id) {
      versions(first: 1) { totalCount } latestVersion { number tags(first: 100) { nodes { name digest } } } } }`,
    { id: repositoryId },
  );
  return JSON.stringify(repository);
}
