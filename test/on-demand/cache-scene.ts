/** Images whose layers pulls fetch into the cache, and what the store and the database have of them. */
import { expect } from 'vitest';
import { addImage, createSampleRepository } from '../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../src/demo/sample-image.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { pull } from '../support/api/pull.ts';
import { upstreamName } from '../support/sync/stage.ts';
import type { Stage } from '../support/sync/stage.ts';

/** `npm run cache-stress` pulls for ten minutes; otherwise each layer is pulled a few times. */
export const stressSeconds = Number(process.env['TIDEMARK_CACHE_STRESS_SECONDS'] ?? 0);

let images = 0;

export interface SampleLayers {
  readonly repository: SampleRepository;
  readonly digests: readonly Digest[];
  /** Of all layers. */
  readonly bytes: number;
}

/** An image `v1` of layers that no other one has. */
export function makeLayers(count: number, layerBytes = 40_000): SampleLayers {
  images += 1;
  const repository = createSampleRepository();
  const layers = Array.from({ length: count }, (_, at) => layerBytes + at);
  const image = addImage(repository, { seed: `cache-${process.pid}-${images}`, layers, tag: 'v1' });
  const document = JSON.parse(String(repository.manifests.get(image.digest)?.bytes)) as {
    layers: { digest: Digest; size: number }[];
  };
  return {
    repository,
    digests: document.layers.map(({ digest }) => digest),
    bytes: document.layers.reduce((sum, { size }) => sum + size, 0),
  };
}

/** Pulls a layer, and compares its bytes. */
export async function pullLayer(
  { url }: { readonly url: string },
  name: string,
  { repository }: Pick<SampleLayers, 'repository'>,
  digest: Digest | undefined,
): Promise<void> {
  const answer = await pull(url, { path: `/v2/${name}/blobs/${digest}` });
  const bytes = repository.blobs.get(digest ?? ('' as Digest)) ?? Buffer.alloc(0);
  // toEqual takes tens of milliseconds for a layer, in the thread that serves
  expect([answer.status, bytes.equals(answer.body)]).toEqual([200, true]);
}

async function placesOf(
  { digests, repository }: SampleLayers,
  has: (blob: { readonly digest: Digest; readonly size: number }) => Promise<boolean>,
): Promise<number[]> {
  const found = await Promise.all(
    digests.map((digest) => has({ digest, size: repository.blobs.get(digest)?.length ?? 0 })),
  );
  return digests.flatMap((_, at) => (found[at] === true ? [at] : []));
}

export type CacheScene = ReturnType<typeof openCacheScene>;

export function openCacheScene(stage: Stage) {
  const { harness } = stage;
  const rows = (sql: string): Promise<Record<string, unknown>[]> => harness.em().execute(sql);
  return {
    rows,
    /** Synced with ON_DEMAND: an image whose layers nobody has pulled. */
    async openImage(count: number, layerBytes?: number) {
      const layers = makeLayers(count, layerBytes);
      const scene = await stage.open({ repository: layers.repository, remote: { policy: 'ON_DEMAND' } });
      expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED' });
      return {
        ...scene,
        ...layers,
        pull: (api: { readonly url: string }, digest: Digest | undefined) =>
          pullLayer(api, scene.name, layers, digest),
        asked: (digest: Digest) =>
          scene.upstream.requestsOf(`GET /v2/${upstreamName}/blobs/${digest}`).length,
      };
    },
    /** The places of the layers that are in the store. */
    storedOf: (image: SampleLayers) => placesOf(image, (blob) => harness.store.exists(blob)),
    /** The places of the layers whose rows say that they are stored. */
    storedRows: (image: SampleLayers) =>
      placesOf(image, async ({ digest }) => {
        const found = await rows(`select from blob where digest = '${digest}' and stored_at is not null`);
        return found.length > 0;
      }),
    /** The bytes of the whole cache, or of the part of the proxy with this base path. */
    async cacheBytes(basePath?: string): Promise<number> {
      const part =
        basePath === undefined
          ? ''
          : `and exists (select from cached_blob c join proxy_repository m using (repository_id)
              join proxy p on p.id = m.proxy_id where c.blob_id = b.id and p.name = '${basePath}')`;
      const [row] = await rows(
        `select coalesce(sum(size_bytes), 0)::int as bytes from blob b where used_at is not null and stored_at is not null ${part}`,
      );
      return Number(row?.['bytes']);
    },
  };
}

/**
 * Pulls layers again and again, two at a time, so that the downloads themselves fit: each a few times, or at random for the time of a stress test.
 * @returns the highest value of `bytes` meanwhile, and the number of pulls
 */
export async function pullUnderWatch(
  pullAt: (at: number) => Promise<void>,
  {
    layers,
    random,
    bytes,
  }: {
    readonly layers: number;
    readonly random: (most: number) => number;
    readonly bytes: () => Promise<number>;
  },
): Promise<{ readonly highest: number; readonly pulled: number }> {
  const ends = performance.now() + stressSeconds * 1_000;
  let highest = 0;
  let pulled = 0;
  const over = new AbortController();
  const watch = (async () => {
    while (!over.signal.aborted) highest = Math.max(highest, await bytes());
  })();
  const pulls = async (step: number) => {
    for (let at = 0; at < 10 || performance.now() < ends; at += 1) {
      await pullAt(stressSeconds === 0 ? (at * step) % layers : random(layers));
      pulled += 1;
    }
  };
  await Promise.all([pulls(3), pulls(5)]).finally(() => over.abort());
  await watch;
  return { highest, pulled };
}
