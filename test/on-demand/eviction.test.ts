/** TIDEMARK_CACHE_BYTES: layers that pulls have fetched leave the store, the least recently pulled first. */
import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Distribution } from '../../src/db/schema/distributions.ts';
import { Remote } from '../../src/db/schema/remotes.ts';
import { Repository } from '../../src/db/schema/repositories.ts';
import { addImage, createSampleRepository } from '../../src/demo/sample-image.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { startHarnessApi } from '../support/api/harness-api.ts';
import type { HarnessApi } from '../support/api/harness-api.ts';
import { pull } from '../support/api/pull.ts';
import { openStage, upstreamName } from '../support/sync/stage.ts';
import type { Stage } from '../support/sync/stage.ts';
import { until } from '../support/until.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage?.close());

/** `npm run cache-stress` pulls for ten minutes; here each layer is pulled a few times. */
const seconds = Number(process.env['TIDEMARK_CACHE_STRESS_SECONDS'] ?? 0);
let scenes = 0;

/** Synced with ON_DEMAND: an image whose layers nobody has pulled. */
async function openImage(count: number) {
  scenes += 1;
  const repository = createSampleRepository();
  const sizes = Array.from({ length: count }, (_, at) => 40_000 + at);
  const seed = `evict-${process.pid}-${scenes}`;
  const image = addImage(repository, { seed, layers: sizes, tag: 'v1' });
  const scene = await stage.open({ repository, remote: { policy: 'ON_DEMAND' } });
  expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED' });
  const { name } = await stage.harness.em().findOneOrFail(Repository, { id: scene.ids.repositoryId });
  const document = JSON.parse(String(repository.manifests.get(image.digest)?.bytes)) as {
    layers: { digest: Digest; size: number }[];
  };
  const digests = document.layers.map(({ digest }) => digest);
  return {
    ...scene,
    digests,
    bytes: document.layers.reduce((sum, { size }) => sum + size, 0),
    pull: async (api: HarnessApi, digest: Digest | undefined) => {
      const answer = await pull(api.url, { path: `/v2/${name}/blobs/${digest}` });
      const bytes = repository.blobs.get(digest ?? ('' as Digest)) ?? Buffer.alloc(0);
      // toEqual takes tens of milliseconds for a layer, in the thread that serves
      expect([answer.status, bytes.equals(answer.body)]).toEqual([200, true]);
    },
    asked: (digest: Digest) => scene.upstream.requestsOf(`GET /v2/${upstreamName}/blobs/${digest}`).length,
  };
}

type Image = Awaited<ReturnType<typeof openImage>>;

const rows = (sql: string): Promise<Record<string, unknown>[]> => stage.harness.em().execute(sql);

/** The places of the layers that are in the store. */
async function storedOf({ digests, repository }: Image): Promise<number[]> {
  const stored = await Promise.all(
    digests.map((digest) =>
      stage.harness.store.exists({ digest, size: repository.blobs.get(digest)?.length ?? 0 }),
    ),
  );
  return digests.flatMap((_, at) => (stored[at] === true ? [at] : []));
}

const cacheBytes = async () => {
  const [row] = await rows(
    'select coalesce(sum(size_bytes), 0)::int as bytes from blob where used_at is not null and stored_at is not null',
  );
  return Number(row?.['bytes']);
};

test('the least recently pulled layer goes first, and is fetched again when it is pulled', async () => {
  const image = await openImage(4);
  const [first, second, , fourth] = image.digests;
  const limit = image.bytes - 40_000;
  const api = await startHarnessApi(stage.harness, { cacheBytes: limit });
  try {
    for (const digest of image.digests.slice(0, 3)) await image.pull(api, digest);
    await until(async () => (await storedOf(image)).join() === '0,1,2');
    for (const [at, digest] of image.digests.slice(0, 3).entries())
      await rows(`update blob set used_at = now() - interval '${9 - at} hours' where digest = '${digest}'`);
    await image.pull(api, first);
    await until(async () => {
      const used = await rows(
        `select from blob where digest = '${first}' and used_at > now() - interval '1 hour'`,
      );
      return used.length > 0;
    });
    await image.pull(api, fourth);
    await until(async () => (await storedOf(image)).join() === '0,2,3');
    expect(await cacheBytes()).toBeLessThanOrEqual(limit);
    await image.pull(api, second);
    expect(image.asked(second ?? ('' as Digest))).toBe(2);
    expect(image.asked(first ?? ('' as Digest))).toBe(1);
  } finally {
    await api.close();
  }
});

test(
  'under concurrent pulls every client gets its bytes, the limit holds, and pinned layers stay',
  { timeout: (seconds + 120) * 1_000 },
  async () => {
    const [image, kept] = [await openImage(8), await openImage(2)];
    const { repositoryId } = kept.ids;
    const em = stage.harness.em();
    const pinned = em.create(Distribution, { basePath: `kept/${process.pid}`, repositoryId, version: 1 });
    await em.flush();
    const plain = await startHarnessApi(stage.harness);
    for (const digest of kept.digests) await kept.pull(plain, digest);
    await plain.close();
    const limit = (await cacheBytes()) + image.bytes / 2;
    const api = await startHarnessApi(stage.harness, { cacheBytes: limit });
    const ends = performance.now() + seconds * 1_000;
    let highest = 0;
    let pulled = 0;
    try {
      const over = new AbortController();
      const watch = (async () => {
        while (!over.signal.aborted) highest = Math.max(highest, await cacheBytes());
      })();
      // two at a time, so that the downloads themselves fit
      const pulls = async (step: number) => {
        for (let at = 0; at < 10 || performance.now() < ends; at += 1) {
          await image.pull(api, image.digests[seconds === 0 ? (at * step) % 8 : randomInt(8)]);
          pulled += 1;
        }
      };
      await Promise.all([pulls(3), pulls(5)]);
      over.abort();
      await watch;
      expect(highest).toBeGreaterThan(0);
      expect(highest).toBeLessThanOrEqual(limit * 1.02);
      expect(await storedOf(kept)).toEqual([0, 1]);
      if (seconds > 0) console.log(`${pulled} pulls; ${(highest / limit).toFixed(4)} of the limit at most`);
    } finally {
      await api.close();
      await em.nativeDelete(Distribution, { id: pinned.id });
    }
  },
);

test('what a pinned distribution or a repository with IMMEDIATE needs stays, until nothing needs it', async () => {
  const image = await openImage(3);
  const other = await openImage(2);
  const { repositoryId, remoteId } = image.ids;
  const em = stage.harness.em();
  const pinned = em.create(Distribution, { basePath: `evicted/${process.pid}`, repositoryId, version: 1 });
  await em.flush();
  // nothing fits: all that may leave leaves
  const api = await startHarnessApi(stage.harness, { cacheBytes: 1 });
  const pullOther = async () => {
    for (const digest of other.digests) await other.pull(api, digest);
    await until(async () => (await storedOf(other)).length === 0);
  };
  try {
    for (const digest of image.digests) await image.pull(api, digest);
    await until(async () => (await storedOf(image)).length === 3);
    await pullOther();
    expect(await storedOf(image)).toEqual([0, 1, 2]);
    await em.nativeDelete(Distribution, { id: pinned.id });
    await em.nativeUpdate(Remote, { id: remoteId }, { policy: 'IMMEDIATE' });
    await pullOther();
    expect(await storedOf(image)).toEqual([0, 1, 2]);
    await em.nativeUpdate(Remote, { id: remoteId }, { policy: 'ON_DEMAND' });
    await pullOther();
    await until(async () => (await storedOf(image)).length === 0);
    for (const digest of image.digests) await image.pull(api, digest);
  } finally {
    await api.close();
  }
});
