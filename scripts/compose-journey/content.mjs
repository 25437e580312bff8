/** Images in the upstream, made by the engine; and what the engine pulls of them from Tidemark. */
import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { check } from './engine.mjs';
import { ports } from './stack.mjs';

export const repositoryName = 'team/app';
const layerBytes = 3_000_000;

/** Makes an image of one random layer, and pushes it. @returns the digest of its manifest. */
async function pushImage(image, { folder, text }) {
  const layer = join(folder, 'layer');
  await mkdir(layer, { recursive: true });
  await writeFile(join(layer, 'data'), randomBytes(layerBytes));
  await text('bash', [
    '-c',
    'set -o pipefail; tar -C "$1" -c data | docker import - "$2"',
    'bash',
    layer,
    image,
  ]);
  const digest = /digest: (sha256:[0-9a-f]{64})/.exec(await text('docker', ['push', image]))?.[1];
  check(digest !== undefined, `docker push printed no digest of ${image}`);
  await text('docker', ['rmi', image]);
  await rm(layer, { recursive: true });
  return digest;
}

/** Pushes images to the upstream as v<from> to v<to>. @returns their digests by tag. */
export async function pushImages({ from, to, ...tools }) {
  const digests = new Map();
  for (let number = from; number <= to; number += 1) {
    const tag = `v${number}`;
    digests.set(tag, await pushImage(`127.0.0.1:${ports.upstream}/${repositoryName}:${tag}`, tools));
  }
  return digests;
}

/** `docker login`, `docker pull` and a comparison of the digest. */
export async function dockerPull({ host, tag, digest, token, text }) {
  await text('docker', ['login', host, '--username', 'journey', '--password-stdin'], { input: token });
  await pullImage(`${host}/${repositoryName}:${tag}`, digest, text);
}

/** Pushes an image to Tidemark itself, in as many requests as docker makes, and pulls it. */
export async function dockerPush({ host, name, ...tools }) {
  const image = `${host}/${name}`;
  await pullImage(image, await pushImage(image, tools), tools.text);
}

async function pullImage(image, digest, text) {
  const pulled = await text('docker', ['pull', image]);
  check(pulled.includes(digest), `docker pulled ${image} with another digest than ${digest}`);
  await text('docker', ['rmi', image]);
}
