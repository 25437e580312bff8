import { compareBuild } from 'semver';
import type { SemVer } from 'semver';

export type SemverGroup = 'ALL' | 'MAJOR' | 'MINOR';

export interface RankedTag {
  readonly name: string;
  readonly version: SemVer;
}

/** Keeps the newest `count` tags of each group; it holds no others, however many it sees. */
export function createNewest(count: number, per: SemverGroup) {
  const groups = new Map<string, RankedTag[]>();
  return {
    /** Takes a tag, and returns the name that falls out for it: that of an older one, or its own. */
    add(tag: RankedTag): string | undefined {
      const key = groupOf(tag.version, per);
      const group = groups.get(key) ?? [];
      groups.set(key, group);
      group.splice(placeOf(group, tag), 0, tag);
      return group.length > count ? group.pop()?.name : undefined;
    },
    /** The names that are left, newest first in each group. */
    names(): string[] {
      return [...groups.values()].flatMap((group) => group.map(({ name }) => name));
    },
  };
}

function groupOf({ major, minor }: SemVer, per: SemverGroup): string {
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
    (one.name < other.name ? 1 : -1);
  return order > 0;
}
