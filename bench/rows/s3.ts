/** Blobs that lie in S3: sent on by Tidemark, or fetched from the bucket where a pull is redirected. Beside direct GETs of the same objects. */
import { startS3Server } from '../../test/support/servers/s3-server.ts';
import { listTags } from '../bench.ts';
import type { Bench } from '../bench.ts';
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
    return report(
      await compare(bench, {
        direct: await Promise.all(paths.map((path) => signedAddress(new URL(path, redirecting.apiUrl)))),
        redirected: paths.map((path) => new URL(path, redirecting.apiUrl).href),
        'sent on': paths.map((path) => new URL(path, sending.apiUrl).href),
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

type Samples = Readonly<Record<Way, number[]>>;

/** Gigabytes a second; all ways in turn, and a first round that does not count. */
async function compare(bench: Bench, urls: Readonly<Record<Way, readonly string[]>>): Promise<Samples> {
  const samples: Samples = { direct: [], redirected: [], 'sent on': [] };
  for (let round = 0; round <= bench.rounds; round += 1)
    for (const way of ways) {
      const load = await loadUrls(urls[way], { clients, requests: 2 * urls[way].length });
      if (round > 0) samples[way].push(load.bytes / 1e9 / load.seconds);
      bench.log(`s3, ${way}: ${load.seconds.toFixed(2)} s`);
    }
  return samples;
}

function report(samples: Samples): Findings {
  const goals: Goal[] = (['redirected', 'sent on'] as const).map((way) => {
    const ratio = median(samples[way]) / median(samples.direct);
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
        text: 'The bucket is versitygw over a folder, on the same two cores. Direct: signed addresses, without Tidemark.',
        columns: ['way', 'GB/s', 'n'],
        rows: ways.map((way) => [
          way === 'direct' ? way : `**tidemark**, ${way}`,
          spread(samples[way], 2),
          String(samples[way].length),
        ]),
      },
    ],
    goals,
  };
}
