import { Arg, Ctx, FieldResolver, ID, Int, Query, Resolver, Root, Subscription } from 'type-graphql';
import type { Task, TaskState } from '../../../db/schema/tasks.ts';
import { countTasks, readTaskPage } from '../../../db/reads/read-tasks.ts';
import { TidemarkError, quoteValue } from '../../../oci/error.ts';
import { checkFirst } from '../errors.ts';
import { readNumberCursor, toConnection } from '../connection.ts';
import type { Connection } from '../connection.ts';
import { beginAnswer } from '../context.ts';
import type { RequestContext } from '../context.ts';
import { parseNumericId } from '../../../operations/global-id.ts';
import { guardEvents } from '../guard-events.ts';
import { loadPage } from '../loaders.ts';
import { afterOption, firstOption, isStorableText } from '../page-arguments.ts';
import { RepositoryType, toRepositoryType } from '../repositories/repository.type.ts';
import { SyncPlan, toSyncPlan } from './sync-plan.type.ts';
import { TaskProgressType, toProgress } from './task-progress.type.ts';
import { TaskConnection, TaskStateEnum, TaskType, toTaskType } from './task.type.ts';
import { RepositoryVersionType, toRepositoryVersionType } from '../versions/version.type.ts';
import { trimTrailingSlashes } from '../../../oci/trim-ends.ts';

@Resolver(() => TaskType)
export class TaskResolver {
  @Query(() => TaskType, { nullable: true, description: 'A task by id; null when there is none.' })
  async task(
    @Arg('id', () => ID, { description: 'The id.' }) id: string,
    @Ctx() context: RequestContext,
  ): Promise<TaskType | null> {
    const row = await loadTask(context, id);
    return row === undefined ? null : toTaskType(row);
  }

  @Query(() => TaskConnection, {
    description:
      'Tasks of the repositories that the caller may read, and tasks of deleted repositories that the caller started; newest first.',
  })
  async tasks(
    @Arg('first', () => Int, firstOption) first: number,
    @Arg('after', () => String, afterOption) after: string | null,
    @Arg('state', () => TaskStateEnum, {
      nullable: true,
      description: 'Only tasks in this state; null: all.',
    })
    state: TaskState | null,
    @Arg('repository', () => String, {
      nullable: true,
      description: 'Only tasks of the repository with this name; null: all.',
    })
    repository: string | null,
    @Arg('names', () => [String], {
      nullable: true,
      description: 'Only tasks with one of these names, as in `Task.name`; null: all.',
    })
    names: string[] | null,
    @Ctx() { em, loaders }: RequestContext,
  ): Promise<Connection<TaskType>> {
    const filter = {
      state: state ?? undefined,
      repository: repository ?? undefined,
      names: names?.filter(isStorableText),
    };
    const page = await readTaskPage(em, loaders.visibility, {
      first: checkFirst(first),
      after: readNumberCursor('tasks', after),
      ...filter,
    });
    return toConnection(await loadPage(page, loaders.tasks), {
      list: 'tasks',
      after,
      keyOf: ({ id }) => id,
      nodeOf: ({ value }) => toTaskType(value),
      countTotal: () => countTasks(em, loaders.visibility, filter),
    });
  }

  @Subscription(() => TaskType, {
    description:
      'Sends the current state, then every change (at most one event per 250 ms), then the final state, then completes.',
    subscribe: async ({ args, context: given }) => {
      const { id } = args as { id: string };
      const context = given as RequestContext;
      const row = await loadTask(context, id);
      if (row === undefined) throw taskNotFound(id);
      const { taskWatch, untilDelivered } = context;
      const isSeen = async (): Promise<boolean> => (await loadTask(context, id)) !== undefined;
      return guardEvents(context, taskWatch.watch(row.id, untilDelivered), isSeen);
    },
  })
  async taskProgress(
    @Arg('id', () => ID, { description: 'The id of the task.' }) id: string,
    @Ctx() context: RequestContext,
  ): Promise<TaskType> {
    if (context.loginEnded !== undefined) throw context.loginEnded;
    beginAnswer(context);
    const row = await loadTask(context, id);
    if (row === undefined) throw taskNotFound(id);
    return toTaskType(row);
  }

  @FieldResolver(() => RepositoryType, {
    nullable: true,
    description: 'The repository of the task; null once it is deleted, and for tasks of no repository.',
  })
  async repository(
    @Root() { row }: TaskType,
    @Ctx() { loaders }: RequestContext,
  ): Promise<RepositoryType | null> {
    const { repositoryId } = row;
    const repository =
      typeof repositoryId === 'number' ? await loaders.repositories.load(repositoryId) : undefined;
    return repository === undefined ? null : toRepositoryType(repository);
  }

  @FieldResolver(() => String, {
    nullable: true,
    description: 'Name of the repository, also after its deletion; null for tasks of no repository.',
  })
  async repositoryName(
    @Root() { row }: TaskType,
    @Ctx() { loaders }: RequestContext,
  ): Promise<string | null> {
    const { repositoryId } = row;
    const repository =
      typeof repositoryId === 'number' ? await loaders.repositories.load(repositoryId) : undefined;
    return repository?.name ?? row.arguments.repositoryName ?? null;
  }

  @FieldResolver(() => TaskProgressType, { description: 'Progress of the task.' })
  async progress(@Root() { row }: TaskType, @Ctx() { loaders }: RequestContext): Promise<TaskProgressType> {
    return toProgress(row, await loaders.taskCounts.load(row.id));
  }

  @FieldResolver(() => Int, {
    description: 'Number of responses of the upstream that asked to slow down (429).',
  })
  async rateLimited(@Root() { row }: TaskType, @Ctx() { loaders }: RequestContext): Promise<number> {
    return (await loaders.taskCounts.load(row.id))?.rateLimited ?? 0;
  }

  @FieldResolver(() => RepositoryVersionType, {
    nullable: true,
    description: 'The version that the task created; null when nothing changed.',
  })
  async createdVersion(
    @Root() { row }: TaskType,
    @Ctx() { loaders }: RequestContext,
  ): Promise<RepositoryVersionType | null> {
    const { repositoryId, createdVersion: number } = row;
    if (typeof repositoryId !== 'number' || typeof number !== 'number') return null;
    const version = await loaders.versions.load({ repositoryId, number });
    return version === undefined ? null : toRepositoryVersionType(version);
  }

  @FieldResolver(() => [String], {
    description:
      'Warnings, e.g. a filter that matches no tag. Equal warnings of several tags or layers are combined into one, with up to ten names and ' +
      'a count.',
  })
  async warnings(@Root() { row }: TaskType, @Ctx() { loaders }: RequestContext): Promise<string[]> {
    return loaders.taskWarnings.load(row.id);
  }

  @FieldResolver(() => SyncPlan, {
    nullable: true,
    description: 'The result of a completed dry run; null otherwise.',
  })
  async plan(@Root() { row }: TaskType, @Ctx() { loaders }: RequestContext): Promise<SyncPlan | null> {
    const plan = await loaders.plans.load(row.id);
    return plan === undefined ? null : toSyncPlan(plan);
  }

  @FieldResolver(() => String, {
    nullable: true,
    description: 'URL of the task in the Temporal UI; null when no UI is configured.',
  })
  temporalUrl(@Root() { row }: TaskType, @Ctx() { api }: RequestContext): string | null {
    const { temporalUiUrl, temporalNamespace } = api.config;
    if (temporalUiUrl === undefined) return null;
    const workflows = `${trimTrailingSlashes(temporalUiUrl)}/namespaces/${encodeURIComponent(temporalNamespace)}/workflows`;
    const page = `${workflows}/${encodeURIComponent(row.workflowId)}`;
    return typeof row.runId === 'string' ? `${page}/${row.runId}` : page;
  }
}

async function loadTask({ loaders }: RequestContext, id: string): Promise<Task | undefined> {
  const key = parseNumericId('Task', id);
  return key === undefined ? undefined : loaders.tasks.load(key);
}

function taskNotFound(id: string): TidemarkError {
  return new TidemarkError(
    'NOT_FOUND',
    `There is no task with the id ${quoteValue(id)}. Use an id from tasks.`,
    {
      origin: 'caller',
    },
  );
}
