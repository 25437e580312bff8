import { Range } from 'semver';
import { quoteValue } from '../oci/error.ts';
import type { TagVersion } from './tag-version.ts';

export interface SemverRules {
  /** node-semver ranges; a version is in when any of them takes it. */
  readonly ranges: readonly string[];
  /** Whether every pre-release counts. Otherwise a range takes those of a version that it names with one. */
  readonly prereleases: boolean;
  /** The variant, for example `alpine`. Null: tags without a variant. */
  readonly suffix: string | null;
}

const rangeLengthAtMost = 256;

/** Why a range cannot be used; undefined where it can. */
export function rangeMistake(range: string): string | undefined {
  if (range.length > rangeLengthAtMost)
    return `A range has at most ${rangeLengthAtMost} characters; this one has ${range.length}.`;
  return parseRange(range, false) === undefined
    ? `${quoteValue(range)} is not a semver range. Examples: ">=1.2 <2", "~1.27", "1.x || >=2.1.0".`
    : undefined;
}

/** Compiles ranges that have no `rangeMistake`; others take nothing. */
export function compileRanges(rules: SemverRules): (version: TagVersion) => boolean {
  const ranges = rules.ranges.flatMap((range) => parseRange(range, rules.prereleases) ?? []);
  return ({ version, variant }) =>
    (variant ?? null) === rules.suffix && ranges.some((range) => range.test(version));
}

/** As tags are read: without leading zeros (`>=22.04`), and with `rc1` as `rc.1`. semver's own loose mode would drop what it cannot read. */
function parseRange(range: string, includePrerelease: boolean): Range | undefined {
  const asTagsAreRead = range
    .replaceAll(/[0-9A-Za-z]+/g, (word) => word.replace(/^0+(?=\d)/, ''))
    .replaceAll(/-([A-Za-z]+)(?=\d)/g, (_whole, word: string) => `-${word.toLowerCase()}.`);
  try {
    return new Range(asTagsAreRead, { includePrerelease });
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
