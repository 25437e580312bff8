/** First, unchanged and changed syncs of each corpus in each scene, by Tidemark and its peers in turn. */
import { rm } from 'node:fs/promises';
import { startDockerRegistry } from '../../test/interop/peers.ts';
import type { RealRegistry } from '../../test/interop/peers.ts';
import { listTags } from '../bench.ts';
import { openGoogleFront } from '../google-list.ts';
import type { Bench } from '../bench.ts';
import { corpora, warmUp } from '../corpora.ts';
import { peers, runFloor, runPeer } from '../peers.ts';
import type { PeerJob, Work } from '../peers.ts';
import { cpuSeconds, cpuSecondsSince, findStackProcesses, settleDisk, watchMemory } from '../processes.ts';
import type { StackProcesses } from '../processes.ts';
import { syncRows } from '../rows.ts';
import type { SyncRow, SyncRowName } from '../rows.ts';
import { openScene, sceneNames } from '../scenes.ts';
import type { SceneName, Source } from '../scenes.ts';
import { createMirror, mutate, timeSync } from '../sync.ts';
import type { Mirror } from '../sync.ts';
import { newDataFolder, removeFolder, startTidemark } from '../tidemark.ts';
import type { Tidemark } from '../tidemark.ts';
import { floorName, thirdSyncName } from './sync-samples.ts';
import type { SyncSample } from './sync-samples.ts';

type NamedRow = SyncRow & { readonly name: SyncRowName };

interface Round {
  readonly bench: Bench;
  readonly number: number;
  readonly source: Source;
  readonly tidemark: Tidemark;
  readonly processes: StackProcesses;
  readonly target: RealRegistry;
  /** Peer and corpus that ran out of time: not tried again. */
  readonly tooSlow: Set<string>;
}

export async function runSyncRows(bench: Bench): Promise<SyncSample[]> {
  const samples: SyncSample[] = [];
  const tooSlow = new Set<string>();
  for (let number = 1; number <= bench.rounds; number += 1)
    for (const scene of sceneNames) {
      const rows = syncRows.filter(
        (row) => row.scene === scene && bench.wants(row.name) && number <= row.roundsMax,
      );
      if (rows.length > 0) samples.push(...(await runScene({ bench, number, tooSlow }, scene, rows)));
    }
  return samples;
}

/** Each scene has an upstream of its own address and an empty Tidemark, which shares no content between scenes. */
async function runScene(
  common: Pick<Round, 'bench' | 'number' | 'tooSlow'>,
  name: SceneName,
  rows: readonly NamedRow[],
): Promise<SyncSample[]> {
  const { bench } = common;
  const scene = await openScene(bench, name);
  const dataDir = await newDataFolder();
  const target = await startDockerRegistry();
  const tidemark = await startTidemark(dataDir);
  try {
    await warm(bench, tidemark);
    const processes = await findStackProcesses(dataDir, tidemark.pid);
    const round = { ...common, source: scene.source, tidemark, processes, target };
    const samples: SyncSample[] = [];
    for (const row of rows) samples.push(...(await runRow(round, row)));
    return samples;
  } finally {
    await tidemark.stop();
    await target.stop();
    await scene.close();
    await removeFolder(dataDir);
  }
}

/** One sync that finds everything new and one that finds nothing new, over loopback whatever the scene. */
export async function warm(bench: Bench, tidemark: Tidemark): Promise<void> {
  const { name } = warmUp;
  const mirror = await createMirror(tidemark, { name, url: bench.upstream.url, upstreamName: name });
  await timeSync(tidemark, mirror);
  await timeSync(tidemark, mirror);
}

async function runRow(round: Round, row: NamedRow): Promise<SyncSample[]> {
  const { bench, number, source, tidemark } = round;
  const { name, corpus, works } = row;
  const samples: SyncSample[] = [];
  const tags = await listTags(bench.upstream, corpus);
  const mirror = await createMirror(tidemark, {
    name: corpus,
    url: source.url,
    upstreamName: corpus,
    ...(source.authority === undefined ? {} : { sslCaCertificate: source.authority.pem }),
  });
  for (const work of works) {
    if (work === 'changed') await bench.change(corpora[corpus]);
    const sample = await timeTidemark(round, mirror, { row: name, work });
    samples.push(sample);
    bench.log(`round ${number}: ${name} ${work}: tidemark ${sample.seconds.toFixed(2)} s`);
    if (work === 'again' && row.scene !== 'loopback')
      samples.push({ ...(await timeTidemark(round, mirror, { row: name, work })), tool: thirdSyncName });
    if (bench.withPeers) samples.push(...(await runPeers(round, row, { work, tags })));
    if (work === 'again' && name === 'tags10k')
      samples.push(await timeImmutable(round, mirror, name), await timeListed(round, mirror, row));
  }
  await rm(bench.path(`${name}-${number}`), { recursive: true, force: true });
  return samples;
}

/** Nothing changed, and no tag is asked for. */
async function timeImmutable(round: Round, mirror: Mirror, row: SyncRowName): Promise<SyncSample> {
  const update = (immutableTags: readonly string[] | null) =>
    mutate(round.tidemark, 'remoteUpdate', 'remote { id }', { id: mirror.remoteId, immutableTags });
  await update(['*']);
  const sample = await timeTidemark(round, mirror, { row, work: 'again' });
  await update(null);
  return { ...sample, tool: 'tidemark, immutableTags' };
}

/** Nothing changed, behind a registry that lists each tag with its digest. */
async function timeListed(round: Round, mirror: Mirror, { name, corpus }: NamedRow): Promise<SyncSample> {
  const { bench, source, tidemark } = round;
  const front = await openGoogleFront(bench.upstream, corpus);
  const moveTo = (url: string) =>
    mutate(tidemark, 'remoteUpdate', 'remote { id }', { id: mirror.remoteId, url });
  try {
    await moveTo(front.url);
    // the first sync from another address records what that upstream has
    await timeSync(tidemark, mirror);
    const before = front.requests();
    const sample = await timeTidemark(round, mirror, { row: name, work: 'again' });
    bench.log(
      `round ${round.number}: ${name} again, listed: tidemark ${sample.seconds.toFixed(2)} s, ${front.requests() - before} requests`,
    );
    return { ...sample, tool: 'tidemark, listed digests' };
  } finally {
    await moveTo(source.url);
    await front.close();
  }
}

async function timeTidemark(
  { tidemark, processes }: Round,
  mirror: Mirror,
  what: Pick<SyncSample, 'row' | 'work'>,
): Promise<SyncSample> {
  await settleDisk();
  const cpuBefore = await cpuSeconds(processes);
  const memory = watchMemory(processes);
  const { seconds, createdVersion } = await timeSync(tidemark, mirror);
  const peaks = await memory.stop();
  const cpu = await cpuSecondsSince(processes, cpuBefore);
  if ((createdVersion === null) !== (what.work === 'again'))
    throw new Error(`${what.row} ${what.work}: the sync made version ${createdVersion}.`);
  return {
    ...what,
    tool: 'tidemark',
    seconds,
    cpuSeconds: cpu.stack,
    postgresCpuSeconds: cpu.postgres,
    peakBytes: peaks.main,
    stackPeakBytes: peaks.stack,
  };
}

async function runPeers(
  { bench, number, source, target, tooSlow }: Round,
  { name: row, corpus, scene }: NamedRow,
  { work, tags }: { readonly work: Work; readonly tags: readonly string[] },
): Promise<SyncSample[]> {
  const samples: SyncSample[] = [];
  // each round begins with another one
  const turn = number % peers.length;
  for (const peer of [...peers.slice(turn), ...peers.slice(0, turn)]) {
    const runs = peer.runs(corpus, work);
    const pair = `${peer.name} ${corpus}`;
    if (runs === 'never' || (runs === 'once' && number > 1) || tooSlow.has(pair)) continue;
    const folder = bench.path(`${row}-${number}`, peer.name.replace(' ', '-'));
    const job: PeerJob = { upstream: source, corpus, tags, folder, target };
    await settleDisk();
    const cost = await runPeer(peer, job);
    if (cost.isStopped) tooSlow.add(pair);
    bench.log(`round ${number}: ${row} ${work}: ${peer.name} ${cost.seconds.toFixed(2)} s`);
    samples.push({ row, work, tool: peer.name, ...cost });
  }
  if (corpus === 'big' && work === 'first' && scene === 'loopback') {
    const layers = await layersOf(bench, corpus, tags);
    const cost = await runFloor(source, corpus, layers, bench.path(`${row}-${number}`, 'floor'));
    samples.push({ row, work, tool: floorName, ...cost });
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
