import { compareBuild } from 'semver';
import type { SemVer } from 'semver';
import { compileRanges } from './semver-ranges.ts';
import type { NewestTags, SemverGroup, TagRules } from './tag-rules.ts';
import { parseTagVersion } from './tag-version.ts';

interface RankedTag {
  readonly name: string;
  readonly version: SemVer | undefined;
  readonly time: number;
}

/** The newest tags of those that it has seen; it holds no others, however many it sees. */
export interface Newest {
  /**
   * Takes a tag, and returns the name that falls out for it: that of an older one, or its own.
   * @param time In milliseconds, for an order by time. Tags without one are the oldest.
   */
  add(name: string, time?: number): string | undefined;
  /** The names that are left, newest first in each group. */
  names(): string[];
  /** Whether a tag is older than the newest of its group, or does not count. */
  isBeyond(name: string, time?: number): boolean;
}

/**
 * In the order SEMVER, and with groups of versions, only versions of the variant `semverSuffix` count; pre-releases with
 * `semverPrereleases`, or where a range takes them.
 */
export function createNewest(rule: NewestTags, rules: TagRules): Newest {
  const { count } = rule;
  const groups = new Map<string, RankedTag[]>();
  const rank = compileRank(rule, rules);
  const groupOf = (tag: RankedTag): RankedTag[] => {
    const key = groupKey(tag.version, rule.per);
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    return group;
  };
  return {
    add(name, time) {
      const tag = rank(name, time);
      if (tag === undefined) return name;
      const group = groupOf(tag);
      const place = placeOf(group, tag);
      // a registry may list a tag twice
      if (group[place]?.name === name) return undefined;
      group.splice(place, 0, tag);
      return group.length > count ? group.pop()?.name : undefined;
    },
    names: () => [...groups.values()].flatMap((group) => group.map(({ name }) => name)),
    isBeyond(name, time) {
      const tag = rank(name, time);
      return tag === undefined || placeOf(groupOf(tag), tag) >= count;
    },
  };
}

/** Undefined: the tag does not count. */
function compileRank(
  { order = 'SEMVER', per }: NewestTags,
  rules: TagRules,
): (name: string, time: number | undefined) => RankedTag | undefined {
  const readVersion = compileCounted(rules);
  const needsVersion = order === 'SEMVER' || per !== 'ALL';
  return (name, time = -Infinity) => {
    const version = needsVersion ? readVersion(name) : parseTagVersion(name)?.version;
    if (needsVersion && version === undefined) return undefined;
    return { name, version, time: order === 'SEMVER' ? 0 : time };
  };
}

function compileCounted(rules: TagRules): (name: string) => SemVer | undefined {
  const { semverPrereleases = false, semverSuffix = null } = rules;
  const takes = compileRanges({
    ranges: rules.semverRanges ?? [],
    prereleases: semverPrereleases,
    suffix: semverSuffix,
  });
  return (name) => {
    const parsed = parseTagVersion(name);
    if (parsed === undefined || (parsed.variant ?? null) !== semverSuffix) return undefined;
    const isRelease = parsed.version.prerelease.length === 0;
    return isRelease || semverPrereleases || takes(parsed) ? parsed.version : undefined;
  };
}

function groupKey(version: SemVer | undefined, per: SemverGroup): string {
  if (per === 'ALL' || version === undefined) return '';
  return per === 'MAJOR' ? String(version.major) : `${version.major}.${version.minor}`;
}

/** By bisection. */
function placeOf(group: readonly RankedTag[], tag: RankedTag): number {
  let [from, to] = [0, group.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    const other = group[middle];
    if (other !== undefined && isNewer(other, tag)) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** Of equal versions (`1.2` and `1.2.0`) the longer name comes first: it names the version in full. */
function isNewer(one: RankedTag, other: RankedTag): boolean {
  if (one.time !== other.time) return one.time > other.time;
  const order =
    compareVersions(one.version, other.version) ||
    one.name.length - other.name.length ||
    (one.name < other.name ? 1 : -Number(one.name !== other.name));
  return order > 0;
}

/** A tag that is no version comes last. */
function compareVersions(one: SemVer | undefined, other: SemVer | undefined): number {
  if (one === undefined || other === undefined)
    return Number(one !== undefined) - Number(other !== undefined);
  return compareBuild(one, other);
}
