/**
 * An image that nobody has pulled yet, through a proxy; the same again; and HEADs of its tag. Beside docker-registry as a pull-through cache, and
 * zot with its sync on demand, where `zot` is on the PATH.
 */
import { addImage, createSampleRepository } from '../../src/demo/sample-image.ts';
import { findPeer, startDockerRegistry } from '../../test/interop/peers.ts';
import type { RealRegistry } from '../../test/interop/peers.ts';
import { pushSample } from '../../test/interop/push-sample.ts';
import type { Bench } from '../bench.ts';
import type { Findings, Goal } from '../report.ts';
import { median, spread } from '../statistics.ts';
import { mutate } from '../sync.ts';
import { newDataFolder, removeFolder, startTidemark } from '../tidemark.ts';
import type { Tidemark } from '../tidemark.ts';
import { loadUrls } from '../tool.ts';
import { startZotCache } from '../zot.ts';

const name = 'layers';
const tag = 'latest';
const layers = Array.from({ length: 10 }, () => 5_000_000);
/** As many as a Docker engine fetches at one time. */
const clients = 3;
const heads = { clients: 8, requests: 1_000, method: 'HEAD' } as const;
const steps = ['cold', 'warm', 'heads'] as const;
type Step = (typeof steps)[number];
const titles: Readonly<Record<Step, string>> = {
  cold: 'first pull of an image of 10 layers',
  warm: 'second pull',
  heads: '1,000 HEADs of its tag, 8 clients',
};

const caches = {
  'docker-registry': (url: string) => startDockerRegistry({ cacheOf: url }),
  zot: startZotCache,
} as const satisfies Readonly<Record<string, (upstream: string) => Promise<RealRegistry>>>;
type Cache = keyof typeof caches;

interface Sample extends Readonly<Record<Step, number>> {
  readonly server: 'tidemark' | Cache;
}

export async function runProxiesRow(bench: Bench): Promise<Findings> {
  if (!bench.wants('proxies')) return { sections: [], goals: [] };
  const dataDir = await newDataFolder();
  const tidemark = await startTidemark(dataDir);
  const samples: Sample[] = [];
  const others: readonly Cache[] =
    findPeer('zot') === undefined ? ['docker-registry'] : ['docker-registry', 'zot'];
  try {
    // the first round does not count
    for (let round = 0; round <= bench.rounds; round += 1) {
      await pushNewImage(bench, round);
      const own = await pullThroughTidemark(bench, tidemark, `round${round}`);
      const measured = [own];
      for (const other of others) measured.push(await pullThroughCache(bench, other));
      bench.log(`proxies: ${measured.map(describe).join('; ')}`);
      if (round > 0) samples.push(...measured);
    }
  } finally {
    await tidemark.stop();
    await removeFolder(dataDir);
  }
  return report(samples, others);
}

/** Each round has an image of its own, because the Tidemark of all rounds stores those before. */
async function pushNewImage({ upstream }: Bench, round: number): Promise<void> {
  const piece = createSampleRepository();
  addImage(piece, { seed: `${name}-${round}`, layers, tag });
  await pushSample(upstream.url, name, piece);
}

async function pullThroughTidemark(bench: Bench, tidemark: Tidemark, basePath: string): Promise<Sample> {
  await mutate(tidemark, 'proxyCreate', 'proxy { id }', { basePath, url: bench.upstream.url });
  return { server: 'tidemark', ...(await pull(`${tidemark.apiUrl}/v2/${basePath}/${name}`)) };
}

async function pullThroughCache(bench: Bench, server: Cache): Promise<Sample> {
  const cache = await caches[server](bench.upstream.url);
  try {
    return { server, ...(await pull(`${cache.url}/v2/${name}`)) };
  } finally {
    await cache.stop();
  }
}

async function pull(repository: string): Promise<Record<Step, number>> {
  const cold = await pullOnce(repository);
  const warm = await pullOnce(repository);
  const { seconds } = await loadUrls([`${repository}/manifests/${tag}`], heads);
  return { cold, warm, heads: seconds };
}

async function pullOnce(repository: string): Promise<number> {
  const started = performance.now();
  const answer = await fetch(`${repository}/manifests/${tag}`, {
    headers: { accept: 'application/vnd.oci.image.manifest.v1+json' },
  });
  if (!answer.ok) throw new Error(`${repository}/manifests/${tag} was answered ${answer.status}.`);
  const manifest = (await answer.json()) as {
    config: { digest: string };
    layers: { digest: string }[];
  };
  const urls = [manifest.config, ...manifest.layers].map(({ digest }) => `${repository}/blobs/${digest}`);
  await loadUrls(urls, { clients, requests: urls.length });
  return (performance.now() - started) / 1000;
}

function describe(sample: Sample): string {
  return `${sample.server} ${steps.map((step) => `${step} ${sample[step].toFixed(2)} s`).join(', ')}`;
}

function report(samples: readonly Sample[], others: readonly Cache[]): Findings {
  const of = (server: Sample['server'], step: Step) =>
    samples.filter((sample) => sample.server === server).map((sample) => sample[step]);
  const rows = (['tidemark', ...others] as const).map((server) => [
    server === 'tidemark' ? '**tidemark**' : server,
    ...steps.map((step) => spread(of(server, step))),
    String(of(server, 'cold').length),
  ]);
  const goals: Goal[] = steps.map((step) => {
    const fastest = Math.min(...others.map((server) => median(of(server, step))));
    const ratio = median(of('tidemark', step)) / fastest;
    return {
      work: `through a proxy: ${titles[step]}`,
      goal: `≤ 1.0 × ${others.length > 1 ? 'the faster of ' : ''}${others.join(' and ')}`,
      measured: `${ratio.toFixed(2)} ×`,
      isMet: ratio <= 1,
    };
  });
  return {
    sections: [
      {
        title: 'Through a proxy',
        text: `An image of ${layers.length} layers of 5 MB, ${clients} layers at one time. Seconds.`,
        columns: ['server', ...steps.map((step) => titles[step]), 'n'],
        rows,
      },
    ],
    goals,
  };
}
