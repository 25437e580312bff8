import { quoteValue } from '../oci/error.ts';

/** A time of the week, by the clock on the wall. */
export interface WallTime {
  /** 0 is Monday. */
  readonly day: number;
  /** Since midnight. */
  readonly minute: number;
}

/** A part of some days of the week. It may end on the day after. */
export interface Period {
  /** Of the start, by number; 0 is Monday. */
  readonly days: readonly boolean[];
  readonly from: number;
  /** Exclusive; 1440 is the end of the day. */
  readonly to: number;
}

export type Parsed<T> = { readonly value: T } | { readonly mistake: string };

const dayNames = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
export const dayMinutes = 24 * 60;
export const everyDay: readonly boolean[] = dayNames.map(() => true);

/** `Mon-Fri 22:00-06:00`, `22:00-06:00` or `Sat-Sun`. `rest`: the words after the period. */
export function parsePeriod(words: readonly string[]): Parsed<{ period: Period; rest: readonly string[] }> {
  const [first = '', second = ''] = words;
  const days = parseDays(first);
  const times = parseTimes(days === undefined ? first : second);
  if (typeof times === 'string') return { mistake: times };
  if (days === undefined && times === undefined)
    return {
      mistake: `${quoteValue(first)} is not a time; expected a period such as 06:00-22:00, Mon-Fri 06:00-22:00 or Sat-Sun`,
    };
  const [from, to] = times ?? [0, dayMinutes];
  const taken = (days === undefined ? 0 : 1) + (times === undefined ? 0 : 1);
  return { value: { period: { days: days ?? everyDay, from, to }, rest: words.slice(taken) } };
}

/** `Mon`, or a range such as `Fri-Mon`. */
function parseDays(word: string): boolean[] | undefined {
  const [first = '', last = first, ...more] = word.toLowerCase().split('-');
  const from = dayNames.indexOf(first);
  const to = dayNames.indexOf(last);
  if (from < 0 || to < 0 || more.length > 0) return undefined;
  return dayNames.map((_, day) => (from <= to ? from <= day && day <= to : day >= from || day <= to));
}

/** The mistake as a text; undefined if the word is no range of times. */
function parseTimes(word: string): readonly [number, number] | string | undefined {
  const [first = '', last = '', ...more] = word.split('-');
  if (!/^\d{1,2}:\d{2}$/.test(first) || !/^\d{1,2}:\d{2}$/.test(last) || more.length > 0) return undefined;
  const from = parseTime(first);
  const to = parseTime(last);
  if (from === undefined || to === undefined || from === dayMinutes)
    return `${quoteValue(word)} is not a range of times from 00:00 to 24:00`;
  if (from === to)
    return `${quoteValue(word)} begins and ends at the same time; for a whole day, write 00:00-24:00`;
  return [from, to];
}

function parseTime(text: string): number | undefined {
  const [hours, minutes] = text.split(':').map(Number);
  const time = (hours ?? 0) * 60 + (minutes ?? 0);
  return (minutes ?? 0) < 60 && time <= dayMinutes ? time : undefined;
}

export function isWithin({ days, from, to }: Period, { day, minute }: WallTime): boolean {
  const began = days[day] === true;
  if (from < to) return began && from <= minute && minute < to;
  return (began && minute >= from) || (days[(day + 6) % 7] === true && minute < to);
}
