import { compareBuild } from 'semver';
import type { SemVer } from 'semver';
import { compileRanges } from './semver-ranges.ts';
import type { NewestTags, SemverGroup, TagRules } from './tag-rules.ts';
import { parseTagVersion } from './tag-version.ts';

interface RankedTag {
  readonly name: string;
  readonly version: SemVer;
}

/** The newest tags of those that it has seen; it holds no others, however many it sees. */
export interface Newest {
  /** Takes a tag, and returns the name that falls out for it: that of an older one, or its own. */
  add(name: string): string | undefined;
  /** The names that are left, newest first in each group. */
  names(): string[];
  /** Whether a tag is older than the newest of its group, or no version that counts. */
  isBeyond(name: string): boolean;
}

/** Only versions of the variant `semverSuffix` count; pre-releases with `semverPrereleases`, or where a range takes them. */
export function createNewest({ count, per }: NewestTags, rules: TagRules): Newest {
  const groups = new Map<string, RankedTag[]>();
  const readVersion = compileCounted(rules);
  const groupOf = (version: SemVer): RankedTag[] => {
    const key = groupKey(version, per);
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    return group;
  };
  return {
    add(name) {
      const version = readVersion(name);
      if (version === undefined) return name;
      const group = groupOf(version);
      const place = placeOf(group, { name, version });
      // a registry may list a tag twice
      if (group[place]?.name === name) return undefined;
      group.splice(place, 0, { name, version });
      return group.length > count ? group.pop()?.name : undefined;
    },
    names: () => [...groups.values()].flatMap((group) => group.map(({ name }) => name)),
    isBeyond(name) {
      const version = readVersion(name);
      return version === undefined || placeOf(groupOf(version), { name, version }) >= count;
    },
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

function groupKey({ major, minor }: SemVer, per: SemverGroup): string {
  if (per === 'ALL') return '';
  return per === 'MAJOR' ? String(major) : `${major}.${minor}`;
}

/** By bisection. Of equal versions (`1.2` and `1.2.0`) the longer name comes first: it names the version in full. */
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

function isNewer(one: RankedTag, other: RankedTag): boolean {
  const order =
    compareBuild(one.version, other.version) ||
    one.name.length - other.name.length ||
    (one.name < other.name ? 1 : -Number(one.name !== other.name));
  return order > 0;
}
