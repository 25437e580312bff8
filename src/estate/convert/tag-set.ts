import { isDigest } from '../../oci/digest.ts';
import { quoteValue } from '../../oci/error.ts';
import { compileTagPattern } from '../../selection/tag-patterns.ts';
import type { TagsPart } from './estate-file.ts';

/** Tags that one rule of another tool takes. A repository takes those of any of its sets. */
export interface TagSet {
  /** Whether it takes every tag but the excluded ones; otherwise those listed. */
  readonly isOpen: boolean;
  /** Tags and digests. */
  readonly names: readonly string[];
  /** Patterns of whole tags. */
  readonly patterns: readonly string[];
  /** Ranges of node-semver. */
  readonly ranges: readonly string[];
  /** Whether its ranges take every pre-release. */
  readonly prereleases: boolean;
  /** Patterns of whole tags that this set does not take. */
  readonly excluded: readonly string[];
}

const nothing: TagSet = {
  isOpen: false,
  names: [],
  patterns: [],
  ranges: [],
  prereleases: false,
  excluded: [],
};

export const everyTag: TagSet = { ...nothing, isOpen: true };

export function tagSet(parts: Partial<TagSet>): TagSet {
  return { ...nothing, ...parts };
}

const patternsAtMost = 100;
const namesAtMost = 1_000;

/**
 * The rules of one remote that take the same tags. A remote has one list of exclusions, which holds for all that it includes.
 * @returns the reason if there are none
 */
export function uniteTagSets(
  sets: readonly TagSet[],
): { readonly tags: TagsPart } | { readonly mistake: string } {
  const used = sets.map(withoutExcludedNames).filter(takesAny);
  if (used.length === 0) return { mistake: 'Its rules select no tag.' };
  if (used.some(({ isOpen, excluded }) => isOpen && excluded.length === 0)) return { tags: {} };
  const excluded = unique(used.flatMap((set) => set.excluded));
  for (const set of used) {
    const conflict = findConflict(set, excluded);
    if (conflict !== undefined) return { mistake: conflict };
  }
  const isOpen = used.some((set) => set.isOpen);
  const included = (list: (set: TagSet) => readonly string[]): string[] =>
    isOpen ? [] : unique(used.flatMap((set) => [...list(set)]));
  const [names, patterns, ranges] = [
    included((set) => set.names),
    included((set) => set.patterns),
    included((set) => set.ranges),
  ];
  if (names.length > namesAtMost)
    return { mistake: `It lists ${names.length} tags; a remote has at most ${namesAtMost}.` };
  if (Math.max(patterns.length, ranges.length, excluded.length) > patternsAtMost)
    return { mistake: `It has more than ${patternsAtMost} patterns or ranges, which a remote may have.` };
  return {
    tags: {
      includeTags: ifAny(names),
      includeTagPatterns: ifAny(patterns),
      semverRanges: ifAny(ranges),
      semverPrereleases: ranges.length > 0 && used.some((set) => set.prereleases) ? true : undefined,
      excludeTagPatterns: ifAny(excluded),
    },
  };
}

function takesAny({ isOpen, names, patterns, ranges }: TagSet): boolean {
  return isOpen || names.length + patterns.length + ranges.length > 0;
}

function withoutExcludedNames(set: TagSet): TagSet {
  return { ...set, names: set.names.filter((name) => !isExcluded(name, set.excluded)) };
}

/** Exclusions of another set may meet a set of names only, and none of its names. */
function findConflict(set: TagSet, excluded: readonly string[]): string | undefined {
  const foreign = excluded.filter((pattern) => !set.excluded.includes(pattern));
  if (foreign.length === 0) return undefined;
  const name = set.names.find((tag) => isExcluded(tag, foreign));
  if (name !== undefined)
    return `One of its sets of tags takes ${quoteValue(name)}, which another one excludes. A remote has one list of exclusions.`;
  const isNames = !set.isOpen && set.patterns.length + set.ranges.length === 0;
  return isNames
    ? undefined
    : 'Its sets of tags exclude different tags. A remote has one list of exclusions: give all sets the same, or split them over two repositories.';
}

/** Patterns do not exclude digests. */
function isExcluded(name: string, patterns: readonly string[]): boolean {
  return !isDigest(name) && patterns.some((pattern) => compileTagPattern(pattern).matches(name));
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}

function ifAny<Value>(list: readonly Value[]): readonly Value[] | undefined {
  return list.length === 0 ? undefined : list;
}
