import { LockMode } from '@mikro-orm/core';
import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import { Repository, Schedule } from '../../../db/schema/entities.ts';
import type { Em } from '../../../db/open-database.ts';
import { addScheduleRun } from '../../../db/tasks/schedule-runs.ts';
import {
  deleteSchedules,
  forgetRemoval,
  keepSchedule,
  readTemporalScheduleIds,
} from '../../../db/tasks/temporal-schedules.ts';
import { quoteValue } from '../../../oci/error.ts';
import { forgetReads } from '../context.ts';
import type { RequestContext } from '../context.ts';
import { parseNumericId, toGlobalId } from '../../../operations/global-id.ts';
import { checkConversion } from '../../../operations/mirror-conversion.ts';
import { DeletePayload } from '../payload.type.ts';
import { lacksRole, seen } from '../../../operations/permit.ts';
import { repositoryNotFound } from '../../../operations/references.ts';
import {
  ScheduleCreateInput,
  ScheduleDeleteInput,
  SchedulePauseInput,
  ScheduleResumeInput,
  ScheduleTriggerInput,
  ScheduleUpdateInput,
} from './schedule-input.type.ts';
import { checkNote, checkSchedule, checkScheduleUpdate, findScheduleRemote } from './schedule-validation.ts';
import { SchedulePayload, toScheduleType } from './schedule.type.ts';
import { startSync } from '../sync/sync.resolver.ts';
import { TaskPayload } from '../tasks/task.type.ts';
import type { UserError } from '../user-error.type.ts';
import { mistake } from '../../../operations/mistakes.ts';

@Resolver()
export class ScheduleMutationResolver {
  @Mutation(() => SchedulePayload, {
    description:
      'Lets a sync of a repository come again by itself, at the times of a cron line or every so many seconds.',
  })
  async scheduleCreate(
    @Arg('input', () => ScheduleCreateInput, { description: 'The new schedule.' }) input: ScheduleCreateInput,
    @Ctx() context: RequestContext,
  ): Promise<SchedulePayload> {
    const { viewer } = context;
    return saving(context, async (em) => {
      const mistakes = checkSchedule(input);
      const repositoryId = parseNumericId('Repository', input.repositoryId);
      const found =
        repositoryId === undefined
          ? null
          : await em.findOne(Repository, { id: repositoryId }, { lockMode: LockMode.PESSIMISTIC_READ });
      const repository = seen(viewer, found, ({ name }) => name);
      const lacking =
        repository === null ? [] : lacksRole(viewer, 'maintainer', repository.name, 'repositoryId');
      if (lacking.length > 0) return lacking;
      if (repository === null)
        mistakes.unshift(repositoryNotFound({ field: 'repositoryId', text: input.repositoryId }));
      const remoteId = await findScheduleRemote(em, input.remoteId, { viewer, repository }, mistakes);
      if (repository !== null) mistakes.push(...(await checkConversion(em, repository)));
      if (repository === null || mistakes.length > 0) return mistakes;
      const row = em.create(Schedule, {
        repositoryId: repository.id,
        remoteId,
        cron: input.cron ?? null,
        intervalSeconds: input.intervalSeconds ?? null,
        timeZone: input.timeZone ?? 'UTC',
        jitterSeconds: input.jitterSeconds ?? 60,
        catchupWindowSeconds: input.catchupWindowSeconds ?? 3_600,
        mirror: input.mirror ?? false,
        allowPrivate: context.api.config.allowPrivate,
        paused: input.paused ?? false,
        note: input.note ?? null,
        madeBy: viewer.identity,
      });
      await em.persist(row).flush();
      return row;
    });
  }

  @Mutation(() => SchedulePayload, {
    description: 'Changes a schedule; a sync that it has started goes on as it began.',
  })
  async scheduleUpdate(
    @Arg('input', () => ScheduleUpdateInput, { description: 'The changes.' }) input: ScheduleUpdateInput,
    @Ctx() context: RequestContext,
  ): Promise<SchedulePayload> {
    return changing(context, input.id, async (em, row) => {
      const mistakes = checkScheduleUpdate(input);
      const repository = row === null ? null : await em.findOneOrFail(Repository, { id: row.repositoryId });
      const remoteId =
        input.remoteId === undefined
          ? undefined
          : await findScheduleRemote(
              em,
              input.remoteId,
              { viewer: context.viewer, repository, keptRemoteId: row?.remoteId },
              mistakes,
            );
      if (row === null || mistakes.length > 0) return mistakes;
      if (typeof input.cron === 'string') Object.assign(row, { cron: input.cron, intervalSeconds: null });
      if (typeof input.intervalSeconds === 'number')
        Object.assign(row, { cron: null, intervalSeconds: input.intervalSeconds });
      const { timeZone, jitterSeconds, catchupWindowSeconds, mirror, note } = input;
      for (const [field, value] of Object.entries({
        timeZone,
        jitterSeconds,
        catchupWindowSeconds,
        mirror,
        note,
      }))
        if (value !== undefined) Object.assign(row, { [field]: value });
      if (remoteId !== undefined) row.remoteId = remoteId;
      row.allowPrivate = context.api.config.allowPrivate;
      // who changes what it does answers for it from then on
      row.madeBy = context.viewer.identity;
      return [];
    });
  }

  @Mutation(() => SchedulePayload, {
    description:
      'Lets a schedule rest; a sync that it has started goes on. What is due meanwhile is not made up for.',
  })
  async schedulePause(
    @Arg('input', () => SchedulePauseInput, { description: 'The schedule.' }) input: SchedulePauseInput,
    @Ctx() context: RequestContext,
  ): Promise<SchedulePayload> {
    return changing(context, input.id, (_, row) => rest(row, true, input.note));
  }

  @Mutation(() => SchedulePayload, { description: 'Lets a schedule that rests run again, from now on.' })
  async scheduleResume(
    @Arg('input', () => ScheduleResumeInput, { description: 'The schedule.' }) input: ScheduleResumeInput,
    @Ctx() context: RequestContext,
  ): Promise<SchedulePayload> {
    return changing(context, input.id, (_, row) => rest(row, false, input.note));
  }

  @Mutation(() => TaskPayload, {
    description:
      'Runs a schedule now, whether it rests or not: the sync that it stands for is started, as repositorySync would.',
  })
  async scheduleTrigger(
    @Arg('input', () => ScheduleTriggerInput, { description: 'The schedule.' }) input: ScheduleTriggerInput,
    @Ctx() context: RequestContext,
  ): Promise<TaskPayload> {
    const id = parseNumericId('Schedule', input.id);
    const row = id === undefined ? undefined : await context.loaders.schedules.load(id);
    if (row === undefined)
      return Object.assign(new TaskPayload(), { task: null, userErrors: [notFound(input.id)] });
    const { repositoryId, remoteId, mirror } = row;
    const lacking = await lacksSchedule(context, row);
    if (lacking.length > 0) return Object.assign(new TaskPayload(), { task: null, userErrors: lacking });
    const sync = {
      repositoryId: toGlobalId('Repository', repositoryId),
      remoteId: typeof remoteId === 'number' ? toGlobalId('Remote', remoteId) : null,
      mirror,
    };
    const payload = await startSync(context, sync, {
      // whoever gave the schedule its remote was asked for the right to use it
      settledRemoteId: remoteId ?? undefined,
      note: (em, task) =>
        addScheduleRun(em, {
          scheduleId: row.id,
          outcome: 'STARTED',
          message: null,
          taskId: task.id,
        }),
    });
    for (const error of payload.userErrors) error.field = ['id'];
    return payload;
  }

  @Mutation(() => DeletePayload, {
    description: 'Ends a schedule; a sync that it has started goes on, and its tasks stay.',
  })
  async scheduleDelete(
    @Arg('input', () => ScheduleDeleteInput, { description: 'The schedule.' }) input: ScheduleDeleteInput,
    @Ctx() context: RequestContext,
  ): Promise<DeletePayload> {
    const temporalId = await context.em.fork().transactional(async (em) => {
      const row = await findLocked(em, context, input.id);
      if (row === null) return [notFound(input.id)];
      const lacking = await lacksSchedule(context, row);
      if (lacking.length > 0) return lacking;
      const [found = ''] = await readTemporalScheduleIds(em, [row.id]);
      await deleteSchedules(em, { id: row.id });
      return found;
    });
    if (typeof temporalId !== 'string') return { deletedId: null, userErrors: temporalId };
    await tellTemporal(context, async () => {
      await context.api.workflows.schedules.remove(temporalId);
      await forgetRemoval(context.em.fork(), temporalId);
    });
    return { deletedId: input.id, userErrors: [] };
  }
}

/** Null too where the caller may not see it. */
async function findLocked(em: Em, { loaders }: RequestContext, id: string): Promise<Schedule | null> {
  const key = parseNumericId('Schedule', id);
  if (key === undefined || (await loaders.schedules.load(key)) === undefined) return null;
  return em.findOne(Schedule, { id: key }, { lockMode: LockMode.PESSIMISTIC_WRITE });
}

/** A schedule belongs to its repository. */
async function lacksSchedule(
  { viewer, loaders }: RequestContext,
  { repositoryId }: Schedule,
): Promise<UserError[]> {
  const repository = await loaders.repositories.load(repositoryId);
  return repository === undefined ? [] : lacksRole(viewer, 'maintainer', repository.name, 'id');
}

function rest(row: Schedule | null, paused: boolean, note: string | null | undefined): UserError[] {
  const mistakes = checkNote(note);
  if (row === null || mistakes.length > 0) return mistakes;
  row.paused = paused;
  if (note !== undefined) row.note = note;
  return [];
}

/** A change of a schedule that is there; answers mistakes. */
async function changing(
  context: RequestContext,
  id: string,
  change: (em: Em, row: Schedule | null) => UserError[] | Promise<UserError[]>,
): Promise<SchedulePayload> {
  return saving(context, async (em) => {
    const row = await findLocked(em, context, id);
    const lacking = row === null ? [] : await lacksSchedule(context, row);
    if (lacking.length > 0) return lacking;
    const mistakes = row === null ? [notFound(id)] : [];
    mistakes.push(...(await change(em, row)));
    if (row === null || mistakes.length > 0) return mistakes;
    row.revision += 1;
    await em.flush();
    return row;
  });
}

/** One transaction that answers the schedule, or mistakes; then Temporal is told. */
async function saving(
  context: RequestContext,
  save: (em: Em) => Promise<Schedule | UserError[]>,
): Promise<SchedulePayload> {
  const saved = await context.em.fork().transactional(save);
  if (Array.isArray(saved))
    return Object.assign(new SchedulePayload(), { schedule: null, userErrors: saved });
  // committed first: what Temporal has, stands in the database
  await tellTemporal(context, () =>
    keepSchedule(context.em.fork(), saved.id, (schedule) => context.api.workflows.schedules.keep(schedule)),
  );
  forgetReads(context);
  const row = await context.loaders.schedules.load(saved.id);
  return Object.assign(new SchedulePayload(), {
    schedule: row === undefined ? null : toScheduleType(row),
    userErrors: [],
  });
}

/** Where Temporal cannot be told now, the reconciler does it once it answers. */
async function tellTemporal({ api }: RequestContext, tell: () => Promise<void>): Promise<void> {
  try {
    await tell();
  } catch (error) {
    api.logger.warn({ err: error }, 'Temporal could not be told of a schedule yet');
  }
}

function notFound(id: string): UserError {
  return mistake(
    'NOT_FOUND',
    ['id'],
    `There is no schedule with the id ${quoteValue(id)}; take one from schedules.`,
  );
}
