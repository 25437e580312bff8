import { quoteValue } from '../../oci/error.ts';
import { isTimeZone } from '../../timetables/wall-clock.ts';
import { invalid } from '../mistakes.ts';
import type { Checked } from '../mistakes.ts';

interface CronField {
  readonly name: string;
  readonly low: number;
  readonly high: number;
  /** What may stand for a number, from `low` on. */
  readonly words?: readonly string[];
}

const fields: readonly CronField[] = [
  { name: 'minute', low: 0, high: 59 },
  { name: 'hour', low: 0, high: 23 },
  { name: 'day of the month', low: 1, high: 31 },
  {
    name: 'month',
    low: 1,
    high: 12,
    words: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  },
  // 7 is Sunday, too
  {
    name: 'day of the week',
    low: 0,
    high: 7,
    words: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'],
  },
];

const shorthands = ['@hourly', '@daily', '@weekly', '@monthly', '@yearly'];

/** The five fields of cron, or one of its shorthands: what Temporal reads, so that it never refuses what was taken here. */
export function checkCron(field: string, cron: string): Checked {
  if (shorthands.includes(cron)) return undefined;
  const parts = cron.split(' ');
  const wrong = (what: string) =>
    invalid(
      field,
      `${field} is ${quoteValue(cron)}: ${what}; expected five fields with one blank between them (minute, hour, day of the month, month, ` +
        `day of the week), such as "30 3 * * 1-5", or one of ${shorthands.join(' ')}.`,
    );
  if (cron.length > 200) return wrong(`it has ${cron.length} characters of at most 200`);
  if (parts.length !== fields.length) return wrong(`it has ${parts.length} fields`);
  for (const [index, one] of fields.entries()) {
    const part = parts[index] ?? '';
    if (!part.split(',').every((item) => isItem(item, one)))
      return wrong(`the ${one.name} ${quoteValue(part)} is not from ${one.low} to ${one.high}`);
  }
  const [, , days = '', months = ''] = parts;
  if (!hasDay(days, months))
    return wrong(
      `it never comes, for none of its months has a day ${days} (29 February comes in leap years)`,
    );
  return undefined;
}

const mostDays = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Whether one of the months has one of the days. Each date falls on every day of the week in some year: that field excludes none. */
function hasDay(days: string, months: string): boolean {
  const [, , day, month] = fields;
  if (day === undefined || month === undefined) return true;
  const earliest = Math.min(...days.split(',').map((item) => firstOf(item, day)));
  return mostDays.some(
    (most, index) => earliest <= most && months.split(',').some((item) => holds(item, index + 1, month)),
  );
}

function firstOf(item: string, field: CronField): number {
  const [range = ''] = item.split('/');
  return range === '*' ? field.low : (readNumber(range.split('-')[0] ?? '', field) ?? field.low);
}

function holds(item: string, number: number, field: CronField): boolean {
  const [range = '', step] = item.split('/');
  const [, last] = range.split('-');
  const from = firstOf(item, field);
  // `5/10` goes on to the end
  const isOpen = range === '*' || (last === undefined && step !== undefined);
  const to = isOpen ? field.high : (readNumber(last ?? range, field) ?? field.high);
  return number >= from && number <= to && (number - from) % Number(step ?? 1) === 0;
}

/** `*`, `5`, `1-5`, any of them with a step: `*\/15`. */
function isItem(item: string, field: CronField): boolean {
  const [, range = '', step] = /^([^/]+)(?:\/([0-9]{1,2}))?$/.exec(item) ?? [];
  if (step !== undefined && Number(step) < 1) return false;
  if (range === '*') return true;
  const [first = '', last, ...more] = range.split('-');
  const from = readNumber(first, field);
  const to = last === undefined ? from : readNumber(last, field);
  return from !== undefined && to !== undefined && from <= to && more.length === 0;
}

function readNumber(text: string, { low, high, words = [] }: CronField): number | undefined {
  const word = words.indexOf(text.toLowerCase());
  if (word >= 0) return low + word;
  const number = /^[0-9]{1,2}$/.test(text) ? Number(text) : Number.NaN;
  return number >= low && number <= high ? number : undefined;
}

/** A name of the IANA's time zone database, spelt as it is there. */
export function checkTimeZone(field: string, timeZone: string): Checked {
  if (isTimeZone(timeZone)) return undefined;
  return invalid(
    field,
    `${field} is ${quoteValue(timeZone)}; expected a name of the IANA time zone database, such as Europe/Berlin or UTC.`,
  );
}
