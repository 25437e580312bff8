import { Arg, Ctx, FieldResolver, ID, Int, Query, Resolver, Root } from 'type-graphql';
import { countSchedules, readSchedulePage } from '../../../db/reads/read-schedules.ts';
import { readNumberCursor, toConnection } from '../connection.ts';
import type { Connection } from '../connection.ts';
import type { RequestContext } from '../context.ts';
import { checkFirst } from '../errors.ts';
import { parseNumericId } from '../../../operations/global-id.ts';
import { loadPage } from '../loaders.ts';
import { afterOption, firstOption } from '../page-arguments.ts';
import { RemoteType, toRemoteType } from '../remotes/remote.type.ts';
import { RepositoryType, toRepositoryType } from '../repositories/repository.type.ts';
import { DateTime } from '../scalars.ts';
import {
  ScheduleConnection,
  ScheduleRunConnection,
  ScheduleRunType,
  ScheduleType,
  toScheduleRunType,
  toScheduleType,
} from './schedule.type.ts';
import { TaskErrorType, TaskType, toTaskType } from '../tasks/task.type.ts';
import { trimTrailingSlashes } from '../../../oci/trim-ends.ts';

const notTold =
  'Temporal has not been told of the last change yet, because it could not be reached; it is told as soon as it can be.';

@Resolver(() => ScheduleType)
export class ScheduleResolver {
  @Query(() => ScheduleType, {
    nullable: true,
    description: 'A schedule by id; null when there is none.',
  })
  async schedule(
    @Arg('id', () => ID, { description: 'The id.' }) id: string,
    @Ctx() { loaders }: RequestContext,
  ): Promise<ScheduleType | null> {
    const key = parseNumericId('Schedule', id);
    const row = key === undefined ? undefined : await loaders.schedules.load(key);
    return row === undefined ? null : toScheduleType(row);
  }

  @Query(() => ScheduleConnection, {
    description: 'Schedules of the repositories that the caller may read, oldest first.',
  })
  async schedules(
    @Arg('first', () => Int, firstOption) first: number,
    @Arg('after', () => String, afterOption) after: string | null,
    @Ctx() { em, loaders }: RequestContext,
  ): Promise<Connection<ScheduleType>> {
    const page = await readSchedulePage(em, loaders.visibility, {
      first: checkFirst(first),
      after: readNumberCursor('schedules', after),
    });
    return toConnection(await loadPage(page, loaders.schedules), {
      list: 'schedules',
      after,
      keyOf: ({ id }) => id,
      nodeOf: ({ value }) => toScheduleType(value),
      countTotal: () => countSchedules(em, loaders.visibility),
    });
  }

  @FieldResolver(() => RepositoryType, { description: 'The repository to sync.' })
  async repository(
    @Root() { row }: ScheduleType,
    @Ctx() { loaders }: RequestContext,
  ): Promise<RepositoryType> {
    const repository = await loaders.repositories.load(row.repositoryId);
    if (repository === undefined) throw new Error('the repository was deleted while its schedule was read');
    return toRepositoryType(repository);
  }

  @FieldResolver(() => RemoteType, {
    nullable: true,
    description:
      "The remote to sync from; null: the repository's own at the time of the run, or the caller may not read it.",
  })
  async remote(
    @Root() { row }: ScheduleType,
    @Ctx() { loaders }: RequestContext,
  ): Promise<RemoteType | null> {
    const { remoteId } = row;
    const remote = typeof remoteId === 'number' ? await loaders.remotes.load(remoteId) : undefined;
    return remote === undefined ? null : toRemoteType(remote);
  }

  @FieldResolver(() => [DateTime], {
    description:
      'Times of the next runs including jitter, at most ten, as last reported by Temporal; empty while paused.',
  })
  async nextRunAts(
    @Root() { row }: ScheduleType,
    @Ctx() { loaders }: RequestContext,
  ): Promise<readonly Date[]> {
    return (await loaders.scheduleStates.load(row.id)).nextRunAts;
  }

  @FieldResolver(() => String, {
    nullable: true,
    description:
      "Why Temporal's schedule differs from this one: Temporal is unreachable or refuses it. Null when they agree.",
  })
  async problem(@Root() { row }: ScheduleType, @Ctx() { loaders }: RequestContext): Promise<string | null> {
    const { problem, isPending } = await loaders.scheduleStates.load(row.id);
    return problem ?? (isPending ? notTold : null);
  }

  @FieldResolver(() => ScheduleRunConnection, { description: 'The last runs, at most 100, newest first.' })
  async runs(
    @Root() { row }: ScheduleType,
    @Arg('first', () => Int, firstOption) first: number,
    @Arg('after', () => String, afterOption) after: string | null,
    @Ctx() { loaders }: RequestContext,
  ): Promise<Connection<ScheduleRunType>> {
    const page = await loaders.scheduleRunPages.load({
      parent: row.id,
      page: { first: checkFirst(first), after: readNumberCursor('runs', after) },
    });
    return toConnection(page, {
      list: 'runs',
      after,
      keyOf: ({ id }) => id,
      nodeOf: toScheduleRunType,
      countTotal: () => loaders.scheduleRunCounts.load(row.id),
    });
  }

  @FieldResolver(() => String, {
    nullable: true,
    description:
      'URL of the schedule in the Temporal UI, which schedules with the same times share; null when no UI is configured.',
  })
  async temporalUrl(
    @Root() { row }: ScheduleType,
    @Ctx() { api, loaders }: RequestContext,
  ): Promise<string | null> {
    const { temporalUiUrl, temporalNamespace } = api.config;
    if (temporalUiUrl === undefined) return null;
    const namespace = `${trimTrailingSlashes(temporalUiUrl)}/namespaces/${encodeURIComponent(temporalNamespace)}`;
    const { temporalId } = await loaders.scheduleStates.load(row.id);
    return `${namespace}/schedules/${encodeURIComponent(temporalId)}`;
  }
}

@Resolver(() => ScheduleRunType)
export class ScheduleRunResolver {
  @FieldResolver(() => TaskType, {
    nullable: true,
    description: 'The task that the run started, or because of which it was skipped; null: none.',
  })
  async task(@Root() { row }: ScheduleRunType, @Ctx() { loaders }: RequestContext): Promise<TaskType | null> {
    const task = row.taskId === null ? undefined : await loaders.tasks.load(row.taskId);
    return task === undefined ? null : toTaskType(task);
  }
}

@Resolver(() => RepositoryType)
export class RepositoryScheduleResolver {
  @FieldResolver(() => ScheduleConnection, { description: 'Schedules of the repository, oldest first.' })
  async schedules(
    @Root() { row }: RepositoryType,
    @Arg('first', () => Int, firstOption) first: number,
    @Arg('after', () => String, afterOption) after: string | null,
    @Ctx() { loaders }: RequestContext,
  ): Promise<Connection<ScheduleType>> {
    const page = await loaders.repositorySchedulePages.load({
      parent: row.id,
      page: { first: checkFirst(first), after: readNumberCursor('schedules', after) },
    });
    return toConnection(await loadPage(page, loaders.schedules), {
      list: 'schedules',
      after,
      keyOf: ({ id }) => id,
      nodeOf: ({ value }) => toScheduleType(value),
      countTotal: () => loaders.repositoryScheduleCounts.load(row.id),
    });
  }

  @FieldResolver(() => DateTime, {
    nullable: true,
    description:
      'When the repository was last the same as the upstream: the end of the last completed sync, or of a later look that found nothing ' +
      'changed (`UNCHANGED`). Null before the first sync. Dry runs are ignored.',
  })
  async lastSyncedAt(
    @Root() { row }: RepositoryType,
    @Ctx() { loaders }: RequestContext,
  ): Promise<Date | null> {
    return (await loaders.freshness.load(row.id)).syncedAt;
  }

  @FieldResolver(() => TaskErrorType, {
    nullable: true,
    description: 'Error of the last sync; null when it completed, or before the first sync.',
  })
  async lastSyncError(
    @Root() { row }: RepositoryType,
    @Ctx() { loaders }: RequestContext,
  ): Promise<TaskErrorType | null> {
    const { errorCode: code, errorMessage } = await loaders.freshness.load(row.id);
    return code === null ? null : Object.assign(new TaskErrorType(), { code, message: errorMessage ?? '' });
  }
}
