import type { Digest } from '../../oci/digest.ts';
import { parseCompanionTag } from '../../oci/signatures/companion-tag.ts';
import type { SubsetFilter } from '../../db/staging/stage-tags.ts';
import type { SetTag } from '../../registry/registry.ts';
import { filterNames } from '../../selection/filter-names.ts';
import type { TagRules } from '../../selection/tag-rules.ts';
import { watchRules } from '../tags/watch-rules.ts';
import type { Changes } from './ask-changes.ts';

/** The changes that the rules select. */
export interface SelectedChanges {
  /** Tags that were added or moved. */
  readonly set: readonly SetTag[];
  readonly removed: readonly string[];
  /** Manifests with other referrers, or with other companion tags that the rules exclude. */
  readonly subjects: readonly Digest[];
  /** Listed tags that the rules exclude: those that came less those that went. */
  readonly filteredDelta: number;
}

/**
 * Whether the rules may be applied to the changes alone. The newest tags by creation, the minimum age and immutable tags need what only the whole
 * list, or requests for each tag, tell. Without a wildcard no list is read anyway.
 */
export function selectsByName(filter: SubsetFilter): boolean {
  const { needsListing, digests, minimumAge, newestOrder, isImmutable } = filter;
  return (
    needsListing &&
    digests.length === 0 &&
    minimumAge === undefined &&
    newestOrder === 'SEMVER' &&
    isImmutable === undefined
  );
}

/**
 * Undefined if the whole list decides: which tags are the newest where one came or went, and whether a rule still matches anything where one
 * went.
 */
export async function selectChanges(
  filter: SubsetFilter,
  rules: TagRules,
  { set, removed, subjects }: Changes,
): Promise<SelectedChanges | undefined> {
  const exact = new Set(filter.exactNames);
  const selects = (name: string): boolean => filter.matches(name) || exact.has(name);
  const names = [...set.keys(), ...removed];
  const selected = new Set(await filterNames(names, selects));
  const others = names.filter((name) => !selected.has(name));
  const isNew = (name: string): boolean => set.get(name)?.isNew === true;
  const cameOrWent = [...selected].some((name) => !exact.has(name) && (removed.has(name) || isNew(name)));
  if (cameOrWent && filter.createNewest !== undefined) return undefined;
  const hasWatched = watchRules(rules).warnings().length > 0;
  if (hasWatched && [...removed].some((name) => selected.has(name))) return undefined;
  const subjectsOfTags = others.flatMap((name) => parseCompanionTag(name)?.subject ?? []);
  const filtered = others.filter((name) => parseCompanionTag(name) === undefined);
  return {
    set: [...set.values()].filter(({ name }) => selected.has(name)),
    removed: [...removed].filter((name) => selected.has(name)),
    subjects: [...new Set([...subjects, ...subjectsOfTags])],
    filteredDelta: filtered.filter(isNew).length - filtered.filter((name) => removed.has(name)).length,
  };
}
