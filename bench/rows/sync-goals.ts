/** The goals of the sync rows. */
import type { Bench } from '../bench.ts';
import type { Work } from '../peers.ts';
import type { Goal } from '../report.ts';
import { syncRows } from '../rows.ts';
import type { SyncRow, SyncRowName } from '../rows.ts';
import { isBoundByRate, scenes, secondsOfBytes } from '../scenes.ts';
import type { Scene } from '../scenes.ts';
import { median, memoryGoal } from '../statistics.ts';
import { fastestPeer, floorName, seconds, thirdSyncName, titleOf } from './sync-samples.ts';
import type { SyncSample } from './sync-samples.ts';

interface Comparison {
  readonly row: SyncRow;
  readonly work: Work;
  readonly atMost: number;
  /** A tool by name; default: the fastest peer. */
  readonly than?: string;
  /** Default: `tidemark`. */
  readonly tool?: string;
}

const onLoopback: readonly (Omit<Comparison, 'row'> & { readonly row: SyncRowName })[] = [
  { row: 'small', work: 'first', atMost: 1.25 },
  { row: 'big', work: 'first', atMost: 1.25, than: 'oras backup' },
  { row: 'big', work: 'first', atMost: 1.1, than: floorName },
  { row: 'manytags', work: 'first', atMost: 0.3 },
  { row: 'manytags', work: 'again', atMost: 0.5 },
  { row: 'small-tls', work: 'first', atMost: 1.25 },
  { row: 'big-tls', work: 'first', atMost: 1.25, than: 'oras backup' },
];

/** Of every row with a line. */
const onLines: readonly Omit<Comparison, 'row'>[] = [
  { work: 'first', atMost: 0.95 },
  { work: 'again', atMost: 0.8 },
  { work: 'again', atMost: 0.8, tool: thirdSyncName },
];
const bytesAlone = 1.05;

/** Of PostgreSQL's processes in `manytags`, first sync: half of what it was before. */
const postgresSecondsMost = 0.1;

export function syncGoals(bench: Bench, samples: readonly SyncSample[]): Goal[] {
  const goals: Goal[] = [];
  for (const row of syncRows) {
    const { line }: Scene = scenes[row.scene];
    const comparisons = line === undefined ? onLoopback.filter((one) => one.row === row.name) : onLines;
    for (const comparison of comparisons) goals.push(...compare({ ...comparison, row }, samples));
    if (line !== undefined) goals.push(...compareWithBytes(bench, row, samples));
  }
  return [...goals, ...growthGoals(samples), ...postgresGoals(samples), ...memoryGoals(samples)];
}

function pick(samples: readonly SyncSample[], { name }: Pick<SyncRow, 'name'>, work: Work): SyncSample[] {
  return samples.filter((sample) => sample.row === name && sample.work === work);
}

function tidemarks(samples: readonly SyncSample[]): SyncSample[] {
  return samples.filter(({ tool }) => tool === 'tidemark');
}

function compare(
  { row, work, atMost, than, tool = 'tidemark' }: Comparison,
  samples: readonly SyncSample[],
): Goal[] {
  const all = pick(samples, row, work);
  const own = seconds(all.filter((sample) => sample.tool === tool));
  const best = fastestPeer(all, than);
  if (best === undefined || own.length === 0) return [];
  const ratio = median(own) / best.seconds;
  return [
    {
      work: `${titleOf(row, work)}${tool === thirdSyncName ? ', third sync' : ''}`,
      goal: `≤ ${atMost} × ${than ?? 'the fastest peer'}`,
      measured: `${ratio.toFixed(2)} × (${median(own).toFixed(2)} s; ${best.tool} ${best.seconds.toFixed(2)} s)`,
      isMet: ratio <= atMost,
    },
  ];
}

/** Where the line's rate decides: no tool can be faster than the bytes. */
function compareWithBytes({ bytes }: Bench, row: SyncRow, samples: readonly SyncSample[]): Goal[] {
  const { line }: Scene = scenes[row.scene];
  const size = bytes.get(row.corpus) ?? 0;
  const own = seconds(tidemarks(pick(samples, row, 'first')));
  if (line === undefined || own.length === 0 || !isBoundByRate(size, line)) return [];
  const least = secondsOfBytes(size, line);
  const ratio = median(own) / least;
  return [
    {
      work: titleOf(row, 'first'),
      goal: `≤ ${bytesAlone} × the bytes alone`,
      measured: `${ratio.toFixed(3)} × (${median(own).toFixed(2)} s; ${least.toFixed(2)} s)`,
      isMet: ratio <= bytesAlone,
    },
  ];
}

function growthGoals(samples: readonly SyncSample[]): Goal[] {
  const many = seconds(tidemarks(pick(samples, { name: 'tags10k' }, 'first')));
  const few = seconds(tidemarks(pick(samples, { name: 'manytags' }, 'first')));
  if (many.length === 0 || few.length === 0) return [];
  const ratio = median(many) / median(few);
  return [
    {
      work: '10,000 tags, first sync',
      goal: '≤ 12 × its own time for 1,000',
      measured: `${ratio.toFixed(1)} × (${median(many).toFixed(1)} s; ${median(few).toFixed(2)} s)`,
      isMet: ratio <= 12,
    },
  ];
}

function postgresGoals(samples: readonly SyncSample[]): Goal[] {
  const own = pick(samples, { name: 'manytags' }, 'first').flatMap(
    (sample) => sample.postgresCpuSeconds ?? [],
  );
  if (own.length === 0) return [];
  return [
    {
      work: "`manytags`, first sync: PostgreSQL's processor time",
      goal: `≤ ${postgresSecondsMost} s`,
      measured: `${median(own).toFixed(2)} s`,
      isMet: median(own) <= postgresSecondsMost,
    },
  ];
}

function memoryGoals(samples: readonly SyncSample[]): Goal[] {
  const main = Math.max(...tidemarks(samples).map((sample) => sample.peakBytes));
  const stack = Math.max(...samples.map((sample) => sample.stackPeakBytes ?? 0));
  return [
    memoryGoal('memory of the process that is API and worker, peak of all syncs', main, 300),
    memoryGoal('memory of the whole embedded stack, peak of all syncs', stack, 600),
  ];
}
