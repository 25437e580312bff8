import type { RemoteSelection } from '../db/schema/remotes.ts';
import type { SubsetFilter } from '../db/staging/stage-tags.ts';
import { parseCompanionTag } from '../oci/signatures/companion-tag.ts';
import { createNewest } from '../selection/newest-tags.ts';
import { minimumAgeOf, rulesOf } from '../selection/tag-rules.ts';
import type { List } from '../selection/tag-rules.ts';
import { compileTagFilter } from '../selection/tag-filter.ts';

type Selection = Pick<RemoteSelection, 'includeTags' | 'excludeTags' | 'tagRules'>;

/** The selection of a remote: tags, and manifests named by digest. */
export function compileSubset(selection: Selection): SubsetFilter {
  const rules = rulesOf(selection);
  const filter = compileTagFilter(rules);
  const excluded = new Set<string>(selection.excludeTags ?? []);
  const exact = new Set(filter.exactNames);
  const newestTags = rules.newestTags ?? undefined;
  // companions of the newest images follow them, and do not count as versions
  const isFollower = (name: string) =>
    newestTags !== undefined && !exact.has(name) && parseCompanionTag(name) !== undefined;
  return {
    ...filter,
    matches: (name) => filter.matches(name) && !isFollower(name),
    holdsDigest: (digest) => (filter.includesAll && !excluded.has(digest)) || filter.digests.includes(digest),
    isImmutable: compileImmutable(rules.immutableTags),
    minimumAge: minimumAgeOf(rules),
    platforms: rules.platforms ?? null,
    createNewest: newestTags && (() => createNewest(newestTags, rules)),
    newestOrder: newestTags?.order ?? 'SEMVER',
  };
}

function compileImmutable(wildcards: List): SubsetFilter['isImmutable'] {
  if (wildcards == null || wildcards.length === 0) return undefined;
  const filter = compileTagFilter({ includeTags: wildcards });
  return (name) => filter.matches(name);
}
