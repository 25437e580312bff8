/** What is served: `/v2/` beside docker-registry on the same content, and GraphQL over a version with 10,000 tags. */
import { listTags } from '../bench.ts';
import type { Bench } from '../bench.ts';
import { cpuSeconds, cpuSecondsSince, findStackProcesses, watchMemory } from '../processes.ts';
import type { StackProcesses } from '../processes.ts';
import { joinFindings } from '../report.ts';
import type { Findings, Goal, Section } from '../report.ts';
import { median, megabytes, memoryGoal, spread } from '../statistics.ts';
import { createMirror, timeSync } from '../sync.ts';
import { newDataFolder, removeFolder, startTidemark } from '../tidemark.ts';
import type { Tidemark } from '../tidemark.ts';
import { loadUrls } from '../tool.ts';
import { measureGraphql } from './graphql.ts';
import { layersOf } from './sync.ts';

export async function runServeRows(bench: Bench): Promise<Findings> {
  const wanted = (['blobs', 'manifests', 'graphql'] as const).filter((row) => bench.wants(row));
  if (wanted.length === 0) return { sections: [], goals: [] };
  const dataDir = await newDataFolder();
  const tidemark = await startTidemark(dataDir);
  try {
    const processes = await findStackProcesses(dataDir, tidemark.pid);
    const found: Findings[] = [];
    if (bench.wants('blobs')) found.push(await runBlobs(bench, tidemark, processes));
    if (bench.wants('manifests')) found.push(await runManifests(bench, tidemark, processes));
    if (bench.wants('graphql')) {
      await mirror(bench, tidemark, 'tags10k');
      found.push(await measureGraphql(bench, tidemark, processes));
    }
    return joinFindings(found);
  } finally {
    await tidemark.stop();
    await removeFolder(dataDir);
  }
}

async function mirror(bench: Bench, tidemark: Tidemark, name: string): Promise<void> {
  await timeSync(
    tidemark,
    await createMirror(tidemark, { name, url: bench.upstream.url, upstreamName: name }),
  );
}

async function runBlobs(bench: Bench, tidemark: Tidemark, processes: StackProcesses): Promise<Findings> {
  await mirror(bench, tidemark, 'big');
  const digests = await layersOf(bench, 'big', await listTags(bench.upstream, 'big'));
  const paths = digests.map((digest) => `/v2/big/blobs/${digest}`);
  const found: Findings[] = [];
  for (const clients of [8, 50]) {
    const load = { clients, requests: 4 * paths.length };
    const samples = await compareServers(bench, { tidemark, processes, paths, load });
    found.push({
      sections: [table(`\`/v2/\`, blobs of 25 MB, ${clients} clients`, 'GB/s', gigabytesASecond, samples)],
      goals: goalsOf(`\`/v2/\` big blobs, bytes/s, ${clients} clients`, {
        rate: gigabytesASecond,
        atLeast: 1,
        samples,
      }),
    });
  }
  return joinFindings(found);
}

async function runManifests(bench: Bench, tidemark: Tidemark, processes: StackProcesses): Promise<Findings> {
  await mirror(bench, tidemark, 'manytags');
  const tags = await listTags(bench.upstream, 'manytags');
  const paths = tags.map((tag) => `/v2/manytags/manifests/${tag}`);
  const load = { clients: 50, requests: 10_000 };
  const samples = await compareServers(bench, { tidemark, processes, paths, load });
  return {
    sections: [table('`/v2/`, manifests by tag, 50 clients', 'requests/s', requestsASecond, samples)],
    goals: goalsOf('`/v2/` manifests, requests/s, 50 clients', {
      rate: requestsASecond,
      atLeast: 2,
      samples,
    }),
  };
}

interface ServeSample {
  readonly server: 'tidemark' | 'docker-registry';
  readonly seconds: number;
  readonly requests: number;
  readonly bytes: number;
  readonly p99Seconds: number;
  readonly cpuSeconds?: number;
  readonly peakBytes?: number;
}

interface Comparison {
  readonly tidemark: Tidemark;
  readonly processes: StackProcesses;
  readonly paths: readonly string[];
  readonly load: { readonly clients: number; readonly requests: number };
}

/** One round that does not count, then both in turn. */
async function compareServers(
  bench: Bench,
  { tidemark, processes, paths, load }: Comparison,
): Promise<ServeSample[]> {
  const samples: ServeSample[] = [];
  const urls = (base: string) => paths.map((path) => new URL(path, base).href);
  for (let round = 0; round <= bench.rounds; round += 1) {
    const memory = watchMemory(processes);
    const before = await cpuSeconds(processes);
    const own = await loadUrls(urls(tidemark.apiUrl), load);
    const cost = {
      cpuSeconds: (await cpuSecondsSince(processes, before)).stack,
      peakBytes: (await memory.stop()).main,
    };
    const other = await loadUrls(urls(bench.upstream.url), load);
    if (own.bytes !== other.bytes)
      throw new Error(`Tidemark sent ${own.bytes} bytes, docker-registry ${other.bytes}.`);
    if (round === 0) continue;
    samples.push({ server: 'tidemark', ...own, ...cost }, { server: 'docker-registry', ...other });
    bench.log(
      `${paths[0]} …: tidemark ${own.seconds.toFixed(2)} s, docker-registry ${other.seconds.toFixed(2)} s`,
    );
  }
  return samples;
}

type Rate = (sample: ServeSample) => number;

const gigabytesASecond: Rate = ({ bytes, seconds }) => bytes / 1e9 / seconds;
const requestsASecond: Rate = ({ requests, seconds }) => requests / seconds;

function table(title: string, unit: string, rate: Rate, samples: readonly ServeSample[]): Section {
  const rows = (['tidemark', 'docker-registry'] as const).map((server) => {
    const own = samples.filter((sample) => sample.server === server);
    const cpu = own.flatMap(({ cpuSeconds: seconds }) => seconds ?? []);
    const peak = Math.max(0, ...own.map(({ peakBytes = 0 }) => peakBytes));
    return [
      server === 'tidemark' ? '**tidemark**' : server,
      spread(own.map(rate), unit === 'GB/s' ? 2 : 0),
      spread(
        own.map(({ p99Seconds }) => p99Seconds * 1000),
        0,
      ),
      cpu.length > 0 ? spread(cpu) : '–',
      peak > 0 ? megabytes(peak) : '–',
      String(own.length),
    ];
  });
  return { title, columns: ['server', unit, 'p99 ms', 'CPU s', 'peak MB', 'n'], rows };
}

function goalsOf(
  work: string,
  {
    rate,
    atLeast,
    samples,
  }: { readonly rate: Rate; readonly atLeast: number; readonly samples: readonly ServeSample[] },
): Goal[] {
  const of = (server: ServeSample['server']) =>
    median(samples.filter((sample) => sample.server === server).map(rate));
  const ratio = of('tidemark') / of('docker-registry');
  const peak = Math.max(...samples.map(({ peakBytes = 0 }) => peakBytes));
  return [
    {
      work,
      goal: `≥ ${atLeast.toFixed(1)} × docker-registry`,
      measured: `${ratio.toFixed(2)} ×`,
      isMet: ratio >= atLeast,
    },
    memoryGoal(`${work}: memory of the process that is API and worker`, peak, 300),
  ];
}
