import { completeUnchanged } from '../../db/look/complete-unchanged.ts';
import { readPresentContent } from '../../db/look/present-content.ts';
import { readSettledTask } from '../../db/look/settled-syncs.ts';
import type { Settled } from '../../db/look/settled-syncs.ts';
import { completeSame } from '../../db/difference/complete-same.ts';
import type { Em } from '../../db/open-database.ts';
import { readKnownListings } from '../../db/tasks/host-listing.ts';
import type { KnownListing, ListedPlace } from '../../db/tasks/host-listing.ts';
import { logTaskEnded } from '../../db/tasks/task-log.ts';
import { addWarnings } from '../../db/tasks/task-warnings.ts';
import type { Registry } from '../../registry/registry.ts';
import { rulesOf } from '../../selection/tag-rules.ts';
import { rememberAnswers } from '../../upstream/remembered-answers.ts';
import type { ActivityDeps } from '../deps.ts';
import { findDifference, isNothing, sampleSize } from '../difference/find-difference.ts';
import type { Difference } from '../difference/find-difference.ts';
import { describeLie } from '../listing/check-sample.ts';
import { noteLie } from '../listing/read-listing.ts';
import { listedPlace } from '../sync/open-client.ts';
import { concurrencyOf, listedByFallback } from '../sync/sync-context.ts';
import type { SyncContext } from '../sync/sync-context.ts';
import { canCompare, findUnchanged } from './find-unchanged.ts';
import { changed } from './look.ts';
import type { Unchanged } from './look.ts';

export interface LookedFirst {
  /** The client for the stages, which knows what the look was answered. */
  readonly registry: Registry;
  /** What another Tidemark says has changed; undefined: the whole list is read. */
  readonly difference: Difference | undefined;
}

/**
 * The look before the stages of a sync: most syncs have nothing to do, and the stages cost some 50 statements.
 * @returns `completed` if it has ended the task.
 */
export async function lookFirst(
  deps: ActivityDeps,
  em: Em,
  sync: SyncContext,
  signal: AbortSignal,
): Promise<'completed' | LookedFirst> {
  const { taskId, registry } = sync;
  const unknown = { registry, difference: undefined };
  if (sync.arguments.dryRun || !canCompare(sync.filter)) return unknown;
  const settled = await readSettledTask(em, taskId);
  if (settled === undefined) return unknown;
  const { asking, answering } = rememberAnswers(registry, signal);
  const looking = { settled, sync: { ...sync, registry: asking } };
  const found = await lookAtDifference(deps, em, looking, signal);
  if (found !== undefined && isNothing(found, settled.mirror))
    return completed(deps, em, sync, () => completeSame(em, { ...found, taskId, latest: settled.latest }));
  if (found !== undefined) return { registry: answering, difference: found };
  const { latest, areTagsChecked } = settled;
  const unchanged = settled.isSmall ? await compare(deps, em, looking, signal) : undefined;
  if (unchanged === undefined) return { registry: answering, difference: undefined };
  return completed(deps, em, sync, () =>
    completeUnchanged(em, { ...unchanged, taskId, latest, areTagsChecked }),
  );
}

async function completed(
  deps: ActivityDeps,
  em: Em,
  { taskId, registry }: SyncContext,
  complete: () => Promise<boolean>,
): Promise<'completed' | LookedFirst> {
  if (!(await complete())) return { registry, difference: undefined };
  await logTaskEnded(em, deps.logger, taskId);
  return 'completed';
}

interface Looking {
  readonly settled: Settled;
  readonly sync: SyncContext;
}

/** Undefined if the whole list must be read. A remote with fallbacks reads it: the list chooses the upstream. */
async function lookAtDifference(
  deps: ActivityDeps,
  em: Em,
  { settled, sync }: Looking,
  signal: AbortSignal,
): Promise<Difference | undefined> {
  if (sync.failover !== undefined) return undefined;
  const { remote, filter, registry, selection } = sync;
  const place = listedPlace(remote);
  const question = {
    settled,
    filter,
    rules: rulesOf(selection),
    registry,
    concurrency: concurrencyOf(sync),
    sample: sampleSize(settled.tags),
    known: () => readKnown(em, place),
  };
  try {
    const found = await findDifference(deps, em, question, signal);
    if (found.kind === 'lie') {
      await noteLie(em, place);
      await addWarnings(em, sync.taskId, [describeLie(place.host, found.lie)]);
    }
    return found.kind === 'found' ? found.difference : undefined;
  } catch (error) {
    signal.throwIfAborted();
    deps.logger.debug({ err: error, taskId: sync.taskId }, 'the whole list of tags is read');
    return undefined;
  }
}

async function readKnown(em: Em, place: ListedPlace): Promise<KnownListing> {
  const [known] = await readKnownListings(em, [place]);
  return known ?? changed();
}

/** An error is left to the stages, which get it again. */
async function compare(
  deps: ActivityDeps,
  em: Em,
  { settled, sync }: Looking,
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
      const known = await readKnown(em, place);
      // the stages take the warning
      return known.hasWarning ? changed() : known;
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
