/** First, unchanged and changed syncs of each corpus, by Tidemark and its peers in turn; and the starts of Tidemark between them. */
import { rm } from 'node:fs/promises';
import { startDockerRegistry } from '../../test/interop/peers.ts';
import type { RealRegistry } from '../../test/interop/peers.ts';
import { listTags, syncedCorpora } from '../bench.ts';
import type { Bench } from '../bench.ts';
import { corpora, warmUp } from '../corpora.ts';
import type { CorpusName } from '../corpora.ts';
import { peers, runFloor, runPeer } from '../peers.ts';
import type { PeerJob, Work } from '../peers.ts';
import { cpuSeconds, findStackProcesses, settleDisk, watchMemory } from '../processes.ts';
import type { StackProcesses } from '../processes.ts';
import { createMirror, mutate, timeSync } from '../sync.ts';
import type { Mirror } from '../sync.ts';
import { newDataFolder, removeFolder, startTidemark } from '../tidemark.ts';
import type { Tidemark } from '../tidemark.ts';

export interface SyncSample {
  readonly corpus: CorpusName;
  readonly work: Work;
  readonly tool: string;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
  /** Of Tidemark: all its processes together. */
  readonly stackPeakBytes?: number;
  /** A peer that had not ended when its time was up. */
  readonly isStopped?: boolean;
}

export const floorName = 'plain GETs in Go';

interface Round {
  readonly bench: Bench;
  readonly number: number;
  readonly tidemark: Tidemark;
  readonly processes: StackProcesses;
  readonly target: RealRegistry;
  /** Peer and corpus that ran out of time: not tried again. */
  readonly tooSlow: Set<string>;
}

/** Rounds of the rows of 10,000 tags: each takes half a minute. */
const roundsOfMany = 3;

export async function runSyncRows(bench: Bench): Promise<SyncSample[]> {
  const wanted = syncedCorpora.filter((name) => bench.wants(name));
  const samples: SyncSample[] = [];
  const tooSlow = new Set<string>();
  for (let number = 1; wanted.length > 0 && number <= bench.rounds; number += 1) {
    const dataDir = await newDataFolder();
    const target = await startDockerRegistry();
    const tidemark = await startTidemark(dataDir);
    try {
      await warm(bench, tidemark);
      const processes = await findStackProcesses(dataDir, tidemark.pid);
      const round = { bench, number, tidemark, processes, target, tooSlow };
      for (const name of wanted)
        if (name !== 'tags10k' || number <= roundsOfMany) samples.push(...(await runCorpus(round, name)));
    } finally {
      await tidemark.stop();
      await target.stop();
      await removeFolder(dataDir);
    }
  }
  return samples;
}

/** One sync that finds everything new and one that finds nothing new. */
export async function warm(bench: Bench, tidemark: Tidemark): Promise<void> {
  const { name } = warmUp;
  const mirror = await createMirror(tidemark, { name, url: bench.upstream.url, upstreamName: name });
  await timeSync(tidemark, mirror);
  await timeSync(tidemark, mirror);
}

async function runCorpus(round: Round, name: CorpusName): Promise<SyncSample[]> {
  const { bench, number, tidemark } = round;
  const samples: SyncSample[] = [];
  const tags = await listTags(bench.upstream, name);
  const mirror = await createMirror(tidemark, { name, url: bench.upstream.url, upstreamName: name });
  for (const work of ['first', 'again', 'changed'] as const) {
    if (work === 'changed') await bench.change(corpora[name]);
    const sample = await timeTidemark(round, mirror, { corpus: name, work });
    samples.push(sample);
    bench.log(`round ${number}: ${name} ${work}: tidemark ${sample.seconds.toFixed(2)} s`);
    if (bench.withPeers) samples.push(...(await runPeers(round, { corpus: name, work, tags })));
    if (work === 'again' && name === 'tags10k') samples.push(await timeImmutable(round, mirror, name));
  }
  await rm(bench.path(`${name}-${number}`), { recursive: true, force: true });
  return samples;
}

/** Nothing changed, and no tag is asked for. */
async function timeImmutable(round: Round, mirror: Mirror, corpus: CorpusName): Promise<SyncSample> {
  const update = (immutableTags: readonly string[] | null) =>
    mutate(round.tidemark, 'remoteUpdate', 'remote { id }', { id: mirror.remoteId, immutableTags });
  await update(['*']);
  const sample = await timeTidemark(round, mirror, { corpus, work: 'again' });
  await update(null);
  return { ...sample, tool: 'tidemark, immutableTags' };
}

async function timeTidemark(
  { tidemark, processes }: Round,
  mirror: Mirror,
  row: { readonly corpus: CorpusName; readonly work: Work },
): Promise<SyncSample> {
  await settleDisk();
  const cpuBefore = await cpuSeconds(processes);
  const memory = watchMemory(processes);
  const { seconds, createdVersion } = await timeSync(tidemark, mirror);
  const peaks = await memory.stop();
  if ((createdVersion === null) !== (row.work === 'again'))
    throw new Error(`${row.corpus} ${row.work}: the sync made version ${createdVersion}.`);
  return {
    ...row,
    tool: 'tidemark',
    seconds,
    cpuSeconds: (await cpuSeconds(processes)) - cpuBefore,
    peakBytes: peaks.main,
    stackPeakBytes: peaks.stack,
  };
}

async function runPeers(
  { bench, number, target, tooSlow }: Round,
  {
    corpus,
    work,
    tags,
  }: { readonly corpus: CorpusName; readonly work: Work; readonly tags: readonly string[] },
): Promise<SyncSample[]> {
  const samples: SyncSample[] = [];
  // each round begins with another one
  const turn = number % peers.length;
  for (const peer of [...peers.slice(turn), ...peers.slice(0, turn)]) {
    const runs = peer.runs(corpus, work);
    const pair = `${peer.name} ${corpus}`;
    if (runs === 'never' || (runs === 'once' && number > 1) || tooSlow.has(pair)) continue;
    const folder = bench.path(`${corpus}-${number}`, peer.name.replace(' ', '-'));
    const job: PeerJob = { upstream: bench.upstream, corpus, tags, folder, target };
    await settleDisk();
    const cost = await runPeer(peer, job);
    if (cost.isStopped) tooSlow.add(pair);
    bench.log(`round ${number}: ${corpus} ${work}: ${peer.name} ${cost.seconds.toFixed(2)} s`);
    samples.push({ corpus, work, tool: peer.name, ...cost });
  }
  if (corpus === 'big' && work === 'first') {
    const cost = await runFloor(
      bench.upstream,
      corpus,
      await layersOf(bench, corpus, tags),
      bench.path(`${corpus}-${number}`, 'floor'),
    );
    samples.push({ corpus, work, tool: floorName, ...cost });
  }
  return samples;
}

/** Digests of all layers below the tags, each once. */
export async function layersOf(bench: Bench, repository: string, tags: readonly string[]): Promise<string[]> {
  const lists = await Promise.all(
    tags.map(async (tag) => {
      const accept = 'application/vnd.oci.image.manifest.v1+json';
      const response = await fetch(`${bench.upstream.url}/v2/${repository}/manifests/${tag}`, {
        headers: { accept },
      });
      const manifest = (await response.json()) as { layers: { digest: string }[] };
      return manifest.layers.map(({ digest }) => digest);
    }),
  );
  return [...new Set(lists.flat())];
}
