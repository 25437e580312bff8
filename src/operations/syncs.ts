import { LockMode } from '@mikro-orm/core';
import { may } from '../access/viewer.ts';
import type { Viewer } from '../access/viewer.ts';
import type { Em } from '../db/open-database.ts';
import { Remote } from '../db/schema/remotes.ts';
import { Repository } from '../db/schema/repositories.ts';
import type { Task } from '../db/schema/tasks.ts';
import { createSyncTask } from '../db/tasks/tasks.ts';
import { quoteValue } from '../oci/error.ts';
import { toGlobalId } from './global-id.ts';
import { checkConversion } from './mirror-conversion.ts';
import { mistake } from './mistakes.ts';
import type { Mistake } from './mistakes.ts';
import type { Operator, Reference } from './operation.ts';
import { lacksRole } from './permit.ts';
import { hasNoRemote, lockNamed, lockUsableRemote, repositoryNotFound } from './references.ts';
import { withChanges } from './remotes/given-fields.ts';
import type { AddressRules } from './remotes/urls.ts';
import { checkOverrides, readOverrides } from './sync-overrides.ts';
import type { GivenOverrides } from './sync-overrides.ts';
import { refusedTask, startWorkflow } from './tasks.ts';
import type { TaskDeps, TaskOutcome } from './tasks.ts';

/** What to sync, and how. Undefined or null is false, or the repository's own remote. */
export interface SyncRequest {
  readonly repository: Reference;
  readonly remote?: Reference | null | undefined;
  readonly mirror?: boolean | null | undefined;
  readonly confirmRemoval?: boolean | null | undefined;
  readonly dryRun?: boolean | null | undefined;
  readonly pruneFiltered?: boolean | null | undefined;
  readonly convertToMirror?: boolean | null | undefined;
  readonly discardUnlessSynced?: boolean | null | undefined;
  readonly overrides?: GivenOverrides | null | undefined;
  /** Whether the overrides are stored in the remote, once the sync is accepted. */
  readonly saveOverrides?: boolean | null | undefined;
}

export interface SyncDeps extends TaskDeps {
  readonly addresses: AddressRules;
}

export interface SyncOptions {
  /** A remote that the caller needs no role for. */
  readonly settledRemoteId?: number | undefined;
  /** Writes more in the transaction that creates the task. */
  readonly note?: (em: Em, task: Task) => Promise<void>;
}

/** Creates the task of a sync and starts its workflow. Needs the role maintainer for the repository, and for a remote that is not its own. */
export async function startSync(
  operator: Operator,
  deps: SyncDeps,
  request: SyncRequest,
  options: SyncOptions = {},
): Promise<TaskOutcome> {
  const { em } = operator;
  const accepted = await em.fork().transactional(async (transaction) => {
    const answer = await accept(transaction, { operator, deps, request, options });
    if ('task' in answer && answer.isNew) await options.note?.(transaction, answer.task);
    return answer;
  });
  if ('mistakes' in accepted) return refusedTask(...accepted.mistakes);
  const { task, isNew, repositoryName } = accepted;
  if (!isNew)
    return { taskId: task.id, mistakes: [alreadyRunning(request.repository, repositoryName, task.id)] };
  // committed first: a workflow never runs for a task that is not there
  await startWorkflow(deps, em, accepted);
  return { taskId: task.id, mistakes: [] };
}

type Accepted =
  | { readonly task: Task; readonly isNew: boolean; readonly repositoryName: string }
  | { readonly mistakes: Mistake[] };

interface Asked {
  readonly operator: Operator;
  readonly deps: SyncDeps;
  readonly request: SyncRequest;
  readonly options: SyncOptions;
}

/** Checks and inserts the task. The repository and the remote are locked, so that neither can be deleted before. */
async function accept(em: Em, { operator, deps, request, options }: Asked): Promise<Accepted> {
  const { viewer } = operator;
  const { addresses } = deps;
  const shared = LockMode.PESSIMISTIC_READ;
  const repository = await lockNamed(em, viewer, Repository, request.repository, shared);
  const mistakes =
    repository === null
      ? [repositoryNotFound(request.repository)]
      : lacksRole(viewer, 'maintainer', repository.name, request.repository.field);
  // the stronger lock first: two that hold the shared one would wait for each other
  const saved =
    request.saveOverrides === true ? await lockToSave(em, viewer, { request, repository, mistakes }) : null;
  const remoteId = await findRemote(em, viewer, { request, repository, options, mistakes });
  mistakes.push(...checkOverrides(request.overrides, addresses));
  if (request.pruneFiltered === true && request.mirror !== true)
    mistakes.push(
      mistake('INVALID', ['pruneFiltered'], 'pruneFiltered is for mirror syncs; set mirror: true as well.'),
    );
  if (repository !== null && request.dryRun !== true && request.convertToMirror !== true)
    mistakes.push(...(await checkConversion(em, repository)));
  if (repository === null || remoteId === undefined || mistakes.length > 0) return { mistakes };
  const overrides = readOverrides(request.overrides);
  const { task, isNew } = await createSyncTask(em, {
    repositoryId: repository.id,
    remoteId,
    arguments: {
      mirror: request.mirror ?? false,
      confirmRemoval: request.confirmRemoval ?? false,
      dryRun: request.dryRun ?? false,
      allowPrivate: addresses.allowPrivate,
      ...(request.pruneFiltered === true ? { pruneFiltered: true } : {}),
      ...(overrides === undefined || saved !== null ? {} : { overrides }),
      ...(request.discardUnlessSynced === true ? { discardUnlessSynced: true } : {}),
    },
    startedBy: viewer.identity,
  });
  if (isNew && saved !== null && overrides !== undefined) {
    const { tagRules = {}, ...others } = overrides;
    Object.assign(saved, others, { tagRules: withChanges(saved.tagRules, tagRules) });
    await em.flush();
  }
  return { task, isNew, repositoryName: repository.name };
}

/** The remote that the overrides are stored in, locked. Needs the role maintainer for it. */
async function lockToSave(
  em: Em,
  viewer: Viewer,
  { request, repository, mistakes }: Asking,
): Promise<Remote | null> {
  const field = 'saveOverrides';
  if (request.dryRun === true)
    mistakes.push(mistake('INVALID', [field], 'A dry run changes nothing; leave saveOverrides out.'));
  const key = request.remote ? request.remote.key : repository?.remoteId;
  if (typeof key !== 'number') return null;
  const remote = await em.findOne(Remote, { id: key }, { lockMode: LockMode.PESSIMISTIC_WRITE });
  // the remote is not named: the caller may be unable to read it
  if (remote !== null && !may(viewer, 'maintainer', remote.name)) {
    const message = `${quoteValue(viewer.name)} lacks the role maintainer for the remote, which stores the overrides.`;
    mistakes.push(mistake('FORBIDDEN', [field], message));
  }
  return remote;
}

interface Asking {
  readonly request: SyncRequest;
  readonly repository: Repository | null;
  readonly mistakes: Mistake[];
}

/** The repository's own remote, unless another is given. */
async function findRemote(
  em: Em,
  viewer: Viewer,
  { request, repository, options: { settledRemoteId }, mistakes }: Asking & { readonly options: SyncOptions },
): Promise<number | undefined> {
  const own = repository?.remoteId;
  if (request.remote)
    return lockUsableRemote(em, viewer, request.remote, { settled: [own, settledRemoteId], mistakes });
  const found =
    typeof own === 'number'
      ? await em.findOne(Remote, { id: own }, { lockMode: LockMode.PESSIMISTIC_READ })
      : null;
  if (found === null && repository !== null) mistakes.push(hasNoRemote(repository));
  return found?.id;
}

function alreadyRunning({ field }: Reference, repositoryName: string, taskId: number): Mistake {
  return mistake(
    'SYNC_ALREADY_RUNNING',
    [field],
    `A sync of ${quoteValue(repositoryName)} is running: the task ${toGlobalId('Task', taskId)}. Wait until it has ended, or cancel it.`,
  );
}
