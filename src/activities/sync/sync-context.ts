import { assumeLogins, readVisibility } from '../../access/standing.ts';
import { Remote } from '../../db/schema/remotes.ts';
import { Task } from '../../db/schema/tasks.ts';
import type { RemoteSelection } from '../../db/schema/remotes.ts';
import type { SyncArguments } from '../../db/schema/tasks.ts';
import { readRepositoryName } from '../../db/reads/read-repositories.ts';
import type { Reuse } from '../../db/staging/reuse.ts';
import type { SubsetFilter } from '../../db/staging/stage-tags.ts';
import { taskKey } from '../../db/tasks/task-log.ts';
import { countRateLimited } from '../../db/tasks/tasks.ts';
import { assertRunning } from '../../db/tasks/open-tasks.ts';
import { TidemarkError } from '../../oci/error.ts';
import type { Registry } from '../../registry/registry.ts';
import type { ActivityDeps } from '../deps.ts';
import { noteSubject, subjectOf } from '../error-subject.ts';
import { createRegistryClients } from '../../upstream/registry-clients.ts';
import { compileSubset } from '../../upstream/compile-subset.ts';
import { remoteOptions } from '../../upstream/remote-options.ts';
import { createThrottles } from './throttles.ts';

/** What the activities of one sync share: its arguments, its filter, and the client of its upstream. */
export interface SyncContext {
  readonly taskId: number;
  readonly repositoryId: number;
  readonly arguments: SyncArguments;
  /** As it is now. */
  readonly remote: Remote;
  /** As it was when the sync began. */
  readonly selection: RemoteSelection;
  readonly filter: SubsetFilter;
  readonly registry: Registry;
  /** How often the sync has waited because its upstream's host was throttled. */
  readonly throttles: number;
  /** Which stored content spares a download: the rights of who started it, as they are now. */
  readonly reuse: Reuse;
}

export interface SyncContexts {
  /**
   * Loads the sync of a task. Its client, with its tokens and connections, serves all activities of the task on this worker, until the
   * remote is changed or nothing has used it for a minute. A changed password, certificate or limit counts from the next activity on; the
   * filters are those that the sync began with.
   * @throws TidemarkError `TASK_NOT_RUNNING` where the task has ended: a workflow that was reset has nothing to do; `REMOTE_CHANGED` when the
   * remote names another upstream now.
   */
  use<T>(taskId: number, work: (context: SyncContext) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export function createSyncContexts(deps: ActivityDeps): SyncContexts {
  const clients = createRegistryClients();
  const throttles = createThrottles(deps);

  function openClient(task: Task, remote: Remote, host: string): Registry {
    // both the API that took the sync and this worker have to be of that mind
    const allowPrivate = deps.allowPrivate && (task.arguments.allowPrivate ?? true);
    const onRateLimited = () => {
      // a count that is lost with the database's connection is no reason to fail a sync
      void countRateLimited(deps.database.em.fork(), task.id, 1).catch((error: unknown) =>
        deps.logger.warn({ err: error, taskId: task.id }, 'could not count a rate-limit answer'),
      );
    };
    const options = remoteOptions({ ...deps, allowPrivate }, remote, {
      onRateLimited,
      onRateLimit: (limit) => throttles.see(host, limit),
    });
    const beforeRequest = async (signal?: AbortSignal) => {
      await throttles.check(host);
      await options.beforeRequest?.(signal);
    };
    return deps.openRegistry({ ...options, beforeRequest });
  }

  return {
    async use(taskId, work) {
      const em = deps.database.em.fork();
      const task = await em.findOne(Task, { id: taskId });
      const remote = task?.remoteId == null ? null : await em.findOne(Remote, { id: task.remoteId });
      if (task?.repositoryId == null || remote === null)
        throw new TidemarkError(
          'NOT_FOUND',
          `Task ${taskId}, its repository or its remote is not there any more.`,
          {
            origin: 'server',
          },
        );
      assertRunning(task);
      const selection = task.arguments.selection ?? remote;
      if (selection.url !== remote.url || selection.upstreamName !== remote.upstreamName)
        throw remoteChanged(remote, selection);
      const logins = deps.logins ?? (await assumeLogins(em));
      const visibility = await readVisibility(em, task.startedBy, logins);
      const origin = { remoteId: remote.id, url: selection.url, upstreamName: selection.upstreamName };
      const host = hostOf(selection.url);
      const client = clients.hold(task.id, remote, () => openClient(task, remote, host));
      try {
        return await work({
          taskId,
          repositoryId: task.repositoryId,
          arguments: task.arguments,
          remote,
          selection,
          filter: compileSubset(selection),
          registry: client.registry,
          throttles: await throttles.count(em, taskId),
          reuse: { visibility, repositoryId: task.repositoryId, origin },
        });
      } catch (error) {
        const settled = await throttles.settle(em, { taskId, host }, error);
        const { repositoryId } = task;
        const readRepository = () => readRepositoryName(em, repositoryId);
        noteSubject(settled, { task: taskKey(taskId), readRepository, ...subjectOf(error) });
        throw settled;
      } finally {
        client.release();
      }
    },
    close: () => clients.close(),
  };
}

/** As `upstreamHost` of `db/sync-turns.ts`. */
function hostOf(url: string): string {
  return (/^[a-z]+:\/\/([^/?#]+)/i.exec(url)?.[1] ?? url).toLowerCase();
}

/** Its credentials are not those of the upstream that the sync began with, and one version must not come from two. */
function remoteChanged(remote: Remote, { url, upstreamName }: RemoteSelection): TidemarkError {
  return new TidemarkError(
    'REMOTE_CHANGED',
    `The sync began with ${upstreamName} at ${url}; the remote names ${remote.upstreamName} at ${remote.url} now. ` +
      'Nothing was changed; sync again.',
    { origin: 'caller' },
  );
}
