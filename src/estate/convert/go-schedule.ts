import { checkCron, checkTimeZone } from '../../operations/schedules/cron.ts';
import type { SchedulePart } from './estate-file.ts';

const unitSeconds: Readonly<Record<string, number>> = {
  ns: 1e-9,
  us: 1e-6,
  µs: 1e-6,
  μs: 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3_600,
};

const yearSeconds = 366 * 24 * 60 * 60;

/** The seconds of a duration of Go (pkg.go.dev/time, ParseDuration): `1h30m`, `15m`, `1.5h`. Undefined for other text. */
export function parseGoDuration(text: string): number | undefined {
  if (text === '0') return 0;
  if (!/^\+?(?:\d{1,12}(?:\.\d{0,12})?(?:ns|us|µs|μs|ms|s|m|h))+$/.test(text)) return undefined;
  const parts = text.matchAll(/(\d{1,12}(?:\.\d{0,12})?)(ns|us|µs|μs|ms|s|m|h)/g);
  return [...parts].reduce((sum, [, count, unit = '']) => sum + Number(count) * (unitSeconds[unit] ?? 0), 0);
}

/** An interval in whole seconds. @returns the reason for what has no equivalent */
export function readInterval(text: string): SchedulePart | { readonly mistake: string } {
  const seconds = parseGoDuration(text);
  if (seconds === undefined || seconds <= 0) return { mistake: `expected a duration of Go, such as 60m` };
  const intervalSeconds = Math.max(1, Math.round(seconds));
  if (intervalSeconds > yearSeconds) return { mistake: 'an interval is at most 366 days' };
  return { intervalSeconds };
}

/** Names of robfig/cron that Tidemark calls otherwise. */
const aliases: Readonly<Record<string, string>> = { '@midnight': '@daily', '@annually': '@yearly' };

/**
 * A schedule of robfig/cron v3 (pkg.go.dev/github.com/robfig/cron/v3): five fields, `@daily`, `@every 1h`, with `CRON_TZ=` before it.
 * @returns the reason for what has no equivalent
 */
export function readCron(text: string): SchedulePart | { readonly mistake: string } {
  const words = text.trim().split(/\s+/);
  const zone = /^(?:CRON_)?TZ=(.+)$/.exec(words[0] ?? '')?.[1];
  const rest = zone === undefined ? words : words.slice(1);
  if (rest[0] === '@every') return readInterval(rest.slice(1).join(''));
  const written = rest.join(' ').replaceAll('?', '*');
  const cron = aliases[written] ?? written;
  const mistake =
    checkCron('cron', cron) ?? (zone === undefined ? undefined : checkTimeZone('timeZone', zone));
  if (mistake !== undefined)
    return {
      mistake: [mistake]
        .flat()
        .map(({ message }) => message)
        .join(' '),
    };
  return zone === undefined ? { cron } : { cron, timeZone: zone };
}
