import { quoteValue } from '../oci/error.ts';
import type { Parsed } from './periods.ts';
import { parseRates } from './rates.ts';
import type { RateTimetable } from './rates.ts';

/**
 * Reads `quay.io=5MB/s; registry-1.docker.io=06:00-22:00 20MB/s, else off (Europe/Berlin)`.
 */
export function parseHostRates(text: string): Parsed<ReadonlyMap<string, RateTimetable>> {
  const rates = new Map<string, RateTimetable>();
  for (const entry of text.split(';').map((part) => part.trim())) {
    if (entry === '') continue;
    const equals = entry.indexOf('=');
    const host = entry.slice(0, Math.max(0, equals)).trim().toLowerCase();
    if (!isHost(host))
      return {
        mistake: `has the entry ${quoteValue(entry)}; expected a host, with its port unless that is the scheme's, and a limit, such as quay.io=5MB/s`,
      };
    if (rates.has(host)) return { mistake: `has ${host} twice; expected each host once` };
    const parsed = parseRates(entry.slice(equals + 1));
    if ('mistake' in parsed) return { mistake: `for ${host} ${parsed.mistake}` };
    rates.set(host, parsed.value);
  }
  return { value: rates };
}

/** As `URL.host` has it. */
function isHost(host: string): boolean {
  if (!URL.canParse(`tcp://${host}`)) return false;
  return host !== '' && new URL(`tcp://${host}`).host === host;
}
