/** A place between versions. `at` 0: below the release of these numbers, and above its pre-releases; 1: above the release. */
interface Cut {
  /** Without zeros at the end. */
  readonly numbers: readonly number[];
  readonly at: 0 | 1;
}

/** The versions between two cuts; undefined: no bound. */
export interface VersionRange {
  /** The same in words of node-semver. */
  readonly semverRange: string;
  readonly low: Cut | undefined;
  readonly high: Cut | undefined;
}

export interface RegsyncVersion {
  readonly numbers: readonly number[];
  readonly isPreRelease: boolean;
}

/** regclient's internal/semver: a leading `v` is dropped, any count of numbers, and `-` begins a pre-release. */
export function parseRegsyncVersion(tag: string): RegsyncVersion | undefined {
  const text = tag.startsWith('v') ? tag.slice(1) : tag;
  const dash = text.indexOf('-');
  const parts = (dash < 0 ? text : text.slice(0, dash)).split('.');
  if (!parts.every((part) => /^\d{1,15}$/.test(part))) return undefined;
  return { numbers: trimZeros(parts.map(Number)), isPreRelease: dash >= 0 && dash < text.length - 1 };
}

/**
 * Reads `>=1.2 <2`, `^1.2.3`, `~1.2`, `1.2.3` as regsync does. It differs from node-semver: missing numbers are zeros (`>1.2` takes 1.2.1,
 * and `~1` ends before 1.1), so all numbers are written out.
 * @returns the reason for what has no equivalent
 */
export function parseVersionRange(text: string): VersionRange | { readonly mistake: string } {
  const bounds: Bound[] = [];
  for (const word of text.trim().split(/\s+/)) {
    const parsed = parseBounds(word);
    if (parsed === undefined)
      return {
        mistake: `${JSON.stringify(word)} is not a comparison with a version of up to three numbers without a suffix.`,
      };
    bounds.push(...parsed);
  }
  return {
    semverRange: bounds.map(({ operator, cut }) => `${operator}${written(cut)}`).join(' '),
    low: highest(bounds.flatMap(({ operator, cut }) => lowOf(operator, cut) ?? [])),
    high: lowest(bounds.flatMap(({ operator, cut }) => highOf(operator, cut) ?? [])),
  };
}

export function isInRange({ numbers, isPreRelease }: RegsyncVersion, { low, high }: VersionRange): boolean {
  const isAbove = (cut: Cut): boolean => {
    const order = compareNumbers(numbers, cut.numbers);
    return order > 0 || (order === 0 && cut.at === 0 && !isPreRelease);
  };
  return (low === undefined || isAbove(low)) && (high === undefined || !isAbove(high));
}

type Operator = '>=' | '<=' | '>' | '<' | '=';

interface Bound {
  readonly operator: Operator;
  readonly cut: readonly number[];
}

function parseBounds(word: string): Bound[] | undefined {
  const match = /^(\^|~|>=|<=|>|<|=|)v?(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?((?:\.0{1,9})*)$/.exec(word);
  if (match === null) return undefined;
  const [, operator = ''] = match;
  const [major = 0, minor = 0, patch = 0] = match.slice(2, 5).map((part) => Number(part ?? 0));
  const from: Bound = { operator: '>=', cut: [major, minor, patch] };
  if (operator === '~') return [from, { operator: '<', cut: [major, minor + 1, 0] }];
  if (operator !== '^') return [{ operator: operator === '' ? '=' : (operator as Operator), cut: from.cut }];
  const below = major > 0 ? [major + 1, 0, 0] : minor > 0 ? [0, minor + 1, 0] : [0, 0, patch + 1];
  return [from, { operator: '<', cut: below }];
}

const written = (numbers: readonly number[]): string => numbers.join('.');

function lowOf(operator: Operator, numbers: readonly number[]): Cut | undefined {
  if (operator === '<' || operator === '<=') return undefined;
  return { numbers: trimZeros(numbers), at: operator === '>' ? 1 : 0 };
}

function highOf(operator: Operator, numbers: readonly number[]): Cut | undefined {
  if (operator === '>' || operator === '>=') return undefined;
  return { numbers: trimZeros(numbers), at: operator === '<' ? 0 : 1 };
}

function compareCuts(one: Cut, other: Cut): number {
  return compareNumbers(one.numbers, other.numbers) || one.at - other.at;
}

const highest = (cuts: readonly Cut[]): Cut | undefined => [...cuts].sort(compareCuts).at(-1);
const lowest = (cuts: readonly Cut[]): Cut | undefined => [...cuts].sort(compareCuts)[0];

function compareNumbers(one: readonly number[], other: readonly number[]): number {
  for (let at = 0; at < Math.max(one.length, other.length); at += 1) {
    const order = (one[at] ?? 0) - (other[at] ?? 0);
    if (order !== 0) return order;
  }
  return 0;
}

function trimZeros(numbers: readonly number[]): number[] {
  const last = numbers.findLastIndex((number) => number !== 0);
  return numbers.slice(0, last + 1);
}
