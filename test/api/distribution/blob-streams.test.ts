/** Blobs while something is wrong with the disk, the client or the servers beside. */
import { readdir, readlink, rm, truncate } from 'node:fs/promises';
import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addBlob, createSampleRepository } from '../../../src/demo/sample-image.ts';
import { until } from '../../support/until.ts';
import { pull } from '../../support/api/pull.ts';
import { startPullScene } from '../../support/api/pull-scene.ts';
import type { PullScene } from '../../support/api/pull-scene.ts';

const mib = 1024 * 1024;
const sample = createSampleRepository();
const large = addBlob(sample, Buffer.alloc(64 * mib, 'tidemark'), 'x');
const missing = addBlob(sample, Buffer.from('will be removed'), 'x');
const short = addBlob(sample, Buffer.alloc(3 * mib, 'short'), 'x');
const other = addBlob(sample, Buffer.alloc(40 * mib, 'another'), 'x');
const shrinking = addBlob(sample, Buffer.alloc(40 * mib, 'shrinking'), 'x');

let scene: PullScene;
beforeAll(async () => {
  scene = await startPullScene();
  await scene.publish('team/shop', sample);
});
afterAll(() => scene?.close());

function fileOf(digest: string): string {
  return join(scene.folder, 'blobs', ...digest.split(':'));
}

/** An answer of which nothing is read yet. */
function open({ api }: PullScene, digest: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = get(`${api.url}/v2/team/shop/blobs/${digest}`, { agent: false }, (response) => {
      response.on('error', () => undefined);
      resolve(response);
    });
    sent.on('error', reject);
  });
}

test.each(['GET', 'HEAD'])(
  'fault 84: %s of a blob whose file is gone answers 404, with an error in the log',
  async (method) => {
    await rm(fileOf(missing.digest), { force: true });
    const before = scene.api.logged().length;
    const { status, body } = await pull(scene.api.url, {
      method,
      path: `/v2/team/shop/blobs/${missing.digest}`,
    });
    expect(status).toBe(404);
    if (method === 'GET')
      expect(JSON.parse(body.toString())).toMatchObject({ errors: [{ code: 'BLOB_UNKNOWN' }] });
    const logged = scene.api.logged().slice(before);
    expect(logged).toContain('"level":50');
    expect(logged).toContain('"repository":"team/shop"');
    expect(logged).toContain(missing.digest);
    expect(body.toString()).not.toContain(scene.folder);
  },
);

test('fault 84: so does one whose file is too short', async () => {
  await truncate(fileOf(short.digest), 2 * mib);
  const { status } = await pull(scene.api.url, { path: `/v2/team/shop/blobs/${short.digest}` });
  expect(status).toBe(404);
});

test('fault 115: a file that ends while it is sent breaks the connection off: no short 200', async () => {
  const response = await open(scene, shrinking.digest);
  expect(response.statusCode).toBe(200);
  await truncate(fileOf(shrinking.digest), mib);
  const ended = new Promise<'whole' | 'broken'>((resolve) => {
    response.on('close', () => resolve(response.complete ? 'whole' : 'broken'));
  });
  response.resume();
  expect(await ended).toBe('broken');
  expect(scene.api.logged()).toContain('missing or damaged');
  const path = `/v2/team/shop/blobs/${shrinking.digest}`;
  await until(() => scene.api.accessed().some((line) => line['path'] === path));
  expect(scene.api.accessed().find((line) => line['path'] === path)).toMatchObject({
    status: 200,
    aborted: true,
  });
});

test.skipIf(process.platform !== 'linux')('a client that leaves has its file closed', async () => {
  const response = await open(scene, large.digest);
  expect(await openFiles(large.digest)).toBe(1);
  response.destroy();
  await until(async () => (await openFiles(large.digest)) === 0);
  const whole = await pull(scene.api.url, { path: `/v2/team/shop/blobs/${large.digest}` });
  expect(whole.body.length).toBe(large.size);
});

test('clients beside one that leaves in the middle, and after it, get their own bytes', async () => {
  const paths = [large, other].map(({ digest }) => ({ path: `/v2/team/shop/blobs/${digest}` }));
  const wanted = [Buffer.alloc(64 * mib, 'tidemark'), Buffer.alloc(40 * mib, 'another')];
  for (let round = 0; round < 3; round += 1) {
    const leaving = await Promise.all([open(scene, large.digest), open(scene, other.digest)]);
    const pulled = Promise.all(paths.map((path) => pull(scene.api.url, path)));
    for (const response of leaving) response.once('data', () => response.destroy());
    for (const [index, { body }] of (await pulled).entries()) expect(wanted[index]?.equals(body)).toBe(true);
  }
});

test('fault 80: 150 clients that read nothing cost at most 64 MiB and 64 KiB each; a reader beside them is served', async () => {
  const before = process.memoryUsage().arrayBuffers;
  const responses = await Promise.all(Array.from({ length: 150 }, () => open(scene, large.digest)));
  try {
    const grown = process.memoryUsage().arrayBuffers - before;
    // of the 64 KiB here: the clients of this very process hold some too
    expect(grown).toBeLessThan(64 * mib + 150 * 256 * 1024);
    const { body } = await pull(scene.api.url, { path: `/v2/team/shop/blobs/${large.digest}` });
    expect(body.equals(Buffer.alloc(64 * mib, 'tidemark'))).toBe(true);
  } finally {
    for (const response of responses) response.destroy();
  }
});

test('fault 115: a stop breaks off what is not read in time, and the client can tell', async () => {
  const stopping = await startPullScene();
  await stopping.publish('team/shop', sample);
  const response = await open(stopping, large.digest);
  const ended = new Promise<'whole' | 'broken'>((resolve) => {
    response.on('close', () => resolve(response.complete ? 'whole' : 'broken'));
  });
  await stopping.close();
  response.resume();
  expect(await ended).toBe('broken');
});

/** How often this process has the blob open. */
async function openFiles(digest: string): Promise<number> {
  const folder = '/proc/self/fd';
  const names = await readdir(folder);
  const targets = await Promise.all(names.map((name) => readlink(join(folder, name)).catch(() => '')));
  return targets.filter((target) => target === fileOf(digest)).length;
}
