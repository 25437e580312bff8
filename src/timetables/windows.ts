import { dayMinutes, isWithin, parsePeriod } from './periods.ts';
import type { Parsed, Period } from './periods.ts';
import { splitZone, wallTime } from './wall-clock.ts';

/** A time in which syncs may run. */
export interface SyncWindow {
  readonly period: Period;
  readonly timeZone: string;
}

const textMost = 100;

/** `Mon-Fri 22:00-06:00 (Europe/Berlin)`, `22:00-06:00` or `Sat-Sun`. The mistake continues a sentence about the text. */
export function parseWindow(text: string): Parsed<SyncWindow> {
  if (text.length > textMost)
    return { mistake: `has ${text.length} characters; expected at most ${textMost}` };
  const zoned = splitZone(text.trim());
  if ('mistake' in zoned) return zoned;
  const { rest: times, timeZone } = zoned.value;
  const parsed = parsePeriod(times.split(' ').filter((word) => word !== ''));
  if ('mistake' in parsed) return { mistake: `is not a window: ${parsed.mistake}` };
  const { period, rest } = parsed.value;
  if (rest.length === 0) return { value: { period, timeZone } };
  return { mistake: 'has words after its time; expected a period such as Mon-Fri 22:00-06:00' };
}

/** Of stored texts, which were checked. None: syncs may always run. */
export function openWindows(texts: readonly string[] | null | undefined): SyncWindow[] {
  return (texts ?? []).flatMap((text) => {
    const parsed = parseWindow(text);
    return 'value' in parsed ? [parsed.value] : [];
  });
}

export interface WindowState {
  readonly isOpen: boolean;
  /** When that changes; undefined: not within eight days. */
  readonly untilMs: number | undefined;
}

const minuteMs = 60_000;
const horizonMs = 8 * dayMinutes * minuteMs;
/** Longer than daylight saving moves a clock. */
const nearMinutes = 125;

export function windowState(windows: readonly SyncWindow[], nowMs: number): WindowState {
  const isOpen = isOpenAt(windows, nowMs);
  if (windows.length === 0) return { isOpen, untilMs: undefined };
  // Each minute is looked at near an edge only.
  let atMs = Math.floor(nowMs / minuteMs) * minuteMs;
  for (const endMs = nowMs + horizonMs; atMs < endMs;) {
    const next = Math.min(...windows.map((window) => minutesToEdge(window, atMs)));
    atMs += Math.max(1, next - nearMinutes) * minuteMs;
    if (isOpenAt(windows, atMs) !== isOpen) return { isOpen, untilMs: atMs };
  }
  return { isOpen, untilMs: undefined };
}

/** From 1 to a day. */
function minutesToEdge({ period: { from, to }, timeZone }: SyncWindow, atMs: number): number {
  const { minute } = wallTime(timeZone, atMs);
  const until = (edge: number) => ((edge - minute + 2 * dayMinutes - 1) % dayMinutes) + 1;
  return Math.min(until(from), until(to));
}

function isOpenAt(windows: readonly SyncWindow[], atMs: number): boolean {
  if (windows.length === 0) return true;
  return windows.some(({ period, timeZone }) => isWithin(period, wallTime(timeZone, atMs)));
}
