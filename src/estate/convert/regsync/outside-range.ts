import type { VersionRange } from './version-range.ts';

/** Any further numbers, and the suffix of a pre-release. */
const moreNumbers = '(?:\\.\\d+)*';
const anySuffix = '(?:-.*)?';
/** A dash with nothing after it is no pre-release. */
const noSuffix = '-?';
const preRelease = '-.+';
const zeros = '(?:\\.0+)*';

/** Tags that regsync takes for no version. */
export const notAVersion = 'v?(?:\\d+\\.)+(?:\\D.*)?|v(?:\\D.*)?|[^v\\d].*|v?\\d+(?:\\.\\d+)*[^\\d.\\-].*';

/**
 * Patterns of whole tags that are versions outside of the range. With them as exclusions, patterns that include take those within: RE2 has
 * no intersection.
 */
export function outsideRange({ low, high }: Pick<VersionRange, 'low' | 'high'>): string[] {
  return [
    ...(low === undefined ? [] : [below(low.numbers, low.at === 0 ? preRelease : anySuffix)]),
    ...(high === undefined ? [] : [above(high.numbers, high.at === 0 ? noSuffix : undefined)]),
  ];
}

/** Versions below the numbers, and those that equal them with a suffix that is below, too. */
function below(numbers: readonly number[], equalSuffix: string): string {
  const alternatives: string[] = [];
  let prefix = '';
  for (const [at, number] of numbers.entries()) {
    // fewer numbers: the missing ones are zeros, and the last of `numbers` is not
    if (at > 0) alternatives.push(`${prefix}${anySuffix}`);
    const smaller = lessThan(number);
    if (smaller !== undefined) alternatives.push(`${prefix}${dot(at)}${smaller}${moreNumbers}${anySuffix}`);
    prefix += `${dot(at)}0*${number}`;
  }
  alternatives.push(`${prefix === '' ? '0+' : prefix}${zeros}${equalSuffix}`);
  return `v?(?:${alternatives.join('|')})`;
}

/** Versions above the numbers, and those that equal them with the suffix. */
function above(numbers: readonly number[], equalSuffix: string | undefined): string {
  const alternatives: string[] = [];
  let prefix = '';
  for (const [at, number] of numbers.entries()) {
    alternatives.push(`${prefix}${dot(at)}${greaterThan(number)}${moreNumbers}${anySuffix}`);
    prefix += `${dot(at)}0*${number}`;
  }
  const rest =
    numbers.length === 0
      ? `(?:\\d*[1-9]\\d*|0+${zeros}\\.\\d*[1-9]\\d*)`
      : `${prefix}${zeros}\\.\\d*[1-9]\\d*`;
  alternatives.push(`${rest}${moreNumbers}${anySuffix}`);
  if (equalSuffix !== undefined) alternatives.push(`${prefix === '' ? '0+' : prefix}${zeros}${equalSuffix}`);
  return `v?(?:${alternatives.join('|')})`;
}

const dot = (at: number): string => (at === 0 ? '' : '\\.');

/** Decimal numbers below this one, with leading zeros; undefined for 0. */
function lessThan(number: number): string | undefined {
  if (number === 0) return undefined;
  const digits = String(number);
  const shorter = digits.length > 1 ? [`\\d{1,${digits.length - 1}}`] : [];
  const same = Array.from(digits).flatMap((digit, at) => {
    const first = at === 0 && digits.length > 1 ? 1 : 0;
    return Number(digit) > first ? [sameLength(digits, at, first, Number(digit) - 1)] : [];
  });
  return `0*(?:${[...shorter, ...same].join('|')})`;
}

/** Decimal numbers above this one, with leading zeros. */
function greaterThan(number: number): string {
  const digits = String(number);
  const longer = `[1-9]\\d{${digits.length},}`;
  const same = Array.from(digits).flatMap((digit, at) =>
    Number(digit) < 9 ? [sameLength(digits, at, Number(digit) + 1, 9)] : [],
  );
  return `0*(?:${[longer, ...same].join('|')})`;
}

/** Numbers of as many digits that agree up to one, which is between `from` and `to`. */
function sameLength(digits: string, at: number, from: number, to: number): string {
  const rest = digits.length - at - 1;
  const digit = from === to ? `${from}` : `[${from}-${to}]`;
  return `${digits.slice(0, at)}${digit}${rest === 0 ? '' : rest === 1 ? '\\d' : `\\d{${rest}}`}`;
}
