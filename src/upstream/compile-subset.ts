import type { RemoteSelection } from '../db/schema/entities.ts';
import type { SubsetFilter } from '../db/staging/stage-tags.ts';
import { compileTagFilter } from '../selection/tag-filter.ts';

/** What a remote selects: tags, and digests asked for as such. */
export function compileSubset(selection: Pick<RemoteSelection, 'includeTags' | 'excludeTags'>): SubsetFilter {
  const filter = compileTagFilter(selection);
  const includesAll = (selection.includeTags ?? []).length === 0;
  const excluded = new Set<string>(selection.excludeTags ?? []);
  return {
    ...filter,
    holdsDigest: (digest) => (includesAll && !excluded.has(digest)) || filter.digests.includes(digest),
  };
}
