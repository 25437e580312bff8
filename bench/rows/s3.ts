/** Blobs that lie in S3: sent on by Tidemark, or fetched from the bucket where a pull is redirected. Beside direct GETs of the same objects. */
import { startS3Server } from '../../test/support/servers/s3-server.ts';
import { listTags } from '../bench.ts';
import type { Bench } from '../bench.ts';
import { cpuSeconds, cpuSecondsSince, findStackProcesses } from '../processes.ts';
import type { StackProcesses } from '../processes.ts';
import type { Findings, Goal } from '../report.ts';
import { median, spread } from '../statistics.ts';
import { createMirror, timeSync } from '../sync.ts';
import { newDataFolder, removeFolder, startTidemark } from '../tidemark.ts';
import type { Tidemark } from '../tidemark.ts';
import { loadUrls } from '../tool.ts';
import { layersOf } from './sync.ts';

const ways = ['direct', 'redirected', 'sent on'] as const;
type Way = (typeof ways)[number];
const atLeast = 0.9;
const clients = 8;

export async function runS3Row(bench: Bench): Promise<Findings> {
  if (!bench.wants('s3')) return { sections: [], goals: [] };
  const server = await startS3Server();
  const folders = [await newDataFolder(), await newDataFolder()] as const;
  const started: Tidemark[] = [];
  try {
    const sending = await startTidemark(folders[0], server.settings('', 'sending'));
    started.push(sending);
    const redirecting = await startTidemark(folders[1], server.settings('&redirect=true', 'redirecting'));
    started.push(redirecting);
    const paths = (await layersOf(bench, 'big', await listTags(bench.upstream, 'big'))).map(
      (digest) => `/v2/big/blobs/${digest}`,
    );
    for (const tidemark of started) await mirror(bench, tidemark);
    const of = async ({ apiUrl, dataDir, pid }: Tidemark) => ({
      urls: paths.map((path) => new URL(path, apiUrl).href),
      processes: await findStackProcesses(dataDir, pid),
    });
    return report(
      await compare(bench, {
        direct: {
          urls: await Promise.all(paths.map((path) => signedAddress(new URL(path, redirecting.apiUrl)))),
        },
        redirected: await of(redirecting),
        'sent on': await of(sending),
      }),
    );
  } finally {
    for (const tidemark of started) await tidemark.stop();
    for (const folder of folders) await removeFolder(folder);
    await server.stop();
  }
}

async function mirror({ upstream }: Bench, tidemark: Tidemark): Promise<void> {
  await timeSync(
    tidemark,
    await createMirror(tidemark, { name: 'big', url: upstream.url, upstreamName: 'big' }),
  );
}

/** Where a pull is sent. It is valid for longer than the row takes. */
async function signedAddress(url: URL): Promise<string> {
  const { status, headers } = await fetch(url, { redirect: 'manual' });
  const address = headers.get('location');
  if (status !== 307 || address === null)
    throw new Error(`${url.href} was answered ${status}; expected 307.`);
  return address;
}

interface Served {
  readonly urls: readonly string[];
  /** Of the Tidemark that answers. */
  readonly processes?: StackProcesses;
}

interface Sample {
  readonly rate: number;
  readonly cpuSeconds?: number;
}

type Samples = Readonly<Record<Way, Sample[]>>;

/** Gigabytes a second; all ways in turn, and a first round that does not count. */
async function compare(bench: Bench, served: Readonly<Record<Way, Served>>): Promise<Samples> {
  const samples: Samples = { direct: [], redirected: [], 'sent on': [] };
  for (let round = 0; round <= bench.rounds; round += 1)
    for (const way of ways) {
      const { urls, processes } = served[way];
      const before = processes && (await cpuSeconds(processes));
      const { bytes, seconds } = await loadUrls(urls, { clients, requests: 2 * urls.length });
      const cost = processes && before && { cpuSeconds: (await cpuSecondsSince(processes, before)).stack };
      if (round > 0) samples[way].push({ rate: bytes / 1e9 / seconds, ...cost });
      bench.log(`s3, ${way}: ${seconds.toFixed(2)} s`);
    }
  return samples;
}

const ratesOf = (samples: readonly Sample[]) => samples.map(({ rate }) => rate);

function report(samples: Samples): Findings {
  const goals: Goal[] = (['redirected', 'sent on'] as const).map((way) => {
    const ratio = median(ratesOf(samples[way])) / median(ratesOf(samples.direct));
    return {
      work: `\`/v2/\` big blobs from S3, ${way}, ${clients} clients`,
      goal: `≥ ${atLeast} × direct GETs`,
      measured: `${ratio.toFixed(2)} ×`,
      isMet: ratio >= atLeast,
    };
  });
  return {
    sections: [
      {
        title: `\`/v2/\`, blobs of 25 MB from S3, ${clients} clients`,
        text: 'The bucket is versitygw over a folder, on the same two cores. Direct: signed addresses, without Tidemark. Processor time is that of the whole stack.',
        columns: ['way', 'GB/s', 'CPU s', 'n'],
        rows: ways.map((way) => [
          way === 'direct' ? way : `**tidemark**, ${way}`,
          spread(ratesOf(samples[way]), 2),
          way === 'direct' ? '–' : spread(samples[way].flatMap(({ cpuSeconds: seconds }) => seconds ?? [])),
          String(samples[way].length),
        ]),
      },
    ],
    goals,
  };
}
