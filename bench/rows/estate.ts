/** Hundreds of repositories that share their content, all synced at once, beside regsync; and 1,000 in which nothing has changed. */
import { rm } from 'node:fs/promises';
import type { Bench } from '../bench.ts';
import { addEstate, estateNames, starts } from '../estate.ts';
import { runRegsync } from '../peers.ts';
import { cpuSeconds, cpuSecondsSince, findStackProcesses, settleDisk, watchMemory } from '../processes.ts';
import { joinFindings } from '../report.ts';
import type { Findings, Goal, Section } from '../report.ts';
import { openScene, scenes } from '../scenes.ts';
import { median, megabytes, spread } from '../statistics.ts';
import { newDataFolder, removeFolder, startTidemark } from '../tidemark.ts';
import type { Tidemark } from '../tidemark.ts';
import { warm } from './sync.ts';

const parallel = 8;
/** A round takes some minutes. */
const roundsMax = 2;
const unchanged = { repositories: 1_000, goalSeconds: 20 };

const estates = [
  { row: 'estate', scene: 'loopback', goals: { first: 0.6, again: 1 } },
  { row: 'estate-20ms', scene: '20ms', goals: { first: 0.6, again: 0.5 } },
] as const;
type Estate = (typeof estates)[number];

const works = ['first', 'again'] as const;
type EstateWork = (typeof works)[number];

interface EstateSample {
  readonly row: Estate['row'] | 'unchanged1000';
  readonly work: EstateWork;
  readonly tool: string;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
}

const peerName = `regsync, parallel ${parallel}`;

export async function runEstateRows(bench: Bench): Promise<Findings> {
  const wanted = estates.filter(({ row }) => bench.wants(row));
  const wantsUnchanged = bench.wants('unchanged1000');
  const sizes = [
    ...(wanted.length > 0 ? [bench.repositories] : []),
    ...(wantsUnchanged ? [unchanged.repositories] : []),
  ];
  for (const count of sizes) {
    await addEstate(bench.storage, estateNames(count));
    bench.log(`estate: added ${count} repositories`);
  }
  const samples: EstateSample[] = [];
  for (let round = 1; round <= Math.min(roundsMax, bench.rounds); round += 1)
    for (const estate of wanted) samples.push(...(await runEstate(bench, estate, round)));
  const found = wanted.map((estate) => report(bench, estate, samples));
  if (wantsUnchanged) found.push(await runUnchanged(bench));
  return joinFindings(found);
}

async function runEstate(bench: Bench, { row, scene }: Estate, round: number): Promise<EstateSample[]> {
  const names = estateNames(bench.repositories);
  const opened = await openScene(bench, scene);
  const folder = bench.path(`${row}-${round}`);
  const samples: EstateSample[] = [];
  try {
    for (const start of starts)
      await withTidemark(bench, async (tidemark) => {
        const sync = await start.prepare(tidemark, opened.source, names);
        for (const work of works) {
          const cost = await timeAll(tidemark, sync);
          bench.log(`round ${round}: ${row} ${work}: tidemark ${start.name} ${cost.seconds.toFixed(1)} s`);
          samples.push({ row, work, tool: `tidemark, ${start.name}`, ...cost });
        }
      });
    for (const work of bench.withPeers ? works : []) {
      await settleDisk();
      const cost = await runRegsync(opened.source, names, { folder, parallel });
      if (cost.isStopped) throw new Error(`regsync of ${names.length} repositories took too long.`);
      bench.log(`round ${round}: ${row} ${work}: regsync ${cost.seconds.toFixed(1)} s`);
      samples.push({ row, work, tool: peerName, ...cost });
    }
  } finally {
    await opened.close();
    await rm(folder, { recursive: true, force: true });
  }
  return samples;
}

/** Again only: the first sync of so many is that of the estate three times over. */
async function runUnchanged(bench: Bench): Promise<Findings> {
  const names = estateNames(unchanged.repositories);
  const samples: EstateSample[] = [];
  for (const start of starts)
    await withTidemark(bench, async (tidemark) => {
      const sync = await start.prepare(tidemark, bench.upstream, names);
      await sync();
      const cost = await timeAll(tidemark, sync);
      bench.log(`unchanged1000: tidemark ${start.name} ${cost.seconds.toFixed(1)} s`);
      samples.push({ row: 'unchanged1000', work: 'again', tool: `tidemark, ${start.name}`, ...cost });
    });
  const title = `${unchanged.repositories.toLocaleString('en')} repositories of \`small\`, nothing changed`;
  const best = Math.min(...samples.map(({ seconds }) => seconds));
  return {
    sections: [table(title, samples)],
    goals: [
      {
        work: title,
        goal: `≤ ${unchanged.goalSeconds} s`,
        measured: `${best.toFixed(1)} s`,
        isMet: best <= unchanged.goalSeconds,
      },
    ],
  };
}

async function withTidemark(bench: Bench, work: (tidemark: Tidemark) => Promise<void>): Promise<void> {
  const dataDir = await newDataFolder();
  const tidemark = await startTidemark(dataDir);
  try {
    await warm(bench, tidemark);
    await work(tidemark);
  } finally {
    await tidemark.stop();
    await removeFolder(dataDir);
  }
}

async function timeAll(
  { dataDir, pid }: Tidemark,
  work: () => Promise<void>,
): Promise<Pick<EstateSample, 'seconds' | 'cpuSeconds' | 'peakBytes'>> {
  await settleDisk();
  const processes = await findStackProcesses(dataDir, pid);
  const before = await cpuSeconds(processes);
  const memory = watchMemory(processes);
  const started = performance.now();
  await work();
  const seconds = (performance.now() - started) / 1000;
  const { main } = await memory.stop();
  return { seconds, cpuSeconds: (await cpuSecondsSince(processes, before)).stack, peakBytes: main };
}

function report(
  { repositories }: Bench,
  { row, scene, goals }: Estate,
  samples: readonly EstateSample[],
): Findings {
  const sections: Section[] = [];
  const found: Goal[] = [];
  for (const work of works) {
    const own = samples.filter((sample) => sample.row === row && sample.work === work);
    const title = `${repositories} repositories of \`small\`, ${work === 'first' ? 'first sync' : 'nothing changed'}${scenes[scene].title}`;
    sections.push(table(title, own));
    const peer = medianOf(own.filter(({ tool }) => tool === peerName));
    // the quickest way that a person has
    const best = Math.min(
      ...starts.map(({ name }) => medianOf(own.filter(({ tool }) => tool.endsWith(name)))),
    );
    if (Number.isNaN(peer)) continue;
    found.push({
      work: title,
      goal: `≤ ${goals[work]} × ${peerName}`,
      measured: `${(best / peer).toFixed(2)} × (${best.toFixed(1)} s; ${peer.toFixed(1)} s)`,
      isMet: best / peer <= goals[work],
    });
  }
  return { sections, goals: found };
}

function table(title: string, samples: readonly EstateSample[]): Section {
  const tools = [...new Set(samples.map(({ tool }) => tool))];
  return {
    title,
    columns: ['tool', 'seconds', 'CPU s', 'peak MB', 'n'],
    rows: tools.map((tool) => {
      const own = samples.filter((sample) => sample.tool === tool);
      return [
        tool.startsWith('tidemark') ? `**${tool}**` : tool,
        spread(
          own.map(({ seconds }) => seconds),
          1,
        ),
        spread(
          own.map((sample) => sample.cpuSeconds),
          1,
        ),
        megabytes(Math.max(...own.map(({ peakBytes }) => peakBytes))),
        String(own.length),
      ];
    }),
  };
}

function medianOf(samples: readonly EstateSample[]): number {
  return samples.length === 0 ? Number.NaN : median(samples.map(({ seconds }) => seconds));
}
