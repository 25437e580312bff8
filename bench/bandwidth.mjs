/**
 * `npm run bench:bandwidth -- [--limit 20] [--seconds 20]`: syncs three large images with three worker processes under a limit of bandwidth (MB/s), first
 * of its remote, then of its host. Prints what the upstream sent in that time, and how many workers were downloading. Exits 1 if it was more than the
 * limit and its burst, or not within 10 % of the limit.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { freePort } from '../dist/embedded/server-process.js';
import { startStack } from '../scripts/stack.mjs';

const { values } = parseArgs({
  options: { limit: { type: 'string', default: '20' }, seconds: { type: 'string', default: '20' } },
});
const limit = Number(values.limit) * 1e6;
const measuredSeconds = Number(values.seconds);
/** Of the start: connections, and the leases of the workers. */
const warmUpSeconds = 3;
const layerBytes = 8_000_000;
const pieceBytes = 64 * 1024;
const tags = ['v1', 'v2', 'v3'];
/** Of an image: enough for several batches, which different workers take. */
const layers = Math.max(
  100,
  Math.ceil((limit * (measuredSeconds + 4 * warmUpSeconds)) / layerBytes / tags.length),
);

let failed = false;
for (const scope of ['remote', 'host']) {
  const upstream = await startUpstream(await freePort());
  const text = `${values.limit}MB/s`;
  const stack = await startStack({
    LOG_LEVEL: 'info',
    TIDEMARK_WORKER_CONNECTIONS: '4',
    ...(scope === 'host' && { TIDEMARK_HOST_BYTES_PER_SECOND: `${new URL(upstream.url).host}=${text}` }),
  });
  stack.addWorkers(2);
  // All workers must poll before the batches are handed out.
  while ((await readFile(join(stack.dataDir, 'roles.log'), 'utf8')).split('Worker ready').length <= 3)
    await sleep(200);
  const { remote } = await stack.mutate('remoteCreate', 'remote { id }', {
    name: 'limited',
    url: upstream.url,
    upstreamName: 'big',
    ...(scope === 'remote' && { bytesPerSecond: text }),
  });
  const taskIds = await Promise.all(
    tags.map(async (tag) => {
      const named = { name: `limited/${tag}`, remoteId: remote.id };
      const { repository } = await stack.mutate('repositoryCreate', 'repository { id }', named);
      const wish = { repositoryId: repository.id, overrides: { includeTags: [tag] } };
      const { task } = await stack.mutate('repositorySync', 'task { id }', wish);
      return task.id;
    }),
  );
  while (upstream.bytes === 0) await sleep(50);
  await sleep(warmUpSeconds * 1000);
  const downloading = await downloadingWorkers(stack, taskIds);
  const before = { bytes: upstream.bytes, atMs: performance.now() };
  await sleep(measuredSeconds * 1000);
  const seconds = (performance.now() - before.atMs) / 1000;
  const sent = upstream.bytes - before.bytes;
  const rate = sent / seconds;
  const isWithin = Math.abs(rate / limit - 1) <= 0.1;
  failed ||= !isWithin || downloading.size < 3;
  console.log(
    `limit of the ${scope}, ${text}: ${(rate / 1e6).toFixed(2)} MB/s over ${seconds.toFixed(1)} s, ${((100 * rate) / limit).toFixed(1)} % of it; ` +
      `${downloading.size} workers were downloading`,
  );
  for (const id of taskIds) await stack.mutate('taskCancel', 'task { id }', { id });
  upstream.close();
  await stack.stop();
}
process.exit(failed ? 1 : 0);

/** The workers that download now, by the name that each has at Temporal. */
async function downloadingWorkers({ temporalAddress, query }, ids) {
  const connection = await Connection.connect({ address: temporalAddress() });
  const { workflow } = new Client({ connection });
  const names = new Set();
  for (const id of ids) {
    const { task } = await query('query ($id: ID!) { task(id: $id) { workflowId } }', { id });
    const { raw } = await workflow.getHandle(task.workflowId).describe();
    for (const { lastWorkerIdentity: name } of raw.pendingActivities ?? []) if (name) names.add(name);
  }
  await connection.close();
  return names;
}

function contentOf(number) {
  return Buffer.alloc(layerBytes, `${number} `);
}

function digestOf(bytes) {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function type(kind) {
  return `application/vnd.oci.image.${kind}`;
}

/** Serves an image of many layers for each tag. The content of a layer is its number, over and over. */
async function startUpstream(port) {
  const config = Buffer.from(
    JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [] } }),
  );
  const numbers = new Map(
    Array.from({ length: tags.length * layers }, (_, number) => [digestOf(contentOf(number)), number]),
  );
  const manifestOf = (digests) =>
    Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: type('manifest.v1+json'),
        config: { mediaType: type('config.v1+json'), digest: digestOf(config), size: config.length },
        layers: digests.map((digest) => ({ mediaType: type('layer.v1.tar'), digest, size: layerBytes })),
      }),
    );
  const manifests = new Map(
    tags.flatMap((tag, index) => {
      const bytes = manifestOf([...numbers.keys()].slice(index * layers, (index + 1) * layers));
      return [tag, digestOf(bytes)].map((reference) => [reference, bytes]);
    }),
  );
  const upstream = { url: `http://127.0.0.1:${port}`, bytes: 0, close: () => server.close() };
  const answer = async (request, response) => {
    const [, kind, reference] = /\/(tags|manifests|blobs)\/([^/?]+)/.exec(request.url) ?? [];
    const json = (body) => response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
    if (kind === 'tags') return json({ name: 'big', tags });
    const manifest = kind === 'manifests' ? manifests.get(reference) : undefined;
    if (manifest !== undefined) {
      response.setHeader('content-type', type('manifest.v1+json'));
      response.setHeader('docker-content-digest', digestOf(manifest));
      response.setHeader('content-length', manifest.length);
      return response.end(request.method === 'HEAD' ? undefined : manifest);
    }
    if (kind === 'blobs' && reference === digestOf(config)) return response.end(config);
    const number = kind === 'blobs' ? numbers.get(reference) : undefined;
    if (number === undefined) return response.writeHead(404).end();
    response.setHeader('content-length', layerBytes);
    // Counted as it is handed to the connection, which takes no more than its buffers.
    const pieces = function* () {
      for (let at = 0, bytes = contentOf(number); at < bytes.length; at += pieceBytes) {
        upstream.bytes += Math.min(pieceBytes, bytes.length - at);
        yield bytes.subarray(at, at + pieceBytes);
      }
    };
    await pipeline(Readable.from(pieces(), { highWaterMark: 1 }), response).catch(() => undefined);
  };
  const server = createServer((request, response) => void answer(request, response));
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return upstream;
}
