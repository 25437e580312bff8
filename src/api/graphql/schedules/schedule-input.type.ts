import { Field, ID, InputType, Int } from 'type-graphql';

const cronDescription =
  'Cron expression of five fields (minute, hour, day of the month, month, day of the week), or @hourly, @daily, @weekly, @monthly, ' +
  '@yearly. Exactly one of cron and intervalSeconds is required.';
const intervalDescription =
  'Interval in seconds, 1 to 31,622,400. Exactly one of intervalSeconds and cron is required.';
const timeZoneDescription = 'IANA time zone of cron.';
const jitterDescription =
  'Maximum random delay of each run, 0 to 86,400 seconds. A run never starts later than the next one is due.';
const catchupDescription =
  'Catch-up window: a missed run is caught up when it is late by at most this, 10 to 31,622,400 seconds.';
const mirrorDescription = 'Also remove tags that the upstream no longer has, as in repositorySync.';
export const remoteDescription =
  "The remote to sync from; null: the repository's own at the time of the run.";
const noteDescription = 'Free text, up to 1,000 characters; null: none.';

/** The fields that create and update share. */
@InputType()
abstract class ScheduleSettings {
  @Field(() => String, { nullable: true, description: cronDescription })
  cron?: string | null;

  @Field(() => Int, { nullable: true, description: intervalDescription })
  intervalSeconds?: number | null;

  @Field(() => String, { nullable: true, description: noteDescription })
  note?: string | null;
}

/** The fields of a new schedule but those that name something else. */
@InputType()
export abstract class NewScheduleSettings extends ScheduleSettings {
  @Field(() => String, { nullable: true, defaultValue: 'UTC', description: timeZoneDescription })
  timeZone?: string | null;

  @Field(() => Int, { nullable: true, defaultValue: 60, description: jitterDescription })
  jitterSeconds?: number | null;

  @Field(() => Int, { nullable: true, defaultValue: 3_600, description: catchupDescription })
  catchupWindowSeconds?: number | null;

  @Field(() => Boolean, { nullable: true, defaultValue: false, description: mirrorDescription })
  mirror?: boolean | null;

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description: 'Whether the schedule is created paused.',
  })
  paused?: boolean | null;
}

@InputType('ScheduleCreateInput', { description: 'A new schedule.' })
export class ScheduleCreateInput extends NewScheduleSettings {
  @Field(() => ID, { description: 'The repository to sync.' })
  repositoryId!: string;

  @Field(() => ID, { nullable: true, description: remoteDescription })
  remoteId?: string | null;
}

@InputType('ScheduleUpdateInput', {
  description:
    'Changes to a schedule. Omitted fields are kept; null clears a field. A given cron replaces intervalSeconds, and vice versa.',
})
export class ScheduleUpdateInput extends ScheduleSettings {
  @Field(() => ID, { description: 'The schedule.' })
  id!: string;

  @Field(() => ID, { nullable: true, description: remoteDescription })
  remoteId?: string | null;

  @Field(() => String, { nullable: true, description: `${timeZoneDescription} It cannot be cleared.` })
  timeZone?: string | null;

  @Field(() => Int, { nullable: true, description: `${jitterDescription} It cannot be cleared.` })
  jitterSeconds?: number | null;

  @Field(() => Int, { nullable: true, description: `${catchupDescription} It cannot be cleared.` })
  catchupWindowSeconds?: number | null;

  @Field(() => Boolean, { nullable: true, description: `${mirrorDescription} It cannot be cleared.` })
  mirror?: boolean | null;
}

@InputType('ScheduleDeleteInput', {
  description: 'The schedule to delete, with the history of its runs. Their tasks are kept.',
})
export class ScheduleDeleteInput {
  @Field(() => ID, { description: 'The schedule.' })
  id!: string;
}

@InputType('SchedulePauseInput', { description: 'The schedule to pause.' })
export class SchedulePauseInput {
  @Field(() => ID, { description: 'The schedule.' })
  id!: string;

  @Field(() => String, {
    nullable: true,
    description: `The reason. ${noteDescription} Omitted: kept.`,
  })
  note?: string | null;
}

@InputType('ScheduleResumeInput', { description: 'The schedule to resume.' })
export class ScheduleResumeInput extends SchedulePauseInput {}

@InputType('ScheduleTriggerInput', { description: 'The schedule to run.' })
export class ScheduleTriggerInput {
  @Field(() => ID, { description: 'The schedule.' })
  id!: string;
}
