import type { Em } from '../../db/open-database.ts';
import { readSeen } from '../../db/outcomes/seen-tags.ts';
import type { Newest } from '../../selection/newest-tags.ts';
import type { SyncContext } from '../sync/sync-context.ts';

export interface TagRanking {
  /** Takes a page of selected names. */
  add(names: readonly string[]): Promise<void>;
  /** The names to look up. */
  names(): string[];
  /** How many names are not. */
  beyond(): number;
}

/**
 * Ranks tags for `newestTags`. With a minimum age for new tags, only tags that the repository has or that are due count. The newest of
 * all and those that wait are looked up too, so that their time begins and goes on.
 */
export function rankTags(em: Em, sync: SyncContext, createNewest: () => Newest): TagRanking {
  const newest = createNewest();
  const { minimumAge } = sync.filter;
  const age = minimumAge?.scope === 'ALL' ? minimumAge : undefined;
  const counted = createNewest();
  const waiting = new Set<string>();
  let dropped = 0;
  const names = () => new Set([...newest.names(), ...counted.names(), ...waiting]);
  return {
    async add(page) {
      for (const name of page) if (newest.add(name) !== undefined) dropped += 1;
      if (age === undefined) return;
      const seen = await readSeen(em, sync, page, age);
      for (const name of page) if (seen.counted.has(name)) counted.add(name);
      const versions = createNewest();
      for (const name of seen.waiting) if (!versions.isBeyond(name)) waiting.add(name);
    },
    names: () => [...names()],
    beyond: () => dropped - (names().size - newest.names().length),
  };
}
