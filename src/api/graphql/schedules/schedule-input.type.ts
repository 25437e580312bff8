import { Field, ID, InputType, Int } from 'type-graphql';

const cronDescription =
  'Five fields (minute, hour, day of the month, month, day of the week), or @hourly, @daily, @weekly, @monthly, @yearly. ' +
  'Give it or intervalSeconds.';
const intervalDescription = 'Every so many seconds, 1 to 31,622,400. Give it or cron.';
const timeZoneDescription = 'An IANA time zone in which cron is meant.';
const jitterDescription =
  'Each run begins up to so many seconds later than it is due, 0 to 86,400; never later than the next one is due.';
const catchupDescription =
  'For how long a run that could not begin is made up for, 10 to 31,622,400 seconds.';
const mirrorDescription = 'Also remove what the upstream no longer has, as in repositorySync.';
const remoteDescription = "The remote to sync with; null: the repository's own, whichever it is at the run.";
const noteDescription = 'For people; up to 1,000 characters.';

/** Settings that create and update have in common. */
@InputType()
abstract class ScheduleSettings {
  @Field(() => ID, { nullable: true, description: remoteDescription })
  remoteId?: string | null;

  @Field(() => String, { nullable: true, description: cronDescription })
  cron?: string | null;

  @Field(() => Int, { nullable: true, description: intervalDescription })
  intervalSeconds?: number | null;

  @Field(() => String, { nullable: true, description: noteDescription })
  note?: string | null;
}

@InputType('ScheduleCreateInput', { description: 'A new schedule.' })
export class ScheduleCreateInput extends ScheduleSettings {
  @Field(() => ID, { description: 'The repository to sync.' })
  repositoryId!: string;

  @Field(() => String, { nullable: true, defaultValue: 'UTC', description: timeZoneDescription })
  timeZone?: string | null;

  @Field(() => Int, { nullable: true, defaultValue: 60, description: jitterDescription })
  jitterSeconds?: number | null;

  @Field(() => Int, { nullable: true, defaultValue: 3_600, description: catchupDescription })
  catchupWindowSeconds?: number | null;

  @Field(() => Boolean, { nullable: true, defaultValue: false, description: mirrorDescription })
  mirror?: boolean | null;

  @Field(() => Boolean, { nullable: true, defaultValue: false, description: 'Whether it rests at first.' })
  paused?: boolean | null;
}

@InputType('ScheduleUpdateInput', {
  description:
    'Changes of a schedule. Omitted: kept. null: cleared. Of cron and intervalSeconds, what is given replaces the other.',
})
export class ScheduleUpdateInput extends ScheduleSettings {
  @Field(() => ID, { description: 'The schedule.' })
  id!: string;

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
  description: 'A schedule to delete, with what is known of its runs; their tasks stay.',
})
export class ScheduleDeleteInput {
  @Field(() => ID, { description: 'The schedule.' })
  id!: string;
}

@InputType('SchedulePauseInput', { description: 'A schedule that is to rest.' })
export class SchedulePauseInput {
  @Field(() => ID, { description: 'The schedule.' })
  id!: string;

  @Field(() => String, {
    nullable: true,
    description: `Why. ${noteDescription} Omitted: kept. null: cleared.`,
  })
  note?: string | null;
}

@InputType('ScheduleResumeInput', { description: 'A schedule that is to run again.' })
export class ScheduleResumeInput extends SchedulePauseInput {}

@InputType('ScheduleTriggerInput', { description: 'A schedule that is to run now.' })
export class ScheduleTriggerInput {
  @Field(() => ID, { description: 'The schedule.' })
  id!: string;
}
