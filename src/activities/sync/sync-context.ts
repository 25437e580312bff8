import { assumeLogins, readVisibility } from '../../access/standing.ts';
import type { Em } from '../../db/open-database.ts';
import { Remote } from '../../db/schema/remotes.ts';
import type { RemoteSelection } from '../../db/schema/remotes.ts';
import { Task } from '../../db/schema/tasks.ts';
import type { SyncArguments } from '../../db/schema/tasks.ts';
import { readRepositoryName } from '../../db/reads/read-repositories.ts';
import type { Reuse } from '../../db/staging/reuse.ts';
import type { SubsetFilter } from '../../db/staging/stage-tags.ts';
import { taskKey } from '../../db/tasks/task-log.ts';
import { isPaused, pauseTask } from '../../db/tasks/start-task.ts';
import { countRateLimited } from '../../db/tasks/tasks.ts';
import { assertRunning } from '../../db/tasks/open-tasks.ts';
import { TidemarkError, isTidemarkError } from '../../oci/error.ts';
import type { Registry } from '../../registry/registry.ts';
import type { ActivityDeps } from '../deps.ts';
import { noteSubject, subjectOf } from '../error-subject.ts';
import { createRegistryClients } from '../../upstream/clients/registry-clients.ts';
import { placeOfError } from '../../upstream/failover/ask-places.ts';
import type { FailoverRegistry } from '../../upstream/failover/failover-registry.ts';
import { openPlaces } from '../../upstream/failover/places.ts';
import type { Place, Places } from '../../upstream/failover/places.ts';
import type { WalkFailures } from '../../upstream/walk-graph.ts';
import { compileSubset } from '../../upstream/compile-subset.ts';
import { hostOf, openClient } from './open-client.ts';
import type { SharedByClients } from './open-client.ts';
import { pausedMeanwhile, startInWindow, withinWindow } from './sync-window.ts';
import { openFailures } from './open-failures.ts';
import { openSyncUpstream } from './open-upstream.ts';
import type { SyncUpstream } from './open-upstream.ts';

/** What the activities of one sync share. */
export interface SyncContext {
  readonly taskId: number;
  readonly repositoryId: number;
  readonly arguments: SyncArguments;
  /** As it is now. */
  readonly remote: Remote;
  /** The remote's selection when the sync began. */
  readonly selection: RemoteSelection;
  readonly filter: SubsetFilter;
  /** With fallbacks, one registry made of all upstreams. */
  readonly registry: Registry;
  /** Undefined without fallbacks. */
  readonly failover: FailoverRegistry | undefined;
  /** Whether the listed names are the difference to the sync before, and not the whole list. */
  readonly isDifference: boolean;
  /** How often the sync has waited for a throttled host. */
  readonly throttles: number;
  /** The stored content that the sync may reuse: by the present rights of its starter. */
  readonly reuse: Reuse;
  /** Records content that the upstream cannot deliver. Undefined under `tagFailures: FAIL_SYNC`: its error fails the sync. */
  readonly failures: WalkFailures | undefined;
}

/** Requests in flight. */
export function concurrencyOf({ arguments: { overrides }, remote }: SyncContext): number {
  return overrides?.downloadConcurrency ?? remote.downloadConcurrency;
}

/**
 * The fallback whose tags the sync takes; undefined: the tags are those of the remote's own upstream. A fallback may be behind, so its
 * tags are new ones or none: it moves and removes nothing (docs/decisions/0013-fallbacks.md).
 */
export function listedByFallback({ failover }: Pick<SyncContext, 'failover'>): Place | undefined {
  const place = failover?.chosen();
  return place === undefined || place.position === 0 ? undefined : place;
}

export interface UseOptions {
  /** Whether the work lists the tags. */
  readonly lists?: boolean;
  /** Whether a sync that a wait has stopped goes on, if it may run again. */
  readonly resumes?: boolean;
}

export interface SyncContexts {
  /**
   * Loads the sync of a task. All activities of the task on this worker share one client with its tokens and connections, until the remote
   * changes or the client is idle for a minute. A changed password, certificate or limit takes effect with the next activity. The filters
   * stay those that the sync began with.
   * @throws TidemarkError `TASK_NOT_RUNNING` when the task has ended, so that a workflow that was reset does nothing; `REMOTE_CHANGED` when
   * the remote names another upstream now.
   */
  use<T>(taskId: number, work: (context: SyncContext) => Promise<T>, options?: UseOptions): Promise<T>;
  /**
   * The same for work that asks the upstream: within the remote's sync windows. The signal ends with the window.
   * @throws TidemarkError `SYNC_WAITS`, retryable.
   */
  useOnline<T>(
    taskId: number,
    signal: AbortSignal,
    work: (context: SyncContext, signal: AbortSignal) => Promise<T>,
    options?: UseOptions,
  ): Promise<T>;
  close(): Promise<void>;
}

export function createSyncContexts(deps: ActivityDeps, shared: SharedByClients): SyncContexts {
  const { throttles } = shared;
  const clients = createRegistryClients<Places>();
  const contexts: SyncContexts = {
    async use(taskId, work, { lists = false, resumes = false } = {}) {
      const em = deps.database.em.fork();
      const resume = resumes ? () => startInWindow(deps, deps.database.em.fork(), taskId) : undefined;
      const { task, remote, repositoryId, selection } = await loadSync(em, taskId, resume);
      const logins = deps.logins ?? (await assumeLogins(em));
      const visibility = await readVisibility(em, task.startedBy, logins);
      const origin = { remoteId: remote.id, url: selection.url, upstreamName: selection.upstreamName };
      const client = clients.hold(taskId, remote, () =>
        openPlaces(remote, (upstream) => openFor(deps, shared, task, upstream)),
      );
      const hasSignatureStore = remote.sigstore != null;
      const opened = { taskId, places: client.value, hasSignatureStore, lists };
      let upstream: SyncUpstream | undefined;
      try {
        upstream = await openSyncUpstream(deps, shared, opened);
        return await work({
          taskId,
          repositoryId,
          arguments: task.arguments,
          remote,
          selection,
          filter: compileSubset(selection),
          registry: upstream.registry,
          failover: upstream.failover,
          isDifference: task.differenceOf != null,
          throttles: await throttles.count(em, taskId),
          reuse: { visibility, repositoryId, origin },
          failures: openFailures(deps, taskId, selection.tagRules?.tagFailures),
        });
      } catch (error) {
        const host = hostOf(placeOfError(error)?.url ?? selection.url);
        const settled = await throttles.settle(em, { taskId, host }, error);
        const readRepository = () => readRepositoryName(em, repositoryId);
        noteSubject(settled, { task: taskKey(taskId), readRepository, ...subjectOf(error) });
        throw settled;
      } finally {
        await upstream?.finish();
        client.release();
      }
    },
    async useOnline(taskId, signal, work, options) {
      try {
        return await contexts.use(
          taskId,
          (sync) => withinWindow(deps, sync, signal, (online) => work(sync, online)),
          { ...options, resumes: true },
        );
      } catch (error) {
        throw await settleWait(deps, taskId, error);
      }
    },
    close: () => clients.close(),
  };
  return contexts;
}

/** A client of one of the task's upstreams. */
function openFor(deps: ActivityDeps, shared: SharedByClients, task: Task, upstream: Remote): Registry {
  return openClient(deps, shared, {
    remote: upstream,
    witness: `task ${task.id}`,
    allowPrivate: task.arguments.allowPrivate ?? true,
    onRateLimited: () => {
      // a lost count must not fail a sync
      void countRateLimited(deps.database.em.fork(), task.id, 1).catch((error: unknown) =>
        deps.logger.warn({ err: error, taskId: task.id }, 'could not count a rate-limit answer'),
      );
    },
  });
}

/**
 * Pauses the sync if the error says that only the reserve of a quota is left.
 * @returns the error; `SYNC_WAITS` if another activity has paused the sync.
 */
async function settleWait(deps: ActivityDeps, taskId: number, error: unknown): Promise<unknown> {
  if (!isTidemarkError(error)) return error;
  const em = deps.database.em.fork();
  if (error.code === 'QUOTA_RESERVED')
    await pauseTask(em, taskId, { waitsFor: 'QUOTA', untilMs: Date.now() + (error.retryAfterMs ?? 0) });
  return error.code === 'TASK_NOT_RUNNING' && (await isPaused(em, taskId)) ? pausedMeanwhile(deps) : error;
}

async function loadSync(em: Em, taskId: number, resume: (() => Promise<unknown>) | undefined) {
  const task = await em.findOne(Task, { id: taskId });
  if (task?.state === 'WAITING' && resume !== undefined) {
    await resume();
    await em.refresh(task);
  }
  const remote = task?.remoteId == null ? null : await em.findOne(Remote, { id: task.remoteId });
  if (task?.repositoryId == null || remote === null)
    throw new TidemarkError('NOT_FOUND', `Task ${taskId}, its repository or its remote no longer exists.`, {
      origin: 'server',
    });
  assertRunning(task);
  const selection = task.arguments.selection ?? remote;
  if (selection.url !== remote.url || selection.upstreamName !== remote.upstreamName)
    throw remoteChanged(remote, selection);
  return { task, remote, repositoryId: task.repositoryId, selection };
}

/** One version must not come from two upstreams, and the remote's credentials are for the new one. */
function remoteChanged(remote: Remote, { url, upstreamName }: RemoteSelection): TidemarkError {
  return new TidemarkError(
    'REMOTE_CHANGED',
    `The sync began with ${upstreamName} at ${url}; the remote names ${remote.upstreamName} at ${remote.url} now. ` +
      'Nothing was changed; sync again.',
    { origin: 'caller' },
  );
}
