/**
 * Clean-ups all the time, with a grace period of a second, while pushes, syncs and pulls share layers. `npm run gc-stress` does so for two
 * minutes; here it is a few seconds.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { Repository } from '../../src/db/schema/repositories.ts';
import { kysely } from '../../src/db/sql.ts';
import { addImage, addIndex, createSampleRepository, removeTag } from '../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../src/demo/sample-image.ts';
import { readVersions } from '../support/sync/stage.ts';
import { openStageWithApi } from '../support/sync/stage-with-api.ts';
import type { Stage } from '../support/sync/stage.ts';
import { pushSample } from '../interop/push-sample.ts';

const seconds = Number(process.env['TIDEMARK_GC_STRESS_SECONDS'] ?? 6);
const pushers = 2;
const pullers = 3;

test(
  `fault 111: ${seconds} s of clean-ups under pushes, syncs and pulls of shared layers`,
  {
    timeout: (seconds + 240) * 1000,
  },
  async () => {
    const stage = await openStageWithApi({ graceSeconds: 1 });
    const { url } = stage.api;
    const until = performance.now() + seconds * 1000;
    const done = { collections: 0, removed: 0, pushes: 0, syncs: 0, pulls: 0, moved: 0 };
    // on a slow machine longer: until each has happened
    const goesOn = () =>
      performance.now() < until ||
      [done.removed, done.pushes, done.syncs, done.pulls].some((count) => count === 0);
    const mirror = createSampleRepository();
    addImage(mirror, { seed: 'base', layers: [40_000], tag: 'latest' });
    const scene = await stage.open({ repository: mirror });
    await keepOne(stage, scene.ids.repositoryId);
    const { name: mirrorName } = await stage.harness
      .em()
      .findOneOrFail(Repository, { id: scene.ids.repositoryId });

    const collecting = async () => {
      while (goesOn()) {
        const task = await stage.harness.upkeep('content.collect');
        expect(task).toMatchObject({ state: 'COMPLETED' });
        done.collections += 1;
        done.removed += (task.report?.['manifests'] ?? 0) + (task.report?.['blobs'] ?? 0);
        await sleep(Math.max(0, 1_000 - (Date.now() - task.createdAt.getTime())));
      }
    };
    const syncing = async () => {
      for (let round = 0; goesOn(); round += 1) {
        change(mirror, round);
        const { task } = await scene.sync({ mirror: true });
        expect(task).toMatchObject({ state: 'COMPLETED' });
        done.syncs += 1;
      }
    };
    const pushing = async (pusher: number) => {
      let before: SampleRepository | undefined;
      for (let round = 0; goesOn(); round += 1) {
        const sample = createSampleRepository();
        change(sample, round);
        await pushSample(url, `push/${pusher}`, sample);
        await deleteOthers(`${url}/v2/push/${pusher}`, before, sample);
        before = sample;
        if (round === 0) await keepOneOf(stage, `push/${pusher}`);
        done.pushes += 1;
      }
    };
    const pulling = async (puller: number) => {
      for (let round = puller; goesOn(); round += 1) {
        const name = [mirrorName, 'push/0', 'push/1'][round % 3] ?? mirrorName;
        const outcome = await pull(url, name);
        if (outcome === 'whole') done.pulls += 1;
        else if (outcome === 'moved') done.moved += 1;
        else await sleep(20);
      }
    };
    try {
      await Promise.all([collecting(), syncing(), ...lanes(pushers, pushing), ...lanes(pullers, pulling)]);
      console.log(JSON.stringify(done));
      for (const count of [done.removed, done.pushes, done.syncs, done.pulls])
        expect(count).toBeGreaterThan(0);
      await expectOnlyLive(stage);
    } finally {
      await stage.close();
    }
  },
);

function lanes<T>(count: number, lane: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => lane(index));
}

/** Every third image is one that was there before: what was just let go of is wanted again. */
function change(sample: SampleRepository, round: number): void {
  for (const tag of sample.tags.keys()) removeTag(sample, tag);
  const shared = round % 3;
  const images = ['amd64', 'arm64'].map((architecture) =>
    addImage(sample, {
      seed: `stress-${shared}-${architecture}`,
      layers: [40_000],
      platform: { os: 'linux', architecture },
    }),
  );
  addIndex(sample, { manifests: images, tag: 'latest' });
  // longer than clean-ups need to take it, however fast the machine
  addImage(sample, { seed: `stress-own-${round % 50}`, layers: [20_000], tag: 'other' });
}

/** The images of the push before: an index before what it lists. */
async function deleteOthers(
  url: string,
  before: SampleRepository | undefined,
  now: SampleRepository,
): Promise<void> {
  for (const digest of [...(before?.manifests.keys() ?? [])].toReversed()) {
    if (now.manifests.has(digest)) continue;
    const answer = await fetch(`${url}/manifests/${digest}`, { method: 'DELETE' });
    await answer.arrayBuffer();
    expect(answer.status).toBe(202);
  }
}

async function keepOne(stage: Stage, id: number): Promise<void> {
  await stage.harness.em().nativeUpdate(Repository, { id }, { retainVersions: 1 });
}

async function keepOneOf(stage: Stage, name: string): Promise<void> {
  await stage.harness.em().nativeUpdate(Repository, { name }, { retainVersions: 1 });
}

/** `moved`: another image has the tag now, so that what belonged to the one before may be gone. Anything else that lacks fails. */
async function pull(url: string, name: string): Promise<'whole' | 'moved' | 'none'> {
  const head = await get(`${url}/v2/${name}/manifests/latest`);
  if (head === undefined) return 'none';
  const { digest } = head;
  for (const reference of referencesOf(head.bytes)) {
    const part = await get(`${url}/v2/${name}/${reference}`);
    const below = part !== undefined && reference.startsWith('manifests/') ? referencesOf(part.bytes) : [];
    const parts = [part, ...(await Promise.all(below.map((one) => get(`${url}/v2/${name}/${one}`))))];
    if (parts.every((one) => one !== undefined)) continue;
    const now = await get(`${url}/v2/${name}/manifests/latest`);
    if (now?.digest !== digest) return 'moved';
    throw new Error(`${name}:latest is ${digest}, and ${reference} or a part of it is not there`);
  }
  return 'whole';
}

function referencesOf(bytes: Buffer): string[] {
  const document = JSON.parse(bytes.toString('utf8')) as {
    manifests?: { digest: string }[];
    config?: { digest: string };
    layers?: { digest: string }[];
  };
  const blobs = [...(document.config ? [document.config] : []), ...(document.layers ?? [])];
  return [
    ...(document.manifests ?? []).map(({ digest }) => `manifests/${digest}`),
    ...blobs.map(({ digest }) => `blobs/${digest}`),
  ];
}

const accept = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

async function get(url: string): Promise<{ digest: string; bytes: Buffer } | undefined> {
  const answer = await fetch(url, { headers: { accept } });
  const bytes = Buffer.from(await answer.arrayBuffer());
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw new Error(`${url}: ${answer.status} ${bytes.toString('utf8', 0, 300)}`);
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  expect(answer.headers.get('docker-content-digest')).toBe(digest);
  return { digest, bytes };
}

/** When all is quiet: every version whole, and nothing in the database or the store but what they hold. */
async function expectOnlyLive({ harness }: Stage): Promise<void> {
  const db = kysely(harness.em());
  await sql`delete from repository_blob`.execute(db);
  for (let idle = 0; idle < 2;) {
    await sleep(1_100);
    const { state, report } = await harness.upkeep('content.collect');
    expect(state).toBe('COMPLETED');
    const { graceSeconds: _grace, ...removed } = report ?? {};
    idle = Object.keys(removed).length === 0 ? idle + 1 : 0;
  }
  const live = { manifests: new Set<string>(), blobs: new Set<string>() };
  for (const { id } of await harness.em().findAll(Repository)) {
    const versions = await readVersions(harness, id);
    expect(versions).toHaveLength(1);
    for (const { manifests, blobs } of versions) {
      for (const digest of manifests) live.manifests.add(digest);
      for (const digest of blobs) live.blobs.add(digest);
    }
  }
  const rows = async (table: 'manifest' | 'blob') =>
    (await sql<{ digest: string }>`select digest from ${sql.table(table)}`.execute(db)).rows.map(
      (row) => row.digest,
    );
  expect((await rows('manifest')).sort()).toEqual([...live.manifests].sort());
  expect((await rows('blob')).sort()).toEqual([...live.blobs].sort());
  expect((await harness.storedFiles()).sort()).toEqual(
    [...live.blobs].map((digest) => digest.slice(7)).sort(),
  );
}
