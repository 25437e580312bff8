import { quoteValue } from '../oci/error.ts';
import type { Parsed, WallTime } from './periods.ts';

const formats = new Map<string, Intl.DateTimeFormat>();
const formatsMost = 600;
const days = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** What a clock on the wall shows in a time zone of the IANA's database, daylight saving included. */
export function wallTime(timeZone: string, atMs: number): WallTime {
  const parts = new Map(
    formatOf(timeZone)
      .formatToParts(atMs)
      .map(({ type, value }) => [type, value]),
  );
  return {
    day: days.indexOf(parts.get('weekday') ?? ''),
    minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')),
  };
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  if (formats.size >= formatsMost) formats.clear();
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  formats.set(timeZone, format);
  return format;
}

/** The zones that were found: a first look at one takes a millisecond. */
const timeZones = new Set<string>();

/** A name of the IANA's time zone database, spelt as it is there. */
export function isTimeZone(name: string): boolean {
  if (timeZones.has(name)) return true;
  if (!/^[A-Z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/.test(name) || name.length > 64) return false;
  try {
    // the answer is the name that is used today; for the same name in other letters it shows how it is spelt
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions();
    const isFound = timeZone === name || timeZone.toLowerCase() !== name.toLowerCase();
    if (isFound) timeZones.add(name);
    return isFound;
  } catch {
    return false;
  }
}

/** Splits a time zone in parentheses from the end of a text: `22:00-06:00 (Europe/Berlin)`. Default: UTC. */
export function splitZone(text: string): Parsed<{ readonly rest: string; readonly timeZone: string }> {
  const open = text.endsWith(')') ? text.lastIndexOf('(') : -1;
  if (open < 0) return { value: { rest: text, timeZone: 'UTC' } };
  const timeZone = text.slice(open + 1, -1).trim();
  if (isTimeZone(timeZone)) return { value: { rest: text.slice(0, open).trim(), timeZone } };
  return {
    mistake: `has the time zone ${quoteValue(timeZone)}; expected a name of the IANA time zone database, such as (Europe/Berlin)`,
  };
}
