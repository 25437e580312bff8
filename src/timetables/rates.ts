import { quoteValue } from '../oci/error.ts';
import { isWithin, parsePeriod } from './periods.ts';
import type { Parsed, Period } from './periods.ts';
import { splitZone, wallTime } from './wall-clock.ts';

/** Bytes a second by the time of the week. The first period that fits decides. Undefined: no limit. */
export interface RateTimetable {
  readonly periods: readonly { readonly period: Period; readonly rate: number | undefined }[];
  /** Outside of the periods. */
  readonly otherwise: number | undefined;
  readonly timeZone: string;
}

const textMost = 500;
const periodsMost = 20;
const lowestRate = 10_000;
const highestRate = 1e12;

const unitBytes: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  kbit: 1e3 / 8,
  Mbit: 1e6 / 8,
  Gbit: 1e9 / 8,
};

/**
 * Reads `20MB/s`, `06:00-22:00 20MB/s, else off (Europe/Berlin)` and longer ones. `off` is no limit. The default time zone is UTC. The mistake
 * continues a sentence about the text.
 */
export function parseRates(text: string): Parsed<RateTimetable> {
  if (text.length > textMost)
    return { mistake: `has ${text.length} characters; expected at most ${textMost}` };
  const zoned = splitZone(text.trim());
  if ('mistake' in zoned) return zoned;
  const { rest, timeZone } = zoned.value;
  const entries = rest.split(',').map((entry) => entry.trim());
  const otherwise = parseOtherwise(entries.at(-1) ?? '', entries.length);
  if (otherwise !== undefined && 'mistake' in otherwise) return otherwise;
  const dated = otherwise === undefined ? entries : entries.slice(0, -1);
  if (dated.length > periodsMost)
    return { mistake: `has ${dated.length} periods; expected at most ${periodsMost}` };
  const periods: RateTimetable['periods'][number][] = [];
  for (const entry of dated) {
    const parsed = parsePeriod(entry.split(' ').filter((word) => word !== ''));
    if ('mistake' in parsed) return { mistake: `has an entry without a time: ${parsed.mistake}` };
    const rate = parseRate(parsed.value.rest);
    if ('mistake' in rate) return rate;
    periods.push({ period: parsed.value.period, rate: rate.value });
  }
  return { value: { periods, otherwise: otherwise?.value, timeZone } };
}

/** The last entry, if it is for all other times. */
function parseOtherwise(entry: string, entries: number): Parsed<number | undefined> | undefined {
  const words = entry.split(' ').filter((word) => word !== '');
  if (words[0] === 'else' && entries > 1) return parseRate(words.slice(1));
  return entries === 1 && !entry.includes(':') && words.length <= 2 && /^(?:\d|off$)/.test(entry)
    ? parseRate(words)
    : undefined;
}

/** `20MB/s` or `20 MB/s`, or `off`. */
function parseRate(words: readonly string[]): Parsed<number | undefined> {
  const text = words.join(' ');
  if (text === 'off') return { value: undefined };
  const [, digits, unit = ''] = /^(\d{1,12}(?:\.\d{1,3})?) ?([A-Za-z]{1,4})\/s$/.exec(text) ?? [];
  const rate = Math.round(Number(digits) * (unitBytes[unit] ?? Number.NaN));
  if (rate >= lowestRate && rate <= highestRate) return { value: rate };
  const isTooLow = rate < lowestRate ? ', at least 10kB/s' : '';
  return {
    mistake:
      `has the rate ${quoteValue(text)}; expected a number with kB/s, MB/s, GB/s, KiB/s, MiB/s, GiB/s, kbit/s, Mbit/s or Gbit/s, ` +
      `such as 20MB/s${isTooLow}, or off for no limit`,
  };
}

/** Undefined: no limit. */
export function rateAt({ periods, otherwise, timeZone }: RateTimetable, atMs: number): number | undefined {
  if (periods.length === 0) return otherwise;
  const time = wallTime(timeZone, atMs);
  const found = periods.find(({ period }) => isWithin(period, time));
  return found === undefined ? otherwise : found.rate;
}
