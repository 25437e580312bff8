import type { Em } from '../../db/open-database.ts';
import { readSeen } from '../../db/outcomes/seen-tags.ts';
import type { Newest } from '../../selection/newest-tags.ts';
import type { SyncContext } from '../sync/sync-context.ts';
import type { TagTimes } from './tag-times.ts';

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
 * all and those that wait are looked up too, so that their time begins and goes on. So are tags whose time cannot be told.
 */
export function rankTags(
  em: Em,
  sync: SyncContext,
  createNewest: () => Newest,
  tagTimes: TagTimes,
): TagRanking {
  const newest = createNewest();
  const { minimumAge } = sync.filter;
  const age = minimumAge?.scope === 'ALL' ? minimumAge : undefined;
  const counted = createNewest();
  const others = new Set<string>();
  let dropped = 0;
  const names = () => new Set([...newest.names(), ...counted.names(), ...others]);
  return {
    async add(page) {
      const { times, unread } = await tagTimes.read(page);
      for (const name of page) if (newest.add(name, times.get(name)) !== undefined) dropped += 1;
      for (const name of unread) others.add(name);
      if (age === undefined) return;
      const seen = await readSeen(em, sync, page, age);
      for (const name of page) if (seen.counted.has(name)) counted.add(name, times.get(name));
      const ranked = createNewest();
      for (const name of seen.waiting) if (!ranked.isBeyond(name, times.get(name))) others.add(name);
    },
    names: () => [...names()],
    beyond: () => dropped - (names().size - newest.names().length),
  };
}
