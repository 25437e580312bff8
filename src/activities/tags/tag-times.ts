import type { Em } from '../../db/open-database.ts';
import {
  readCreated,
  readListedTimes,
  readTimes,
  seeNames,
  writeCreated,
} from '../../db/outcomes/listed-tags.ts';
import type { ListedTime } from '../../db/outcomes/listed-tags.ts';
import type { Digest } from '../../oci/digest.ts';
import { isContentFailure } from '../../upstream/error-kinds.ts';
import { forEachConcurrently } from '../../upstream/limiter.ts';
import { readCreatedAt } from './read-created.ts';
import type { ActivityDeps } from '../deps.ts';
import { concurrencyOf } from '../sync/sync-context.ts';
import type { SyncContext } from '../sync/sync-context.ts';

/* The times by which `newestTags` ranks tags. They are stored, so that removals and explanations rank the same. */

export interface TagTimes {
  /** Takes all names of the upstream's list, in pages. */
  see(names: readonly string[]): Promise<void>;
  /** In milliseconds. A tag without a time is absent. `unread`: its time cannot be told. */
  read(
    selected: readonly string[],
  ): Promise<{ readonly times: ReadonlyMap<string, number>; readonly unread: readonly string[] }>;
}

const chunk = 200;

export function openTagTimes(deps: ActivityDeps, sync: SyncContext, em: Em, signal: AbortSignal): TagTimes {
  const { repositoryId, filter } = sync;
  const order = filter.newestOrder;
  return {
    async see(names) {
      if (order === 'FIRST_SEEN') await seeNames(em, repositoryId, names);
    },
    async read(selected) {
      const unread: string[] = [];
      if (order === 'CREATED') {
        await seeNames(em, repositoryId, selected);
        for (let from = 0; from < selected.length; from += chunk)
          unread.push(...(await updateCreated(deps, sync, em, selected.slice(from, from + chunk), signal)));
      }
      return { times: await readTimes(em, repositoryId, order, selected), unread };
    },
  };
}

/** Asks which digests the tags have, and reads the creation times that are not known yet. Returns the names of unreadable ones. */
async function updateCreated(
  deps: ActivityDeps,
  sync: SyncContext,
  em: Em,
  names: readonly string[],
  signal: AbortSignal,
): Promise<string[]> {
  const stored = await readListedTimes(em, sync.repositoryId, names);
  const unread = new Set<string>();
  const moved = await findMoved(deps, sync, { names, stored, unread }, signal);
  const digests = [...new Set(moved.values())];
  const known = await readCreated(em, sync.repositoryId, digests);
  const wanted = digests.filter((digest) => !known.has(digest));
  const failed = new Set<Digest>();
  try {
    await forEachConcurrently(wanted, lanesOf(sync, signal), async (digest, laneSignal) => {
      try {
        const created = await deps.connections.run(laneSignal, () => readCreatedAt(sync, digest, laneSignal));
        known.set(digest, created ?? null);
      } catch (error) {
        if (!isContentFailure(error)) throw error;
        failed.add(digest);
      }
    });
  } finally {
    // the next attempt continues from here
    const rows = [...moved].flatMap(([name, digest]) => {
      const createdAt = known.get(digest);
      return createdAt === undefined ? [] : [{ name, digest, createdAt }];
    });
    await writeCreated(em, sync.repositoryId, rows);
  }
  for (const [name, digest] of moved) if (failed.has(digest)) unread.add(name);
  return [...unread];
}

interface Look {
  readonly names: readonly string[];
  readonly stored: ReadonlyMap<string, ListedTime>;
  readonly unread: Set<string>;
}

/** The digests of tags whose creation time is stored for another digest, or for none. Tags that are gone keep their time. */
async function findMoved(
  deps: ActivityDeps,
  sync: SyncContext,
  { names, stored, unread }: Look,
  signal: AbortSignal,
): Promise<Map<string, Digest>> {
  const moved = new Map<string, Digest>();
  await forEachConcurrently(names, lanesOf(sync, signal), async (name, laneSignal) => {
    const known = stored.get(name)?.digest ?? undefined;
    if (known !== undefined && sync.filter.isImmutable?.(name) === true) return;
    try {
      const head = await deps.connections.run(laneSignal, () =>
        sync.registry.resolve(name, { signal: laneSignal, ...(known && { known }) }),
      );
      if (head !== undefined && head !== 'unchanged' && head.digest !== known) moved.set(name, head.digest);
    } catch (error) {
      if (!isContentFailure(error)) throw error;
      unread.add(name);
    }
  });
  return moved;
}

function lanesOf(sync: SyncContext, signal: AbortSignal) {
  return { concurrency: concurrencyOf(sync), signal };
}
