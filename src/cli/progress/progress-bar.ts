import { formatCount } from '../../oci/count-of.ts';
import { formatBytes, formatClock } from './format.ts';
import type { TaskProgress } from './task-queries.ts';

export interface ProgressView {
  readonly progress: TaskProgress;
  /** Bytes a second lately; undefined while that cannot be said. */
  readonly bytesPerSecond: number | undefined;
  /** Since the task was asked for; moves the block of a bar whose end is not known. */
  readonly elapsedMs: number;
}

const stageNames: Readonly<Record<string, string>> = {
  PREPARING: 'Preparing',
  LISTING_TAGS: 'Listing tags',
  FETCHING_MANIFESTS: 'Manifests',
  FETCHING_BLOBS: 'Blobs',
  FETCHING_SIGNATURES: 'Signatures',
  COMMITTING: 'Committing',
  FINISHED: 'Done',
};
const barMin = 8;
const barMax = 30;
const blockWidth = 3;

export function stageName(stage: string): string {
  return stageNames[stage] ?? stage;
}

/** One line, never longer than `width` columns: what matters less is left out where there is no room. */
export function renderProgress(view: ProgressView, width: number): string {
  const { progress } = view;
  const name = stageName(progress.stage).padEnd(width >= 60 ? 12 : 0);
  const fraction = doneFraction(progress);
  const percent = fraction === undefined ? '' : `${String(Math.floor(fraction * 100)).padStart(3)} %`;
  const details = detailsOf(view, fraction);
  const fixed = name.length + 1 + (percent === '' ? 0 : percent.length + 1);
  let kept = details.length;
  const room = (): number => width - fixed - lengthOf(details.slice(0, kept));
  while (kept > 0 && room() < barMin) kept -= 1;
  const bar = room() < barMin ? '' : drawBar(fraction, Math.min(barMax, room()), view.elapsedMs);
  const shown = details
    .slice(0, kept)
    .sort((a, b) => a.place - b.place)
    .map(({ text }) => `  ${text}`);
  const line = [name, bar, percent].filter((part) => part !== '').join(' ') + shown.join('');
  return line.slice(0, Math.max(0, width)).trimEnd();
}

/** How much is done, 0 to 1; undefined while no total is known. */
function doneFraction(progress: TaskProgress): number | undefined {
  const { stage, bytesDone, bytesTotal, tagsDone, tagsTotal } = progress;
  if (stage === 'FINISHED' || stage === 'COMMITTING') return 1;
  if (bytesTotal !== null) return bytesTotal === 0 ? 1 : Math.min(1, bytesDone / bytesTotal);
  if (stage !== 'FETCHING_MANIFESTS' || tagsTotal === null || tagsTotal === 0) return undefined;
  return Math.min(1, tagsDone / tagsTotal);
}

interface Detail {
  readonly text: string;
  /** Where it stands in the line; in the list, what matters most comes first. */
  readonly place: number;
}

function detailsOf(view: ProgressView, fraction: number | undefined): Detail[] {
  const { progress, bytesPerSecond } = view;
  const { bytesDone, bytesTotal } = progress;
  const isDone = progress.stage === 'FINISHED';
  const rate = bytesPerSecond !== undefined && bytesPerSecond > 0 && !isDone ? bytesPerSecond : undefined;
  const details: Detail[] = [];
  const until = progress.throttledUntil;
  if (until !== null && !isDone) details.push({ text: `throttled until ${timeOfDay(until)}`, place: 0 });
  const wait = waitOf(progress);
  if (wait !== undefined) details.push({ text: wait, place: 0 });
  if (bytesTotal !== null && rate !== undefined && fraction !== 1)
    details.push({ text: `${formatClock((bytesTotal - bytesDone) / rate)} left`, place: 6 });
  if (isDone) details.push({ text: formatClock(view.elapsedMs / 1000), place: 6 });
  if (bytesTotal !== null)
    details.push({ text: `${formatBytes(bytesDone)} of ${formatBytes(bytesTotal)}`, place: 4 });
  details.push({ text: `tags ${outOf(progress.tagsDone, progress.tagsTotal)}`, place: 1 });
  if (progress.manifestsDone > 0 || progress.blobsTotal !== null)
    details.push({ text: `blobs ${outOf(progress.blobsDone, progress.blobsTotal)}`, place: 3 });
  if (rate !== undefined) details.push({ text: `${formatBytes(Math.round(rate))}/s`, place: 5 });
  details.push({ text: `manifests ${outOf(progress.manifestsDone, progress.manifestsTotal)}`, place: 2 });
  return details;
}

/** Why a sync does not run; undefined: it does. */
export function waitOf({ waitsFor, waitsUntil }: TaskProgress): string | undefined {
  if (waitsFor === null) return undefined;
  if (waitsFor === 'TURN') return "waits for other syncs of the upstream's host";
  if (waitsFor === 'QUOTA') return 'waits: what is left of the quota is reserved';
  const until = waitsUntil === null ? '' : `, which opens ${dayAndTime(waitsUntil)}`;
  return `waits for its sync window${until}`;
}

function dayAndTime(time: string): string {
  const options = { weekday: 'short', hour: '2-digit', minute: '2-digit' } as const;
  return new Date(time).toLocaleString('en-GB', options);
}

/** `14:05`, in the time zone of who reads it. */
function timeOfDay(time: string): string {
  return new Date(time).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
}

function outOf(done: number, total: number | null): string {
  return total === null ? formatCount(done) : `${formatCount(done)}/${formatCount(total)}`;
}

function lengthOf(details: readonly Detail[]): number {
  return details.reduce((sum, { text }) => sum + text.length + 2, 0);
}

function drawBar(fraction: number | undefined, width: number, elapsedMs: number): string {
  if (fraction !== undefined) {
    const filled = Math.floor(fraction * width);
    return '█'.repeat(filled) + '░'.repeat(width - filled);
  }
  const steps = width - blockWidth;
  const phase = Math.floor(elapsedMs / 100) % (2 * steps);
  const at = phase <= steps ? phase : 2 * steps - phase;
  return '░'.repeat(at) + '█'.repeat(blockWidth) + '░'.repeat(steps - at);
}

export interface RateMeter {
  /** Notes how many bytes were fetched until now. @returns bytes a second over the latest five seconds. */
  add(bytes: number, nowMs: number): number | undefined;
}

const rateWindowMs = 5_000;

export function createRateMeter(): RateMeter {
  const samples: { readonly bytes: number; readonly nowMs: number }[] = [];
  return {
    add(bytes, nowMs) {
      samples.push({ bytes, nowMs });
      while (samples.length > 2 && nowMs - (samples[1]?.nowMs ?? nowMs) >= rateWindowMs) samples.shift();
      const [oldest] = samples;
      if (oldest === undefined || nowMs - oldest.nowMs < 200) return undefined;
      return ((bytes - oldest.bytes) * 1000) / (nowMs - oldest.nowMs);
    },
  };
}
