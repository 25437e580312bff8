/** How fast `/readyz` answers while clients pull and large manifests come in. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { mediaTypes } from '../../src/oci/manifest/media-type.ts';
import type { Bench } from '../bench.ts';
import type { Findings } from '../report.ts';
import { median } from '../statistics.ts';
import { newDataFolder, removeFolder, startTidemark } from '../tidemark.ts';
import { loadUrls } from '../tool.ts';

const goalMs = 50;
/** What comes in beside the pulls: nothing; manifests of 4 MB, as many descriptors as are accepted; and as many as fit, which are refused. */
const cases = {
  pulls: undefined,
  'pulls, and a manifest of 10,000 descriptors': {
    descriptors: 10_000,
    mediaType: mediaTypes.ociLayerGzip,
    more: { urls: ['https://example.com/layer'], annotations: { note: 'x'.repeat(190) } },
    status: 201,
  },
  'pulls, and a manifest of 30,000 descriptors': {
    descriptors: 30_000,
    mediaType: 'a/b',
    more: {},
    status: 400,
  },
} as const;
type CaseName = keyof typeof cases;
const caseNames = Object.keys(cases) as CaseName[];
const accepted = 'pulls, and a manifest of 10,000 descriptors';
/** 1,000 pulls in 4 s, far below what the machine can serve: above that, each answer waits for the processors and tells of nothing else. */
const load = { clients: 8, requests: 1_000, perSecond: 250 };
const probeEveryMs = 5;

export async function runReadyzRow(bench: Bench): Promise<Findings> {
  if (!bench.wants('readyz')) return { sections: [], goals: [] };
  const dataDir = await newDataFolder();
  const tidemark = await startTidemark(dataDir);
  try {
    await put(tidemark.apiUrl, 'small', makeManifest(0, { ...cases[accepted], descriptors: 1 }), 201);
    const times = new Map<CaseName, number[]>(caseNames.map((name) => [name, []]));
    for (let round = 0; round <= bench.rounds; round += 1)
      for (const name of caseNames) {
        const found = await measure(tidemark.apiUrl, name, round);
        bench.log(`/readyz beside ${name}: p99 ${percentile(found, 0.99).toFixed(1)} ms`);
        // the first round warms up
        if (round > 0) times.get(name)?.push(...found);
      }
    return report(times);
  } finally {
    await tidemark.stop();
    await removeFolder(dataDir);
  }
}

async function measure(apiUrl: string, name: CaseName, round: number): Promise<number[]> {
  const shape = cases[name];
  // made before the clock runs: hashing so many names holds this process up
  const manifest = shape === undefined ? undefined : makeManifest(round + 1, shape);
  return probeWhile(apiUrl, async () => {
    const pulls = loadUrls([new URL('/v2/readyz/image/manifests/small', apiUrl).href], load);
    if (shape !== undefined && manifest !== undefined) await put(apiUrl, `v${round}`, manifest, shape.status);
    await pulls;
  });
}

interface Shape {
  readonly descriptors: number;
  readonly mediaType: string;
  readonly more: object;
}

/** Its layers lie elsewhere where it is to be accepted, so that no blob has to be pushed first. */
function makeManifest(number: number, { descriptors, mediaType, more }: Shape): Buffer {
  const layers = Array.from({ length: descriptors }, (_, at) => ({
    mediaType,
    digest: `sha256:${createHash('sha256').update(`${number} ${at}`).digest('hex')}`,
    size: at + 1,
    ...more,
  }));
  const [config] = layers;
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers }));
}

async function put(apiUrl: string, tag: string, body: Buffer, status: number): Promise<void> {
  const response = await fetch(new URL(`/v2/readyz/image/manifests/${tag}`, apiUrl), {
    method: 'PUT',
    headers: { 'content-type': mediaTypes.ociManifest },
    body: new Uint8Array(body),
  });
  const text = await response.text();
  if (response.status !== status)
    throw new Error(`The push of ${tag} was answered ${response.status}; expected ${status}. ${text}`);
}

/** Milliseconds of each answer. */
async function probeWhile(apiUrl: string, work: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  const url = new URL('/readyz', apiUrl);
  const state = { isOver: false };
  const working = work().finally(() => {
    state.isOver = true;
  });
  while (!state.isOver) {
    const started = performance.now();
    const response = await fetch(url);
    await response.arrayBuffer();
    times.push(performance.now() - started);
    if (!response.ok) throw new Error(`/readyz answered ${response.status}.`);
    await sleep(probeEveryMs);
  }
  await working;
  return times;
}

function percentile(times: readonly number[], share: number): number {
  const sorted = times.toSorted((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function report(times: ReadonlyMap<CaseName, readonly number[]>): Findings {
  return {
    sections: [
      {
        title: '`/readyz` beside large manifests',
        text:
          `Milliseconds until \`/readyz\` answers while ${load.clients} clients pull, ${load.perSecond} times a second, and a manifest of 4 MB comes in: ` +
          'one that is accepted, and one that has too many descriptors.',
        columns: ['beside', 'p50', 'p99', 'most', 'n'],
        rows: [...times].map(([name, of]) => [
          name,
          median(of).toFixed(1),
          percentile(of, 0.99).toFixed(1),
          Math.max(...of).toFixed(1),
          String(of.length),
        ]),
      },
    ],
    goals: [...times].flatMap(([name, of]) => {
      if (name === 'pulls') return [];
      const p99 = percentile(of, 0.99);
      const goal = { work: `\`/readyz\` beside ${name}, p99`, goal: `≤ ${goalMs} ms` };
      return [{ ...goal, measured: `${p99.toFixed(1)} ms`, isMet: p99 <= goalMs }];
    }),
  };
}
