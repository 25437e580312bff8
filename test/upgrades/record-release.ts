/** Does what an installation does, and keeps its database and blobs: later versions must be able to go on with them. */
import { generateKeyPairSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { expect } from 'vitest';
import { addImage, moveTag } from '../../src/demo/sample-image.ts';
import { openStageWithApi } from '../support/sync/stage-with-api.ts';
import type { StageWithApi } from '../support/sync/stage-with-api.ts';
import { projectRoot } from '../support/import-graph.ts';
import { testSecret } from '../support/test-secret.ts';
import { dumpDatabase } from './dump-database.ts';
import { readChecksums, writeRelease } from './release.ts';
import { getSha256, pushSample } from './served.ts';

/** Replaces the folder of the version that package.json has. `query` is asked of the API, and its answer kept. */
export async function recordRelease(query: string): Promise<void> {
  const { version } = JSON.parse(await readFile(join(projectRoot, 'package.json'), 'utf8')) as {
    version: string;
  };
  const stage = await openStageWithApi();
  try {
    await mirrorTwice(stage);
    await makeObjects(stage);
    const pulls = await listPulls(stage);
    const answer: unknown = await stage.api.data(query);
    const blobs = await readBlobs(stage);
    await writeRelease(version, {
      database: await dump(stage),
      blobs,
      pulls,
      answer,
      migrations: await readChecksums(),
    });
  } finally {
    await stage.close();
  }
}

/** Two versions of a mirror, and a repository that is pushed to. */
async function mirrorTwice(stage: StageWithApi): Promise<void> {
  const mirror = await stage.open({ name: 'mirror/app' });
  expect((await mirror.sync({ mirror: true })).task.state).toBe('COMPLETED');
  moveTag(
    mirror.repository,
    'good',
    addImage(mirror.repository, { seed: 'second', layers: [700], tag: 'v2' }),
  );
  expect((await mirror.sync({ mirror: true })).latest).toBe(2);
  await pushSample(stage.api.url, 'team/app', 'v1');
}

/** One of each kind. */
async function makeObjects({ api }: StageWithApi): Promise<void> {
  const { repositories } = (await api.data('{ repositories(first: 10) { nodes { id name } } }')) as {
    repositories: { nodes: { id: string; name: string }[] };
  };
  const repositoryId = repositories.nodes.find(({ name }) => name === 'mirror/app')?.id;
  const made = async (
    mutation: string,
    input: object,
    selection: string,
  ): Promise<Record<string, { id: string }>> => {
    const payload = (await api.mutate(mutation, input, selection)) as Record<string, { id: string }> & {
      userErrors: unknown;
    };
    expect(payload.userErrors, mutation).toEqual([]);
    return payload;
  };
  await made(
    'scheduleCreate',
    { repositoryId, cron: '0 3 * * *', note: 'nightly', paused: true },
    'schedule { id }',
  );
  const login = {
    name: 'hub',
    kind: 'STATIC',
    username: 'reader',
    password: testSecret('the credential of a release'),
  };
  const { credential } = await made('credentialCreate', login, 'credential { id }');
  const rule = {
    name: 'all',
    url: 'http://127.0.0.1:9',
    includeRepositories: ['apps/*'],
    targetPrefix: 'all/',
  };
  await made(
    'mirrorRuleCreate',
    { ...rule, credentialId: credential?.id, cron: '0 4 * * *', paused: true },
    'mirrorRule { id }',
  );
  await made('distributionCreate', { basePath: 'stable/app', repositoryId }, 'distribution { id }');
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const keys = [publicKey.export({ type: 'spki', format: 'pem' })];
  await made('signaturePolicyCreate', { name: 'signed', keys }, 'signaturePolicy { id }');
  await made('tokenCreate', { name: 'ci', grants: [{ role: 'READER', scope: '*' }] }, 'token { id }');
}

/** Each manifest and blob below each tag. */
async function listPulls({ api }: StageWithApi): Promise<Record<string, string>> {
  const paths: string[] = [];
  for (const base of ['mirror/app', 'stable/app', 'team/app']) {
    const listed = (await (await fetch(`${api.url}/v2/${base}/tags/list`)).json()) as { tags: string[] };
    for (const tag of listed.tags) {
      const path = `/v2/${base}/manifests/${tag}`;
      const {
        config,
        layers = [],
        manifests = [],
      } = (await (await fetch(api.url + path)).json()) as Manifest;
      const blobs = [...(config === undefined ? [] : [config]), ...layers];
      paths.push(path, ...blobs.map(({ digest }) => `/v2/${base}/blobs/${digest}`));
      paths.push(...manifests.map(({ digest }) => `/v2/${base}/manifests/${digest}`));
    }
  }
  return Object.fromEntries(
    await Promise.all(paths.map(async (path) => [path, await getSha256(api.url + path)])),
  );
}

interface Manifest {
  readonly config?: { readonly digest: string };
  readonly layers?: readonly { readonly digest: string }[];
  readonly manifests?: readonly { readonly digest: string }[];
}

async function readBlobs({ harness }: StageWithApi): Promise<Record<string, string>> {
  const blobs: Record<string, string> = {};
  for await (const digest of harness.store.list()) {
    const [algorithm = '', hex = ''] = digest.split(':');
    blobs[digest] = (await readFile(join(harness.folder, 'blobs', algorithm, hex))).toString('base64');
  }
  return blobs;
}

async function dump({ harness }: StageWithApi): Promise<string> {
  const client = new pg.Client({ connectionString: harness.databaseUrl });
  await client.connect();
  try {
    return await dumpDatabase(client);
  } finally {
    await client.end();
  }
}
