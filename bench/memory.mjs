/**
 * `npm run bench:memory -- [--gigabytes 4]`: syncs `big` (24 layers of 25 MB) and one blob of some gigabytes with a worker process of its
 * own, and prints that process's peak memory (VmHWM of Linux). Exits 1 above 300 MB.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startStack } from '../scripts/stack.mjs';

const { values } = parseArgs({ options: { gigabytes: { type: 'string', default: '4' } } });
const limitMegabytes = 300;
const chunkBytes = 1_000_000;

const cases = [
  { name: 'big', blobs: Array.from({ length: 24 }, (_, number) => ({ seed: number, chunks: 25 })) },
  { name: 'huge', blobs: [{ seed: 99, chunks: Number(values.gigabytes) * 1000 }] },
];
let failed = false;
for (const one of cases) {
  const stack = await startStack();
  const upstream = await startGeneratedUpstream(one);
  const startedAt = performance.now();
  const { taskId } = await stack.startSync(one.name, { url: upstream.url, upstreamName: one.name });
  const state = await finalState(stack, taskId);
  const seconds = (performance.now() - startedAt) / 1000;
  const peak = await peakMegabytes(stack.workerPid());
  failed ||= state !== 'COMPLETED' || peak > limitMegabytes;
  console.log(
    `${one.name}: ${state} in ${seconds.toFixed(1)} s, ${upstream.bytes} bytes; peak of the worker process ${peak} MB`,
  );
  upstream.close();
  await stack.stop();
}
process.exit(failed ? 1 : 0);

async function finalState(stack, id) {
  for (;;) {
    const { task } = await stack.query('query ($id: ID!) { task(id: $id) { state error { message } } }', {
      id,
    });
    if (task.error) console.log(task.error.message);
    if (task.state !== 'WAITING' && task.state !== 'RUNNING') return task.state;
    await sleep(200);
  }
}

async function peakMegabytes(pid) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)[1]) / 1024);
}

/** Serves one image whose layers are made while they are sent: nothing of their size is held. */
async function startGeneratedUpstream({ name, blobs }) {
  const config = Buffer.from(
    JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [] } }),
  );
  const layers = blobs.map((blob) => ({
    ...blob,
    digest: digestOf(generate(blob)),
    size: blob.chunks * chunkBytes,
  }));
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: {
        mediaType: 'application/vnd.oci.image.config.v1+json',
        digest: digestOf([config]),
        size: config.length,
      },
      layers: layers.map(({ digest, size }) => ({
        mediaType: 'application/vnd.oci.image.layer.v1.tar',
        digest,
        size,
      })),
    }),
  );
  const answer = async (request, response) => {
    const layer = layers.find(({ digest }) => request.url === `/v2/${name}/blobs/${digest}`);
    if (layer) {
      response.writeHead(200, { 'content-length': layer.size });
      await pipeline(Readable.from(generate(layer)), response).catch(() => undefined);
    } else if (request.url.startsWith(`/v2/${name}/tags/list`)) {
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ name, tags: ['latest'] }));
    } else if (request.url.startsWith(`/v2/${name}/manifests/`)) {
      response.writeHead(200, {
        'content-type': 'application/vnd.oci.image.manifest.v1+json',
        'docker-content-digest': digestOf([manifest]),
        'content-length': manifest.length,
      });
      response.end(manifest);
    } else if (request.url.startsWith(`/v2/${name}/blobs/`)) {
      response.writeHead(200, { 'content-length': config.length }).end(config);
    } else response.writeHead(200).end();
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    bytes: layers.reduce((sum, { size }) => sum + size, 0),
    close: () => server.close(),
  };
}

/** The blob's chunks: one buffer, its head changed for each, so that no two chunks are the same. */
function* generate({ seed, chunks }) {
  for (let number = 0; number < chunks; number += 1) {
    const chunk = Buffer.alloc(chunkBytes, seed);
    chunk.writeUInt32BE(number, 0);
    yield chunk;
  }
}

function digestOf(chunks) {
  const hash = createHash('sha256');
  for (const chunk of chunks) hash.update(chunk);
  return `sha256:${hash.digest('hex')}`;
}
