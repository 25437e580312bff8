import { completeUnchanged } from '../../db/look/complete-unchanged.ts';
import { readPresentContent } from '../../db/look/present-content.ts';
import { readSettledTask } from '../../db/look/settled-syncs.ts';
import type { Settled } from '../../db/look/settled-syncs.ts';
import type { Em } from '../../db/open-database.ts';
import { readKnownListings } from '../../db/tasks/host-listing.ts';
import type { ListedPlace } from '../../db/tasks/host-listing.ts';
import { logTaskEnded } from '../../db/tasks/task-log.ts';
import type { Registry } from '../../registry/registry.ts';
import { rulesOf } from '../../selection/tag-rules.ts';
import { rememberAnswers } from '../../upstream/remembered-answers.ts';
import type { ActivityDeps } from '../deps.ts';
import { concurrencyOf, listedByFallback } from '../sync/sync-context.ts';
import type { SyncContext } from '../sync/sync-context.ts';
import { canCompare, findUnchanged } from './find-unchanged.ts';
import { changed } from './look.ts';
import type { Unchanged } from './look.ts';

/**
 * The look before the stages of a sync: most syncs have nothing to do, and the stages cost some 50 statements.
 * @returns `completed` if it has ended the task; otherwise the client for the stages, which knows what the look was answered.
 */
export async function lookFirst(
  deps: ActivityDeps,
  em: Em,
  sync: SyncContext,
  signal: AbortSignal,
): Promise<'completed' | Registry> {
  const { taskId, registry } = sync;
  if (sync.arguments.dryRun || !canCompare(sync.filter)) return registry;
  const settled = await readSettledTask(em, taskId);
  if (settled === undefined) return registry;
  const { asking, answering } = rememberAnswers(registry, signal);
  const unchanged = await compare(deps, em, { settled, sync: { ...sync, registry: asking } }, signal);
  if (unchanged === undefined) return answering;
  const { latest, areTagsChecked } = settled;
  if (!(await completeUnchanged(em, { ...unchanged, taskId, latest, areTagsChecked }))) return registry;
  await logTaskEnded(em, deps.logger, taskId);
  return 'completed';
}

/** An error is left to the stages, which get it again. */
async function compare(
  deps: ActivityDeps,
  em: Em,
  { settled, sync }: { readonly settled: Settled; readonly sync: SyncContext },
  signal: AbortSignal,
): Promise<Unchanged | undefined> {
  const { remote, filter, registry, selection } = sync;
  const [present] = await readPresentContent(em, [settled.repositoryId]);
  if (present === undefined) return undefined;
  const look = {
    mirror: settled.mirror,
    remote,
    rules: rulesOf(selection),
    filter,
    concurrency: concurrencyOf(sync),
    registry,
    present,
    store: deps.store,
    knownListing: async (place: ListedPlace) => {
      // the memory is that of the remote's own upstream
      if (listedByFallback(sync) !== undefined) changed();
      const [known] = await readKnownListings(em, [place]);
      // the stages take the warning
      return known === undefined || known.hasWarning ? changed() : known;
    },
  };
  try {
    return await findUnchanged(deps, look, signal);
  } catch (error) {
    signal.throwIfAborted();
    deps.logger.debug({ err: error, taskId: sync.taskId }, 'a look is left to the stages of the sync');
    return undefined;
  }
}
