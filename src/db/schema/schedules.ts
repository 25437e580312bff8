import { defineEntity, p } from '@mikro-orm/postgresql';
import type { InferEntity, Opt } from '@mikro-orm/postgresql';
import { createdAt, autoId, temporalState, timestamps } from './columns/columns.ts';
import type { Identity } from './columns/identity.ts';

/** A recurring sync of a repository. `db/schedules/schedule-groups.ts` makes Temporal's schedules from these rows. */
export const Schedule = defineEntity({
  name: 'Schedule',
  properties: {
    id: autoId,
    repositoryId: p.bigint('number'),
    /** Null: the remote that the repository has at the run. */
    remoteId: p.bigint('number').nullable(),
    /** Exactly one of `cron` and `intervalSeconds` is set. */
    cron: p.text().nullable(),
    intervalSeconds: p.integer().nullable(),
    timeZone: p.text(),
    jitterSeconds: p.integer(),
    catchupWindowSeconds: p.integer(),
    /** Schedules with the same one are due together, by one schedule of Temporal. */
    specification: p
      .text()
      .$type<Opt<string>>()
      .generated(
        `(coalesce(cron || ' ' || time_zone, 'every ' || interval_seconds::text || ' s') || ', jitter ' || jitter_seconds::text || ' s, catch-up ' || catchup_window_seconds::text || ' s') stored`,
      ),
    mirror: p.boolean(),
    /** As in `SyncArguments`, from the API that last changed the schedule. */
    allowPrivate: p.boolean(),
    paused: p.boolean(),
    note: p.text().nullable(),
    /** The caller who created or last changed it. Its syncs run with their rights. */
    madeBy: p.json<Identity>().nullable(),
    /** When it got its times, or was resumed. It has no runs that were due before. */
    dueFrom: p.datetime().defaultRaw('now()'),
    ...timestamps,
  },
});
export type Schedule = InferEntity<typeof Schedule>;

/** What Temporal had last for a specification. Without a schedule, it still has to be deleted at Temporal. */
export const ScheduleGroup = defineEntity({
  name: 'ScheduleGroup',
  properties: {
    specification: p.text().primary(),
    /** Null: Temporal does not have it yet. */
    temporalPaused: p.boolean().nullable(),
    ...temporalState,
  },
});

/** UNCHANGED: a look found that a sync would change nothing. */
export const scheduleRunOutcomes = ['STARTED', 'UNCHANGED', 'SKIPPED'] as const;
export type ScheduleRunOutcome = (typeof scheduleRunOutcomes)[number];

export const ScheduleRun = defineEntity({
  name: 'ScheduleRun',
  properties: {
    id: autoId,
    scheduleId: p.bigint('number'),
    dueAt: p.datetime(),
    at: createdAt,
    outcome: p.enum(scheduleRunOutcomes),
    message: p.text().nullable(),
    /** A skipped run has the sync that was running already. */
    taskId: p.bigint('number').nullable(),
    /** The first run of the workflow; null: triggered. */
    workflowRunId: p.text().nullable(),
  },
});

export const schedulesTables = [Schedule, ScheduleGroup, ScheduleRun];
