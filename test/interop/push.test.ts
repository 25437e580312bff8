/** Pushes by clients that others wrote, and OCI's conformance suite. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addImage, addIndex, createSampleRepository } from '../../src/demo/sample-image.ts';
import { startPushScene } from '../support/api/push-scene.ts';
import type { PushScene } from '../support/api/push-scene.ts';
import { runPeer, skipWithout } from './peers.ts';
import { expectConformance, runConformance } from './conformance.ts';

let scene: PushScene;
let host: string;
let folder: string;
const content = createSampleRepository();
const images = ['amd64', 'arm64'].map((architecture) =>
  addImage(content, {
    seed: `pushed-${architecture}`,
    layers: [300_000],
    platform: { os: 'linux', architecture },
  }),
);
const index = addIndex(content, { manifests: images, tag: 'v1' });

beforeAll(async () => {
  scene = await startPushScene();
  host = new URL(scene.api.url).host;
  folder = await mkdtemp(join(tmpdir(), 'tidemark-clients-'));
  await scene.pushSample('team/shop', content);
});
afterAll(async () => {
  await scene?.close();
  await rm(folder, { recursive: true, force: true });
});

/** The digest that a tag has now. */
async function digestAt(name: string, tag: string): Promise<string | undefined> {
  return (await scene.send('HEAD', `/v2/${name}/manifests/${tag}`)).headers['docker-content-digest'] as
    | string
    | undefined;
}

function copyAll(...args: string[]): Promise<Buffer> {
  return runPeer('skopeo', 'copy', '--all', '--preserve-digests', ...args);
}

test.skipIf(skipWithout('skopeo'))('skopeo copies an index out and in again', async () => {
  const layout = `oci:${join(folder, 'skopeo')}:v1`;
  await copyAll('--src-tls-verify=false', `docker://${host}/team/shop:v1`, layout);
  await copyAll('--dest-tls-verify=false', layout, `docker://${host}/by/skopeo:v1`);
  expect(await digestAt('by/skopeo', 'v1')).toBe(index.digest);
  await runPeer('skopeo', 'delete', '--tls-verify=false', `docker://${host}/by/skopeo:v1`);
  expect(await digestAt('by/skopeo', 'v1')).toBeUndefined();
});

test.skipIf(skipWithout('crane'))('crane pushes, copies, and mutates', async () => {
  const layout = join(folder, 'crane');
  await runPeer('crane', 'pull', '--insecure', '--format=oci', `${host}/team/shop:v1`, layout);
  await runPeer('crane', 'push', '--insecure', '--index', layout, `${host}/by/crane:v1`);
  // within one registry: by mounts
  await runPeer('crane', 'copy', '--insecure', `${host}/team/shop:v1`, `${host}/by/crane:copied`);
  expect(await digestAt('by/crane', 'copied')).toBe(index.digest);
  await runPeer(
    'crane',
    'mutate',
    '--insecure',
    '--label=a=b',
    '--tag',
    `${host}/by/crane:changed`,
    `${host}/team/shop@${images[0]?.digest}`,
  );
  await runPeer('crane', 'validate', '--insecure', '--remote', `${host}/by/crane:changed`);
});

test.skipIf(skipWithout('regctl'))('regctl copies an image and deletes its tag', async () => {
  const regctl = (...args: string[]) => runPeer('regctl', '--host', `reg=${host},tls=disabled`, ...args);
  await regctl('image', 'copy', `${host}/team/shop:v1`, `${host}/by/regctl:v1`);
  expect(await digestAt('by/regctl', 'v1')).toBe(index.digest);
  await regctl('tag', 'delete', `${host}/by/regctl:v1`);
  expect(await digestAt('by/regctl', 'v1')).toBeUndefined();
});

test.skipIf(skipWithout('oras'))('oras pushes, attaches, and discovers what it attached', async () => {
  const file = join(folder, 'notes.txt');
  await writeFile(file, 'notes');
  const plain = ['--plain-http', '--disable-path-validation'];
  await runPeer('oras', 'push', ...plain, `${host}/by/oras:v1`, `${file}:text/plain`);
  await runPeer(
    'oras',
    'attach',
    ...plain,
    '--artifact-type',
    'text/notes',
    `${host}/by/oras:v1`,
    `${file}:text/plain`,
  );
  expect(String(await runPeer('oras', 'discover', '--plain-http', `${host}/by/oras:v1`))).toContain(
    'text/notes',
  );
});

test.skipIf(skipWithout('conformance'))(
  'the conformance suite of OCI passes, with what comes after 1.1',
  { timeout: 300_000 },
  async () => expectConformance(await runConformance(host, {})),
);
