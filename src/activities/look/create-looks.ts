import { randomUUID } from 'node:crypto';
import DataLoader from 'dataloader';
import { readPresentContent } from '../../db/look/present-content.ts';
import { recordUnchanged } from '../../db/look/record-unchanged.ts';
import { readSettledSyncs } from '../../db/look/settled-syncs.ts';
import type { SettledSync } from '../../db/look/settled-syncs.ts';
import { Remote } from '../../db/schema/remotes.ts';
import type { DueRun } from '../../db/tasks/schedule-runs.ts';
import { compileSubset } from '../../upstream/compile-subset.ts';
import { createLimiter } from '../../upstream/limiter.ts';
import { createRegistryClients } from '../../upstream/registry-clients.ts';
import type { ActivityDeps } from '../deps.ts';
import { hostOf, openClient } from '../sync/open-client.ts';
import type { SharedByClients } from '../sync/open-client.ts';
import { isUnchanged } from './is-unchanged.ts';

/*
 * A look before a scheduled sync. It asks the upstream what a sync would ask about a repository in which nothing has changed. If that is so,
 * the run is recorded as UNCHANGED, without a task and a sync. Whatever a look cannot tell, and every error, is left to the sync.
 */

export interface Looks {
  /** The repository in which a sync would change nothing; undefined: only a sync can tell. */
  look(due: DueRun, signal: AbortSignal): Promise<SettledSync | undefined>;
  close(): Promise<void>;
}

/** A look that takes longer is left to the sync. */
const timeoutMs = 60_000;
/** Runs that share a statement. */
const batch = { maxBatchSize: 100, cache: false } as const;
/** The content of so many repositories is in memory at the same time. */
const looksAtOnce = 16;

export function createLooks(deps: ActivityDeps, shared: SharedByClients): Looks {
  const em = () => deps.database.em.fork();
  const clients = createRegistryClients();
  const settledSyncs = new DataLoader((due: readonly DueRun[]) => readSettledSyncs(em(), due), batch);
  const remotes = new DataLoader(async (ids: readonly number[]) => {
    const rows = await em().find(Remote, { id: { $in: [...ids] } });
    return ids.map((id) => rows.find((row) => row.id === id));
  }, batch);
  const content = new DataLoader((ids: readonly number[]) => readPresentContent(em(), ids), batch);
  const looks = createLimiter(looksAtOnce);
  const unchanged = new DataLoader(async (due: readonly DueRun[]) => {
    await recordUnchanged(em(), due);
    return due.map(() => true);
  }, batch);

  async function lookAt(settled: SettledSync, signal: AbortSignal): Promise<boolean> {
    const remote = await remotes.load(settled.remoteId);
    if (remote === undefined) return false;
    const filter = compileSubset(remote);
    const canTell =
      filter.digests.length === 0 && filter.minimumAge === undefined && filter.newestOrder === 'SEMVER';
    if (!canTell) return false;
    const { allowPrivate } = settled;
    const host = hostOf(remote.url);
    const client = clients.hold(remote.id, remote, () =>
      openClient(deps, shared, { remote, host, allowPrivate, witness: `look ${randomUUID()}` }),
    );
    try {
      const present = await content.load(settled.repositoryId);
      return await isUnchanged(deps, { ...settled, remote, filter, registry: client.value, present }, signal);
    } finally {
      client.release();
    }
  }

  return {
    async look(due, signal) {
      const settled = await settledSyncs.load(due);
      if (settled === undefined) return undefined;
      try {
        const isUnchangedNow = await looks.run(signal, () =>
          lookAt(settled, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])),
        );
        if (!isUnchangedNow) return undefined;
      } catch (error) {
        signal.throwIfAborted();
        deps.logger.debug({ err: error, scheduleId: due.scheduleId }, 'a look is left to the sync');
        return undefined;
      }
      await unchanged.load(due);
      return settled;
    },
    close: () => clients.close(),
  };
}
