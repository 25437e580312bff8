import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import type { Outcome, Reference } from '../../../operations/operation.ts';
import {
  createSchedule,
  deleteSchedule,
  setPaused,
  triggerSchedule,
  updateSchedule,
} from '../../../operations/schedules/schedules.ts';
import type { RequestContext } from '../context.ts';
import { DeletePayload } from '../payload.type.ts';
import { runDeletion, runMutation, toOptionalReference, toReference } from '../run-mutation.ts';
import { answerTask, syncDepsOf } from '../tasks/answer-task.ts';
import { TaskPayload } from '../tasks/task.type.ts';
import {
  ScheduleCreateInput,
  ScheduleDeleteInput,
  SchedulePauseInput,
  ScheduleResumeInput,
  ScheduleTriggerInput,
  ScheduleUpdateInput,
} from './schedule-input.type.ts';
import { SchedulePayload, toScheduleType } from './schedule.type.ts';

@Resolver()
export class ScheduleMutationResolver {
  @Mutation(() => SchedulePayload, {
    description: 'Creates a recurring sync of a repository, by cron expression or at an interval.',
  })
  async scheduleCreate(
    @Arg('input', () => ScheduleCreateInput, { description: 'The new schedule.' }) input: ScheduleCreateInput,
    @Ctx() context: RequestContext,
  ): Promise<SchedulePayload> {
    const repository = toReference('Repository', 'repositoryId', input.repositoryId);
    const fields = Object.assign({ repository, remote: remoteOf(input) }, input);
    return answer(context, createSchedule(context, syncDepsOf(context), fields));
  }

  @Mutation(() => SchedulePayload, {
    description: 'Changes a schedule. A sync that it has started keeps its settings.',
  })
  async scheduleUpdate(
    @Arg('input', () => ScheduleUpdateInput, { description: 'The changes.' }) input: ScheduleUpdateInput,
    @Ctx() context: RequestContext,
  ): Promise<SchedulePayload> {
    const changes = Object.assign({ remote: remoteOf(input) }, input);
    return answer(context, updateSchedule(context, syncDepsOf(context), scheduleOf(input), changes));
  }

  @Mutation(() => SchedulePayload, {
    description:
      'Pauses a schedule. A sync that it has started continues. Runs that are due while it is paused are not caught up.',
  })
  async schedulePause(
    @Arg('input', () => SchedulePauseInput, { description: 'The schedule.' }) input: SchedulePauseInput,
    @Ctx() context: RequestContext,
  ): Promise<SchedulePayload> {
    const change = { paused: true, note: input.note };
    return answer(context, setPaused(context, syncDepsOf(context), scheduleOf(input), change));
  }

  @Mutation(() => SchedulePayload, { description: 'Resumes a paused schedule.' })
  async scheduleResume(
    @Arg('input', () => ScheduleResumeInput, { description: 'The schedule.' }) input: ScheduleResumeInput,
    @Ctx() context: RequestContext,
  ): Promise<SchedulePayload> {
    const change = { paused: false, note: input.note };
    return answer(context, setPaused(context, syncDepsOf(context), scheduleOf(input), change));
  }

  @Mutation(() => TaskPayload, {
    description: 'Runs a schedule now, even when paused: starts its sync as repositorySync does.',
  })
  async scheduleTrigger(
    @Arg('input', () => ScheduleTriggerInput, { description: 'The schedule.' }) input: ScheduleTriggerInput,
    @Ctx() context: RequestContext,
  ): Promise<TaskPayload> {
    return answerTask(context, triggerSchedule(context, syncDepsOf(context), scheduleOf(input)));
  }

  @Mutation(() => DeletePayload, {
    description: 'Deletes a schedule. A sync that it has started continues, and its tasks are kept.',
  })
  async scheduleDelete(
    @Arg('input', () => ScheduleDeleteInput, { description: 'The schedule.' }) input: ScheduleDeleteInput,
    @Ctx() context: RequestContext,
  ): Promise<DeletePayload> {
    return runDeletion(context, input.id, deleteSchedule(context, syncDepsOf(context), scheduleOf(input)));
  }
}

function scheduleOf({ id }: { readonly id: string }): Reference {
  return toReference('Schedule', 'id', id);
}

function remoteOf({ remoteId }: ScheduleCreateInput | ScheduleUpdateInput) {
  return toOptionalReference('Remote', 'remoteId', remoteId);
}

type SchedulePart = Pick<SchedulePayload, 'schedule'>;

function answer(context: RequestContext, operation: Promise<Outcome<number>>): Promise<SchedulePayload> {
  const load = async (id: number): Promise<SchedulePart> => {
    const row = await context.loaders.schedules.load(id);
    return { schedule: row === undefined ? null : toScheduleType(row) };
  };
  return runMutation<number, SchedulePart>(context, operation, load, { schedule: null });
}
