import { dayMinutes, isWithin, parsePeriod } from './periods.ts';
import type { Parsed, Period } from './periods.ts';
import { wallTime } from './wall-clock.ts';

/** The times in which syncs may run. None: always. */
export interface SyncWindows {
  readonly periods: readonly Period[];
  readonly timeZone: string;
}

/** `Mon-Fri 22:00-06:00`, `22:00-06:00` or `Sat-Sun`. The mistake continues a sentence about the text. */
export function parseWindow(text: string): Parsed<Period> {
  const parsed = parsePeriod(text.split(' ').filter((word) => word !== ''));
  if ('mistake' in parsed) return { mistake: `is not a window: ${parsed.mistake}` };
  const { period, rest } = parsed.value;
  if (rest.length === 0) return { value: period };
  return { mistake: 'has words after its time; expected a period such as Mon-Fri 22:00-06:00' };
}

/** Of stored texts, which were checked. */
export function openWindows(texts: readonly string[], timeZone: string): SyncWindows {
  const periods = texts.flatMap((text) => {
    const parsed = parseWindow(text);
    return 'value' in parsed ? [parsed.value] : [];
  });
  return { periods, timeZone };
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

export function windowState(windows: SyncWindows, nowMs: number): WindowState {
  const isOpen = isOpenAt(windows, nowMs);
  const { periods, timeZone } = windows;
  if (periods.length === 0) return { isOpen, untilMs: undefined };
  const edges = [...new Set(periods.flatMap(({ from, to }) => [from, to % dayMinutes]))];
  // Each minute is looked at near an edge only.
  let atMs = Math.floor(nowMs / minuteMs) * minuteMs;
  for (const endMs = nowMs + horizonMs; atMs < endMs;) {
    const { minute } = wallTime(timeZone, atMs);
    const next = Math.min(...edges.map((edge) => (edge - minute + dayMinutes - 1) % dayMinutes)) + 1;
    atMs += Math.max(1, next - nearMinutes) * minuteMs;
    if (isOpenAt(windows, atMs) !== isOpen) return { isOpen, untilMs: atMs };
  }
  return { isOpen, untilMs: undefined };
}

function isOpenAt({ periods, timeZone }: SyncWindows, atMs: number): boolean {
  if (periods.length === 0) return true;
  const time = wallTime(timeZone, atMs);
  return periods.some((period) => isWithin(period, time));
}
