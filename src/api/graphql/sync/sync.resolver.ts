import { LockMode } from '@mikro-orm/core';
import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import type { Viewer } from '../../../access/viewer.ts';
import { Remote, Repository, Task } from '../../../db/schema/entities.ts';
import type { Em } from '../../../db/open-database.ts';
import { endTask } from '../../../db/task-log.ts';
import { createSyncTask } from '../../../db/tasks/tasks.ts';
import { quoteValue } from '../../../oci/error.ts';
import type { RequestContext } from '../context.ts';
import { parseNumericId, toGlobalId } from '../../../operations/global-id.ts';
import { lacksRole, seen } from '../../../operations/permit.ts';
import { checkConversion } from '../../../operations/mirror-conversion.ts';
import { hasNoRemote, lockUsableRemote, repositoryNotFound } from '../../../operations/references.ts';
import { toReference } from '../run-mutation.ts';
import { payload, reload, startWorkflow } from '../start-workflow.ts';
import { RepositorySyncInput } from './sync.type.ts';
import { checkOverrides, readOverrides } from './sync-overrides.ts';
import { TaskCancelInput, TaskPayload } from '../tasks/task.type.ts';
import type { UserError } from '../user-error.type.ts';
import { mistake } from '../../../operations/mistakes.ts';

@Resolver()
export class SyncResolver {
  @Mutation(() => TaskPayload, {
    description: 'Starts a sync of a repository; one runs at a time. Follow it with taskProgress.',
  })
  async repositorySync(
    @Arg('input', () => RepositorySyncInput, { description: 'What to sync, and how.' })
    input: RepositorySyncInput,
    @Ctx() context: RequestContext,
  ): Promise<TaskPayload> {
    return startSync(context, input);
  }

  @Mutation(() => TaskPayload, {
    description:
      'Asks a task to stop; it does within seconds, and changes nothing. A task that is CANCELED already is answered.',
  })
  async taskCancel(
    @Arg('input', () => TaskCancelInput, { description: 'The task.' }) input: TaskCancelInput,
    @Ctx() context: RequestContext,
  ): Promise<TaskPayload> {
    const id = parseNumericId('Task', input.id);
    // what the caller may not see is as absent; the row is read again, to be changed
    const isSeen = id !== undefined && (await context.loaders.tasks.load(id)) !== undefined;
    const task = isSeen ? await context.em.fork().findOne(Task, { id }) : null;
    if (task === null)
      return payload(undefined, [
        mistake(
          'NOT_FOUND',
          ['id'],
          `There is no task with the id ${quoteValue(input.id)}; take one from tasks.`,
        ),
      ]);
    // before the role: whoever started it cancels a first sync, which deletes its repository, and may ask again
    if (task.state === 'CANCELED') return payload(task, []);
    if (task.state === 'COMPLETED' || task.state === 'FAILED')
      return payload(undefined, [
        mistake('INVALID', ['id'], `The task is ${task.state}; expected one that is WAITING or RUNNING.`),
      ]);
    const lacking = lacksRole(context.viewer, 'maintainer', await nameOfTask(context, task), 'id');
    if (lacking.length > 0) return payload(undefined, lacking);
    // a task that no workflow works for any more, or yet, is ended here
    if (!(await cancelRun(context, task)))
      await endTask(context.em.fork(), context.api.logger, task.id, { state: 'CANCELED' });
    return payload(await reload(context, task.id), []);
  }
}

interface SyncOptions {
  /** A remote that the caller needs no rights on. */
  readonly settledRemoteId?: number | undefined;
  /** Writes more in the transaction that makes a new task. */
  readonly note?: (em: Em, task: Task) => Promise<void>;
}

/** Makes the task of a sync and starts its workflow. */
export async function startSync(
  context: RequestContext,
  input: RepositorySyncInput,
  options: SyncOptions = {},
): Promise<TaskPayload> {
  const accepted = await context.em.fork().transactional(async (transaction) => {
    const answer = await acceptSync(transaction, input, context, options);
    if ('task' in answer && answer.isNew) await options.note?.(transaction, answer.task);
    return answer;
  });
  if ('userErrors' in accepted) return payload(undefined, accepted.userErrors);
  const { task, isNew, repositoryName } = accepted;
  if (!isNew) return payload(task, [alreadyRunning(repositoryName, task.id)]);
  // committed first: a workflow never runs for a task that is not there
  await startWorkflow(context, task, repositoryName);
  return payload(await reload(context, task.id), []);
}

/** The name of its repository; without one it is everybody's. */
async function nameOfTask({ loaders }: RequestContext, { repositoryId }: Task): Promise<string> {
  const repository =
    typeof repositoryId === 'number' ? await loaders.repositories.load(repositoryId) : undefined;
  return repository?.name ?? '*';
}

type Accepted =
  | { readonly task: Task; readonly isNew: boolean; readonly repositoryName: string }
  | { readonly userErrors: UserError[] };

/** Checks and inserts the task, the repository and remote locked so that neither can be deleted before. */
async function acceptSync(
  em: Em,
  input: RepositorySyncInput,
  { viewer, api }: RequestContext,
  { settledRemoteId }: SyncOptions,
): Promise<Accepted> {
  const userErrors: UserError[] = [];
  const repositoryId = parseNumericId('Repository', input.repositoryId);
  const found =
    repositoryId === undefined
      ? null
      : await em.findOne(Repository, { id: repositoryId }, { lockMode: LockMode.PESSIMISTIC_READ });
  const repository = seen(viewer, found, ({ name }) => name);
  if (repository === null)
    userErrors.push(repositoryNotFound({ field: 'repositoryId', text: input.repositoryId }));
  else userErrors.push(...lacksRole(viewer, 'maintainer', repository.name, 'repositoryId'));
  const remoteId = await findRemoteToSync(em, viewer, input, { repository, settledRemoteId, userErrors });
  userErrors.push(...checkOverrides(input.overrides, api.config));
  if (input.pruneFiltered === true && input.mirror !== true)
    userErrors.push(
      mistake('INVALID', ['pruneFiltered'], 'pruneFiltered is for mirror syncs; set mirror: true as well.'),
    );
  if (repository !== null && input.dryRun !== true && input.convertToMirror !== true)
    userErrors.push(...(await checkConversion(em, repository)));
  if (repository === null || remoteId === undefined || userErrors.length > 0) return { userErrors };
  const overrides = readOverrides(input.overrides);
  const { task, isNew } = await createSyncTask(em, {
    repositoryId: repository.id,
    remoteId,
    arguments: {
      mirror: input.mirror ?? false,
      confirmRemoval: input.confirmRemoval ?? false,
      dryRun: input.dryRun ?? false,
      allowPrivate: api.config.allowPrivate,
      ...(input.pruneFiltered === true ? { pruneFiltered: true } : {}),
      ...(overrides === undefined ? {} : { overrides }),
      ...(input.discardUnlessSynced === true ? { discardUnlessSynced: true } : {}),
    },
    startedBy: viewer.identity,
  });
  return { task, isNew, repositoryName: repository.name };
}

/** The repository's own remote, unless another is given. */
async function findRemoteToSync(
  em: Em,
  viewer: Viewer,
  input: RepositorySyncInput,
  {
    repository,
    settledRemoteId,
    userErrors,
  }: SyncOptions & { readonly repository: Repository | null; readonly userErrors: UserError[] },
): Promise<number | undefined> {
  const own = repository?.remoteId;
  if (typeof input.remoteId === 'string') {
    const remote = toReference('Remote', 'remoteId', input.remoteId);
    return lockUsableRemote(em, viewer, remote, { settled: [own, settledRemoteId], mistakes: userErrors });
  }
  const found =
    typeof own === 'number'
      ? await em.findOne(Remote, { id: own }, { lockMode: LockMode.PESSIMISTIC_READ })
      : null;
  if (found === null && repository !== null) userErrors.push(hasNoRemote(repository));
  return found?.id;
}

/** Whether the task's own run was there to be asked; without a run id the workflow may be running for another task. */
async function cancelRun({ api }: RequestContext, task: Task): Promise<boolean> {
  const { workflowId } = task;
  if (typeof task.runId === 'string') return api.workflows.cancelSync({ workflowId, runId: task.runId });
  const latest = await api.workflows.describeSync({ workflowId });
  return latest.taskId === task.id && api.workflows.cancelSync({ workflowId, runId: latest.runId });
}

function alreadyRunning(repositoryName: string, taskId: number): UserError {
  return mistake(
    'SYNC_ALREADY_RUNNING',
    ['repositoryId'],
    `A sync of ${quoteValue(repositoryName)} is running: the task ${toGlobalId('Task', taskId)}. Wait until it has ended, or cancel it.`,
  );
}
