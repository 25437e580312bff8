import { Field, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { Schedule } from '../../../db/schema/schedules.ts';
import type { ScheduleRunRow } from '../../../db/reads/read-schedules.ts';
import { connectionType } from '../connection.ts';
import { toGlobalId } from '../../../operations/global-id.ts';
import { NodeType } from '../node.type.ts';
import { DateTime } from '../scalars.ts';
import { Payload } from '../payload.type.ts';

@ObjectType('Schedule', {
  implements: NodeType,
  description: 'A recurring sync of a repository. Schedules with the same times share a Temporal schedule.',
  simpleResolvers: true,
})
export class ScheduleType extends NodeType {
  row!: Schedule;

  @Field(() => String, {
    nullable: true,
    description:
      'Cron expression of five fields: minute, hour, day of the month, month, day of the week. A day must match both day fields. Null when ' +
      'intervalSeconds is set.',
  })
  cron!: string | null;

  @Field(() => Int, {
    nullable: true,
    description: 'Interval in seconds, aligned to the Unix epoch. Null when cron is set.',
  })
  intervalSeconds!: number | null;

  @Field(() => String, { description: 'Time zone of cron, e.g. Europe/Berlin.' })
  timeZone!: string;

  @Field(() => Int, {
    description:
      'Maximum random delay of each run, in seconds. Schedules with the same times and the same maximum share the delay.',
  })
  jitterSeconds!: number;

  @Field(() => Int, {
    description:
      'Catch-up window in seconds: a run that was missed while the system was down is caught up when it is late by at most this.',
  })
  catchupWindowSeconds!: number;

  @Field(() => Boolean, {
    description:
      'Whether the syncs remove tags that the upstream no longer has. They never confirm a mass removal: such a run fails with ' +
      'MASS_REMOVAL_REFUSED.',
  })
  mirror!: boolean;

  @Field(() => Boolean, {
    description: 'Whether the schedule is paused. scheduleTrigger works nevertheless.',
  })
  paused!: boolean;

  @Field(() => String, { nullable: true, description: 'Free text, e.g. the reason for a pause; null: none.' })
  note!: string | null;

  @Field(() => DateTime, { description: 'Creation time.' })
  createdAt!: Date;

  @Field(() => DateTime, { description: 'Time of the last change.' })
  updatedAt!: Date;
}

export function toScheduleType(row: Schedule): ScheduleType {
  const { timeZone, jitterSeconds, catchupWindowSeconds, mirror, paused, createdAt, updatedAt } = row;
  return Object.assign(new ScheduleType(), {
    id: toGlobalId('Schedule', row.id),
    row,
    cron: row.cron ?? null,
    intervalSeconds: row.intervalSeconds ?? null,
    timeZone,
    jitterSeconds,
    catchupWindowSeconds,
    mirror,
    paused,
    note: row.note ?? null,
    createdAt,
    updatedAt,
  });
}

export const ScheduleConnection = connectionType(ScheduleType, 'Schedule');

export const ScheduleRunOutcomeEnum = {
  STARTED: 'STARTED',
  UNCHANGED: 'UNCHANGED',
  SKIPPED: 'SKIPPED',
} as const;

registerEnumType(ScheduleRunOutcomeEnum, {
  name: 'ScheduleRunOutcome',
  description: "Outcomes of a schedule's run.",
  valuesConfig: {
    STARTED: { description: 'A sync was started; `task` has its result.' },
    UNCHANGED: {
      description:
        'No sync was started: a look at the upstream found that it would change nothing. There is no task.',
    },
    SKIPPED: { description: 'No sync was started; `message` says why.' },
  },
});

@ObjectType('ScheduleRun', { description: 'A run of a schedule.', simpleResolvers: true })
export class ScheduleRunType {
  row!: ScheduleRunRow;

  @Field(() => DateTime, {
    description:
      'Time at which the run was due; it starts up to jitterSeconds later. For a triggered run: the time of the request.',
  })
  dueAt!: Date;

  @Field(() => DateTime, { description: 'Start time.' })
  at!: Date;

  @Field(() => ScheduleRunOutcomeEnum, { description: 'The outcome.' })
  outcome!: keyof typeof ScheduleRunOutcomeEnum;

  @Field(() => String, { nullable: true, description: 'Why the run was skipped; null when it was not.' })
  message!: string | null;

  @Field(() => Boolean, { description: 'Whether scheduleTrigger started the run.' })
  triggered!: boolean;
}

export function toScheduleRunType(row: ScheduleRunRow): ScheduleRunType {
  const { dueAt, at, outcome, message, isTriggered } = row;
  return Object.assign(new ScheduleRunType(), { row, dueAt, at, outcome, message, triggered: isTriggered });
}

export const ScheduleRunConnection = connectionType(ScheduleRunType, 'ScheduleRun');

@ObjectType('SchedulePayload', { description: 'The result of a schedule mutation.', simpleResolvers: true })
export class SchedulePayload extends Payload {
  @Field(() => ScheduleType, {
    nullable: true,
    description: 'The schedule after the change; null on error.',
  })
  schedule!: ScheduleType | null;
}
