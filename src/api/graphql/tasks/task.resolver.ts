import { Arg, Ctx, FieldResolver, ID, Int, Query, Resolver, Root, Subscription } from 'type-graphql';
import type { Task, TaskState } from '../../../db/schema/tasks.ts';
import type { PlannedChange } from '../../../db/reads/read-plans.ts';
import { countTasks, readTaskPage } from '../../../db/reads/read-tasks.ts';
import type { TaskCounts } from '../../../db/tasks/tasks.ts';
import { TidemarkError, quoteValue } from '../../../oci/error.ts';
import { checkFirst } from '../errors.ts';
import { readNumberCursor, readTextCursor, toConnection } from '../connection.ts';
import type { Connection } from '../connection.ts';
import { beginAnswer } from '../context.ts';
import type { RequestContext } from '../context.ts';
import { parseNumericId } from '../../../operations/global-id.ts';
import { guardEvents } from '../guard-events.ts';
import { loadPage } from '../loaders.ts';
import { afterOption, firstOption } from '../page-arguments.ts';
import { RepositoryType, toRepositoryType } from '../repositories/repository.type.ts';
import {
  PlannedChangeEnum,
  PlannedTagConnection,
  SyncPlan,
  TaskConnection,
  TaskProgressType,
  TaskStateEnum,
  TaskType,
  toPlannedTag,
  toSyncPlan,
  toTaskType,
} from './task.type.ts';
import type { PlannedTag } from './task.type.ts';
import { RepositoryVersionType, toRepositoryVersionType } from '../versions/version.type.ts';
import { trimTrailingSlashes } from '../../../oci/trim-ends.ts';

@Resolver(() => TaskType)
export class TaskResolver {
  @Query(() => TaskType, { nullable: true, description: 'A task by its id; null where there is none.' })
  async task(
    @Arg('id', () => ID, { description: 'Its id.' }) id: string,
    @Ctx() context: RequestContext,
  ): Promise<TaskType | null> {
    const row = await loadTask(context, id);
    return row === undefined ? null : toTaskType(row);
  }

  @Query(() => TaskConnection, {
    description:
      'Tasks of the repositories that you may read, newest first; and tasks that you started whose repository is gone.',
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
    @Ctx() { em, loaders }: RequestContext,
  ): Promise<Connection<TaskType>> {
    const filter = { state: state ?? undefined, repository: repository ?? undefined };
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
      'The current state first, then every change (at most one event each 250 ms), then the final state, then completes.',
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
    @Arg('id', () => ID, { description: "The task's id." }) id: string,
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
    description: 'The repository that it works on; null once that is deleted.',
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

  @FieldResolver(() => TaskProgressType, { description: 'How far it is.' })
  async progress(@Root() { row }: TaskType, @Ctx() { loaders }: RequestContext): Promise<TaskProgressType> {
    return toProgress(row, await loaders.taskCounts.load(row.id));
  }

  @FieldResolver(() => Int, {
    description: 'How many answers of the upstream that asked to slow down were honoured.',
  })
  async rateLimited(@Root() { row }: TaskType, @Ctx() { loaders }: RequestContext): Promise<number> {
    return (await loaders.taskCounts.load(row.id))?.rateLimited ?? 0;
  }

  @FieldResolver(() => RepositoryVersionType, {
    nullable: true,
    description: 'The version that it made; null when nothing had changed.',
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
      'What is worth knowing and no failure, e.g. a filter that matched no tag. What is said of several tags or layers is one warning, with up to ten more names and their count.',
  })
  async warnings(@Root() { row }: TaskType, @Ctx() { loaders }: RequestContext): Promise<string[]> {
    return loaders.taskWarnings.load(row.id);
  }

  @FieldResolver(() => SyncPlan, {
    nullable: true,
    description: 'What a dry run found; null unless one has completed.',
  })
  async plan(@Root() { row }: TaskType, @Ctx() { loaders }: RequestContext): Promise<SyncPlan | null> {
    const plan = await loaders.plans.load(row.id);
    return plan === undefined ? null : toSyncPlan(plan);
  }

  @FieldResolver(() => String, {
    nullable: true,
    description: "The task's page in the Temporal UI; null where none is known.",
  })
  temporalUrl(@Root() { row }: TaskType, @Ctx() { api }: RequestContext): string | null {
    const { temporalUiUrl, temporalNamespace } = api.config;
    if (temporalUiUrl === undefined) return null;
    const workflows = `${trimTrailingSlashes(temporalUiUrl)}/namespaces/${encodeURIComponent(temporalNamespace)}/workflows`;
    const page = `${workflows}/${encodeURIComponent(row.workflowId)}`;
    return typeof row.runId === 'string' ? `${page}/${row.runId}` : page;
  }
}

@Resolver(() => SyncPlan)
export class SyncPlanResolver {
  @FieldResolver(() => PlannedTagConnection, { description: 'The tags that would change, in order of name.' })
  async tags(
    @Root() { row }: SyncPlan,
    @Arg('first', () => Int, firstOption) first: number,
    @Arg('after', () => String, afterOption) after: string | null,
    @Arg('change', () => PlannedChangeEnum, {
      nullable: true,
      description: 'Only tags with this change; null: all.',
    })
    change: PlannedChange | null,
    @Ctx() { loaders }: RequestContext,
  ): Promise<Connection<PlannedTag>> {
    const page = await loaders.plannedTags.load({
      parent: row.taskId,
      page: {
        first: checkFirst(first),
        after: readTextCursor('plannedTags', after),
        change: change ?? undefined,
      },
    });
    const counts = { ADDED: row.tagsAdded, MOVED: row.tagsMoved, REMOVED: row.tagsRemoved };
    const total =
      change === null || change === undefined ? counts.ADDED + counts.MOVED + counts.REMOVED : counts[change];
    return toConnection(page, {
      list: 'plannedTags',
      after,
      keyOf: (tag) => tag.name,
      nodeOf: toPlannedTag,
      countTotal: () => Promise.resolve(total),
    });
  }
}

async function loadTask({ loaders }: RequestContext, id: string): Promise<Task | undefined> {
  const key = parseNumericId('Task', id);
  return key === undefined ? undefined : loaders.tasks.load(key);
}

function taskNotFound(id: string): TidemarkError {
  return new TidemarkError(
    'NOT_FOUND',
    `There is no task with the id ${quoteValue(id)}; take one from tasks.`,
    {
      origin: 'caller',
    },
  );
}

function toProgress(row: Task, counts: TaskCounts | undefined): TaskProgressType {
  return Object.assign(new TaskProgressType(), {
    stage: row.stage,
    tagsTotal: row.tagsTotal ?? null,
    tagsDone: atMost(counts?.tagsDone, row.tagsTotal),
    manifestsTotal: row.manifestsTotal ?? null,
    manifestsDone: atMost(counts?.manifestsDone, row.manifestsTotal),
    blobsTotal: row.blobsTotal ?? null,
    blobsDone: atMost(counts?.blobsDone, row.blobsTotal),
    blobsReused: atMost(counts?.blobsReused, row.blobsTotal),
    bytesTotal: row.bytesTotal ?? null,
    bytesDone: atMost(counts?.bytesDone, row.bytesTotal),
    bytesReused: atMost(counts?.bytesReused, row.bytesTotal),
    signaturesDone: counts?.signaturesDone ?? 0,
    throttledUntil: counts?.throttledUntil ?? null,
  });
}

/** Parts that were counted twice (an attempt and its retry) do not lead beyond the total. */
function atMost(done: number | undefined, total: number | null | undefined): number {
  return Math.min(done ?? 0, total ?? Number.MAX_SAFE_INTEGER);
}
