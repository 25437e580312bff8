/** Pulls, pushes, syncs and garbage collections at the same time, and what must be there at the end. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { addImage, createSampleRepository } from '../../dist/demo/sample-image.js';
import { digestOf } from './client.mjs';

const pushers = 2;
const pullers = 3;
const syncers = 2;
const collectEveryMs = 15_000;
const endsWithinMs = 180_000;
const configType = 'application/vnd.oci.image.config.v1+json';
const layerType = 'application/vnd.oci.image.layer.v1.tar';
const manifestType = 'application/vnd.oci.image.manifest.v1+json';

export function createLoad({ client, outcome, repositories, upstream, random, goesOn }) {
  /** Images that must be whole from now on: `{ name, digest }` of manifests. */
  const images = [];
  const done = outcome.done;
  const count = (what) => (done[what] = (done[what] ?? 0) + 1);

  async function repeat(what, operation) {
    for (let round = 0; goesOn(); round += 1)
      try {
        await operation(round);
        count(what);
      } catch (error) {
        outcome.failed.push(`${what}: ${error.message}`);
      }
  }

  async function push(pusher, round) {
    const name = `push/${pusher}`;
    const config = Buffer.from(JSON.stringify({ os: 'linux', architecture: 'amd64', round, pusher }));
    const layer = randomBytes(100_000 + Math.floor(random() * 900_000));
    const blobs = [await client.pushBlob(name, config, 1), await client.pushBlob(name, layer)];
    const [configEntry, layerEntry] = blobs;
    const manifest = {
      schemaVersion: 2,
      mediaType: manifestType,
      config: { mediaType: configType, ...configEntry },
      layers: [{ mediaType: layerType, ...layerEntry }],
    };
    const bytes = Buffer.from(JSON.stringify(manifest));
    await client.pushManifest(name, `r${round}`, { mediaType: manifestType, bytes });
    images.push({ name, digest: digestOf(bytes) });
  }

  async function sync(syncer, round) {
    const name = `mirror/${syncer}-${round}`;
    const content = createSampleRepository();
    for (let image = 0; image < 4; image += 1)
      addImage(content, { seed: `${name}-${image}`, layers: [150_000, 400_000], tag: `v${image}` });
    repositories.set(name, content);
    const remoteId = await client.make('remote', {
      name,
      url: upstream.url,
      upstreamName: name,
      rateLimit: 100,
    });
    const repositoryId = await client.make('repository', { name, remoteId });
    const taskId = await start('repositorySync', { repositoryId });
    const task = await ended(taskId);
    if (task.state !== 'COMPLETED')
      throw new Error(`${name} is ${task.state}: ${JSON.stringify(task.error)}`);
    for (const digest of content.manifests.keys()) images.push({ name, digest });
  }

  async function collect() {
    const id = await start('contentCollect', {});
    const task = await ended(id);
    if (task.state !== 'COMPLETED') throw new Error(`it is ${task.state}: ${JSON.stringify(task.error)}`);
    await sleep(collectEveryMs);
  }

  /** A second start, after a lost answer, gets the task that runs. */
  async function start(mutation, input) {
    const type = `${mutation[0].toUpperCase()}${mutation.slice(1)}Input`;
    const data = await client.ask(
      `mutation ($input: ${type}!) { ${mutation}(input: $input) { task { id } userErrors { code message } } }`,
      { input },
    );
    const { task, userErrors } = data[mutation];
    if (task !== null) return task.id;
    if (userErrors[0].code !== 'IN_USE') throw new Error(`${mutation}: ${userErrors[0].message}`);
    const running = await client.ask(
      '{ tasks(first: 1, state: RUNNING, names: ["content.collect"]) { nodes { id } } }',
    );
    return running.tasks.nodes[0]?.id;
  }

  async function ended(id) {
    // it has ended meanwhile
    if (id === undefined) return { state: 'COMPLETED' };
    const giveUpAt = performance.now() + endsWithinMs;
    while (performance.now() < giveUpAt) {
      const { task } = await client.ask(
        'query ($id: ID!) { task(id: $id) { state error { code message } } }',
        { id },
      );
      if (task.state !== 'WAITING' && task.state !== 'RUNNING') return task;
      await sleep(500);
    }
    throw new Error(`the task ${id} has not ended within ${endsWithinMs / 1000} s`);
  }

  async function pull() {
    const image = images[Math.floor(random() * images.length)];
    if (image === undefined) return sleep(200);
    return pullWhole(image);
  }

  async function pullWhole({ name, digest }) {
    const manifest = JSON.parse(await client.pull(`${name}/manifests/${digest}`, digest));
    for (const entry of [manifest.config, ...(manifest.layers ?? [])])
      if (entry !== undefined) await client.pull(`${name}/blobs/${entry.digest}`, entry.digest);
  }

  return {
    run: () =>
      Promise.all([
        ...lanes(pushers, (lane) => repeat('pushes', (round) => push(lane, round))),
        ...lanes(syncers, (lane) => repeat('syncs', (round) => sync(lane, round))),
        ...lanes(pullers, () => repeat('pulls', pull)),
        repeat('collections', collect),
      ]),

    /** Each image that was pushed or synced is whole. */
    async checkAll() {
      for (const image of images)
        try {
          await pullWhole(image);
          count('checked');
        } catch (error) {
          outcome.failed.push(`at the end: ${error.message}`);
        }
    },
  };
}

function lanes(number, lane) {
  return Array.from({ length: number }, (_, index) => lane(index));
}
