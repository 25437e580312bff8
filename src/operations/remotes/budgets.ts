import { quoteValue } from '../../oci/error.ts';
import { parseRates } from '../../timetables/rates.ts';
import { parseWindow } from '../../timetables/windows.ts';
import { invalid } from '../mistakes.ts';
import type { Checked } from '../mistakes.ts';

const windowsMost = 20;

export function checkBytesPerSecond(text: string): Checked {
  const parsed = parseRates(text);
  if ('value' in parsed) return undefined;
  return invalid('bytesPerSecond', `bytesPerSecond is ${quoteValue(text)} and ${parsed.mistake}.`);
}

export function checkSyncWindows(texts: readonly string[]): Checked[] {
  if (texts.length === 0 || texts.length > windowsMost)
    return [
      invalid(
        'syncWindows',
        `syncWindows has ${texts.length} windows; expected 1 to ${windowsMost}, or null for no limit of the time.`,
      ),
    ];
  return texts.map((text) => {
    const parsed = parseWindow(text);
    return 'value' in parsed
      ? undefined
      : invalid('syncWindows', `syncWindows has ${quoteValue(text)}, which ${parsed.mistake}.`);
  });
}
