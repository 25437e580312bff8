import { Field, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { Schedule } from '../../../db/schema/schedules.ts';
import type { ScheduleRunRow } from '../../../db/reads/read-schedules.ts';
import { connectionType } from '../connection.ts';
import { toGlobalId } from '../../../operations/global-id.ts';
import { NodeType } from '../node.type.ts';
import { DateTime } from '../scalars.ts';
import { UserError } from '../user-error.type.ts';

@ObjectType('Schedule', {
  implements: NodeType,
  description: "A repository's sync that comes again by itself: one of Temporal's schedules carries it.",
  simpleResolvers: true,
})
export class ScheduleType extends NodeType {
  row!: Schedule;

  @Field(() => String, {
    nullable: true,
    description:
      'When it runs, in five fields: minute, hour, day of the month, month, day of the week; a day has to match both day fields. ' +
      'Null where intervalSeconds is set.',
  })
  cron!: string | null;

  @Field(() => Int, {
    nullable: true,
    description: 'Every so many seconds, counted from 1970. Null where cron is set.',
  })
  intervalSeconds!: number | null;

  @Field(() => String, { description: 'The time zone in which cron is meant, e.g. Europe/Berlin.' })
  timeZone!: string;

  @Field(() => Int, {
    description:
      'Each run begins up to so many seconds later than it is due, so that many schedules of one time are spread.',
  })
  jitterSeconds!: number;

  @Field(() => Int, {
    description:
      'A run that could not begin in time, because the system was down, is made up for so many seconds; later it is left out.',
  })
  catchupWindowSeconds!: number;

  @Field(() => Boolean, {
    description:
      'Whether its syncs remove what the upstream does not have any more. They never confirm a mass removal: such a run fails with ' +
      'MASS_REMOVAL_REFUSED, and a person decides.',
  })
  mirror!: boolean;

  @Field(() => Boolean, { description: 'Whether it rests; scheduleTrigger works all the same.' })
  paused!: boolean;

  @Field(() => String, { nullable: true, description: 'For people: why it is as it is.' })
  note!: string | null;

  @Field(() => [DateTime], {
    description:
      'When it runs next, jitter included, as Temporal said when it was last asked: up to ten moments, none while it is paused.',
  })
  nextRunAts!: Date[];

  @Field(() => String, {
    nullable: true,
    description:
      'Why Temporal does not have the schedule as it is here: it could not be reached yet, or it refuses it. Null where all is well.',
  })
  problem!: string | null;

  @Field(() => DateTime, { description: 'When it was created.' })
  createdAt!: Date;

  @Field(() => DateTime, { description: 'When it was last changed.' })
  updatedAt!: Date;
}

export function toScheduleType(row: Schedule): ScheduleType {
  const { timeZone, jitterSeconds, catchupWindowSeconds, mirror, paused, createdAt, updatedAt } = row;
  const isKept = row.temporalRevision === row.revision;
  const now = new Date();
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
    nextRunAts: isKept && !paused ? row.nextRunAts.filter((time) => time > now) : [],
    problem: row.temporalProblem ?? (isKept ? null : notTold),
    createdAt,
    updatedAt,
  });
}

const notTold =
  'Temporal has not been told of the last change yet, because it could not be reached; it is told as soon as it can be.';

export const ScheduleConnection = connectionType(ScheduleType, 'Schedule');

export const ScheduleRunOutcomeEnum = { STARTED: 'STARTED', SKIPPED: 'SKIPPED' } as const;

registerEnumType(ScheduleRunOutcomeEnum, {
  name: 'ScheduleRunOutcome',
  description: 'What became of a run of a schedule.',
  valuesConfig: {
    STARTED: { description: 'Its sync was started; what came of that is in its task.' },
    SKIPPED: { description: 'No sync was started; the message says why.' },
  },
});

@ObjectType('ScheduleRun', { description: 'That a schedule was due.', simpleResolvers: true })
export class ScheduleRunType {
  row!: ScheduleRunRow;

  @Field(() => DateTime, {
    description:
      'When it was due by the cron or interval; it begins up to jitterSeconds later. For a triggered run, when it was asked for.',
  })
  dueAt!: Date;

  @Field(() => DateTime, { description: 'When it began.' })
  at!: Date;

  @Field(() => ScheduleRunOutcomeEnum, { description: 'What became of it.' })
  outcome!: keyof typeof ScheduleRunOutcomeEnum;

  @Field(() => String, { nullable: true, description: 'Why it was skipped; null where it was not.' })
  message!: string | null;

  @Field(() => Boolean, { description: 'Whether scheduleTrigger began it.' })
  triggered!: boolean;
}

export function toScheduleRunType(row: ScheduleRunRow): ScheduleRunType {
  const { dueAt, at, outcome, message, isTriggered } = row;
  return Object.assign(new ScheduleRunType(), { row, dueAt, at, outcome, message, triggered: isTriggered });
}

export const ScheduleRunConnection = connectionType(ScheduleRunType, 'ScheduleRun');

@ObjectType('SchedulePayload', { description: 'What a mutation made of a schedule.', simpleResolvers: true })
export class SchedulePayload {
  @Field(() => ScheduleType, {
    nullable: true,
    description: 'The schedule as it is now; null where there were mistakes.',
  })
  schedule!: ScheduleType | null;

  @Field(() => [UserError], { description: "All of the caller's mistakes; empty when it was done." })
  userErrors!: UserError[];
}
