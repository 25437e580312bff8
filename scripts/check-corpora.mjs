/**
 * `npm run corpora`: fills a real registry with the corpora of ../shared/corpora/mkupstream.py, syncs them through a running
 * Tidemark by the command line, and compares what it then has with what was pushed, every blob file hashed again. Then the
 * upstream changes, and a mirror sync has to follow it while version 1 stays whole. Prints a table; exits 1 on a difference.
 *
 *   npm run corpora -- [--registry docker-registry|crane] [--corpus small,docker,big,manytags,tags10k] [--seed 1] [--blobs folder|s3]
 *
 * With `--blobs s3` the blobs go to a versitygw (bash scripts/install-peers.sh).
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, existsSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startRegistry } from '../test/interop/peers.ts';
import { startS3Server } from '../test/support/servers/s3-server.ts';
import { root } from './prepare.mjs';

const { values } = parseArgs({
  options: {
    registry: { type: 'string', default: 'docker-registry' },
    corpus: { type: 'string', default: 'small,docker,big,manytags,tags10k' },
    seed: { type: 'string', default: '1' },
    blobs: { type: 'string', default: 'folder' },
  },
});
const generator = join(root, '..', 'shared', 'corpora', 'mkupstream.py');
const startTimeoutMs = 120_000;
const pageSize = 100;
const acceptAll = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

if (!existsSync(generator)) {
  console.error(
    'The corpora are made by ../shared/corpora/mkupstream.py, which is not there beside this checkout.',
  );
  process.exit(1);
}
const work = await mkdtemp(join(tmpdir(), 'tidemark-corpora-'));
const dataDir = join(work, 'data');
const s3 = values.blobs === 's3' ? await startS3Server() : undefined;
const blobFolder = join(s3 === undefined ? dataDir : join(s3.folder, 'tidemark'), 'blobs', 'sha256');
const environment = {
  ...process.env,
  ...s3?.settings(),
  TIDEMARK_DATA: dataDir,
  TIDEMARK_PORT: '0',
  LOG_LEVEL: 'warn',
};
const registry = await startRegistry(values.registry);
let server;
try {
  console.log(`Filling ${values.registry} on ${registry.url}`);
  const corpora = values.corpus.split(',');
  const inventoryDir = join(work, 'inventory');
  await run('python3', [
    generator,
    `--registry=${registry.url}`,
    `--corpus=${values.corpus}`,
    `--seed=${values.seed}`,
    `--inventory=${inventoryDir}`,
  ]);
  server = spawn(process.execPath, [join(root, 'dist', 'main.js'), 'start'], {
    env: environment,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const apiUrl = await waitForApi();
  const rows = [];
  for (const corpus of corpora) {
    const inventory = JSON.parse(await readFile(join(inventoryDir, `${corpus}.json`), 'utf8'));
    rows.push(await checkCorpus({ apiUrl, corpus, inventory }));
  }
  console.table(rows);
  process.exitCode = rows.every(({ differences }) => differences === 0) ? 0 : 1;
} finally {
  if (server !== undefined && server.exitCode === null) {
    server.kill('SIGTERM');
    await once(server, 'exit');
  }
  await registry.stop();
  await s3?.stop();
  await rm(work, { recursive: true, force: true, maxRetries: 5 });
}

async function checkCorpus({ apiUrl, corpus, inventory }) {
  const first = await sync(corpus);
  const before = await readVersion(apiUrl, corpus, 1);
  const faults = [...compareVersion(before, inventory), ...(await compareFiles(inventory))];
  const pullMs = await pullBlobs({ apiUrl, corpus, inventory, faults });
  const again = await sync(corpus);
  if ((await latestNumber(apiUrl, corpus)) !== 1) faults.push('a sync of nothing new made a version');

  const tags = await changeUpstream(corpus, inventory);
  const mirror = await sync(corpus, '--mirror');
  const after = await readVersion(apiUrl, corpus, 2);
  faults.push(...compareMaps('tag after the change', after.tags, tags));
  const whole = await readVersion(apiUrl, corpus, 1);
  faults.push(...compareVersion(whole, inventory).map((fault) => `version 1 afterwards: ${fault}`));
  for (const fault of faults.slice(0, 20)) console.error(`${corpus}: ${fault}`);
  return {
    corpus,
    tags: before.tags.size,
    manifests: before.manifests.size,
    blobs: before.blobs.size,
    MB: Math.round([...before.blobs.values()].reduce((sum, size) => sum + size, 0) / 1e6),
    'sync s': seconds(first),
    'pull s': seconds({ ms: pullMs }),
    'again s': seconds(again),
    'mirror s': seconds(mirror),
    differences: faults.length,
  };
}

function seconds({ ms }) {
  return Number((ms / 1000).toFixed(1));
}

/** Of the first three tags: one goes, one moves to what the third names, and a new one names that too. */
async function changeUpstream(corpus, { tags }) {
  const changed = new Map(Object.entries(tags));
  const [gone, moved, kept] = [...changed.keys()].sort();
  const manifestsUrl = `${registry.url}/v2/${corpus}/manifests`;
  const source = await fetch(`${manifestsUrl}/${kept}`, { headers: { accept: acceptAll } });
  const body = new Uint8Array(await source.arrayBuffer());
  for (const tag of [moved, 'added-later']) {
    const headers = { 'content-type': source.headers.get('content-type') };
    const response = await fetch(`${manifestsUrl}/${tag}`, { method: 'PUT', headers, body });
    if (response.status !== 201) throw new Error(`PUT of ${corpus}:${tag}: ${response.status}`);
    changed.set(tag, changed.get(kept));
  }
  const byTag = await fetch(`${manifestsUrl}/${gone}`, { method: 'DELETE' });
  if (byTag.status === 202) {
    changed.delete(gone);
    return changed;
  }
  // distribution 2.8 removes no tag alone, only a manifest with every tag on it
  const digest = changed.get(gone);
  const byDigest = await fetch(`${manifestsUrl}/${digest}`, { method: 'DELETE' });
  if (byDigest.status !== 202) throw new Error(`DELETE of ${corpus}@${digest}: ${byDigest.status}`);
  for (const [tag, target] of changed) if (target === digest) changed.delete(tag);
  return changed;
}

function compareVersion(version, inventory) {
  const manifests = Object.entries(inventory.manifests).map(([digest, { size, mediaType }]) => [
    digest,
    `${size} ${mediaType}`,
  ]);
  return [
    ...compareMaps('tag', version.tags, new Map(Object.entries(inventory.tags))),
    ...compareMaps('manifest', version.manifests, new Map(manifests)),
    ...compareMaps('blob', version.blobs, new Map(Object.entries(inventory.blobs))),
  ];
}

function compareMaps(kind, actual, expected) {
  const names = new Set([...actual.keys(), ...expected.keys()]);
  return [...names]
    .filter((name) => actual.get(name) !== expected.get(name))
    .map(
      (name) =>
        `${kind} ${name} is ${actual.get(name) ?? 'absent'}, expected ${expected.get(name) ?? 'none'}`,
    );
}

/** Every file is what its name says, and every blob of the inventory has one. */
async function compareFiles(inventory) {
  const files = new Set(await readdir(blobFolder));
  const faults = Object.keys(inventory.blobs)
    .filter((digest) => !files.has(digest.slice('sha256:'.length)))
    .map((digest) => `blob ${digest} has no file`);
  for (const file of files) {
    const hash = createHash('sha256');
    await pipeline(createReadStream(join(blobFolder, file), { highWaterMark: 1 << 20 }), hash);
    if (hash.digest('hex') !== file) faults.push(`blob file ${file} holds something else`);
  }
  return faults;
}

/** Every blob over `/v2/`, four at a time, hashed as it comes; answers how long it took. */
async function pullBlobs({ apiUrl, corpus, inventory, faults }) {
  const started = performance.now();
  const digests = Object.keys(inventory.blobs).values();
  const lane = async () => {
    for (const digest of digests) {
      const hash = createHash('sha256');
      const response = await fetch(new URL(`/v2/${corpus}/blobs/${digest}`, apiUrl));
      for await (const chunk of response.body) hash.update(chunk);
      if (`sha256:${hash.digest('hex')}` !== digest)
        faults.push(`blob ${digest} is pulled as something else (${response.status})`);
    }
  };
  await Promise.all([lane(), lane(), lane(), lane()]);
  return performance.now() - started;
}

async function sync(corpus, ...options) {
  const started = performance.now();
  await run(process.execPath, [
    join(root, 'dist', 'main.js'),
    'sync',
    corpus,
    `--upstream=${registry.url}`,
    '--json',
    ...options,
  ]);
  return { ms: performance.now() - started };
}

async function readVersion(apiUrl, name, number) {
  const pages = async (list, fields, entry) => {
    const found = new Map();
    let after = null;
    do {
      const query = `query($name: String!, $number: Int!, $first: Int!, $after: String) {
        repository(name: $name) { version(number: $number) {
          page: ${list}(first: $first, after: $after) { nodes { ${fields} } pageInfo { hasNextPage endCursor } } } } }`;
      const { repository } = await ask(apiUrl, query, { name, number, first: pageSize, after });
      if (!repository?.version) throw new Error(`${name} has no version ${number}.`);
      const { nodes, pageInfo } = repository.version.page;
      for (const node of nodes) found.set(...entry(node));
      after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
    } while (after !== null);
    return found;
  };
  return {
    tags: await pages('tags', 'name digest', (tag) => [tag.name, tag.digest]),
    manifests: await pages('manifests', 'digest sizeBytes mediaType', (manifest) => [
      manifest.digest,
      `${manifest.sizeBytes} ${manifest.mediaType}`,
    ]),
    blobs: await pages('blobs', 'digest sizeBytes', (blob) => [blob.digest, blob.sizeBytes]),
  };
}

async function latestNumber(apiUrl, name) {
  const query = 'query($name: String!) { repository(name: $name) { latestVersion { number } } }';
  return (await ask(apiUrl, query, { name })).repository.latestVersion.number;
}

async function ask(apiUrl, query, variables) {
  const response = await fetch(new URL('/graphql', apiUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors !== undefined) throw new Error(JSON.stringify(errors));
  return data;
}

async function waitForApi() {
  const deadline = Date.now() + startTimeoutMs;
  while (Date.now() < deadline) {
    if (server.exitCode !== null)
      throw new Error('Tidemark ended before it was ready; what it said is above.');
    try {
      const { apiUrl } = JSON.parse(await readFile(join(dataDir, 'server.json'), 'utf8'));
      if ((await fetch(new URL('/readyz', apiUrl))).ok) return apiUrl;
    } catch {
      // not there yet
    }
    await sleep(200);
  }
  throw new Error(`Tidemark was not ready within ${startTimeoutMs / 1000} s.`);
}

async function run(command, args) {
  const child = spawn(command, args, { env: environment, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    output += chunk;
  });
  const [code] = await once(child, 'close');
  if (code !== 0)
    throw new Error(`${args.slice(1, 3).join(' ')} ended with ${code}:\n${output.slice(-2000)}`);
}
