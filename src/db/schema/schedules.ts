import { defineEntity, p } from '@mikro-orm/postgresql';
import type { InferEntity } from '@mikro-orm/postgresql';
import { createdAt, autoId, timestamps } from './columns.ts';
import type { Identity } from './identity.ts';

/** A recurring sync of a repository. `db/tasks/temporal-schedules.ts` brings Temporal up to this row. */
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
    mirror: p.boolean(),
    /** As in `SyncArguments`, from the API that last changed the schedule. */
    allowPrivate: p.boolean(),
    paused: p.boolean(),
    note: p.text().nullable(),
    /** The caller who created or last changed it. Its syncs run with their rights. */
    madeBy: p.json<Identity>().nullable(),
    /** Each change raises it. Temporal is up to date when `temporalRevision` is equal. */
    revision: p.integer().default(1),
    temporalRevision: p.integer().nullable(),
    temporalFingerprint: p.text().nullable(),
    /** Why Temporal refused it. */
    temporalProblem: p.text().nullable(),
    temporalSeenAt: p.datetime().nullable(),
    /** Next runs as Temporal last listed them; some may have passed. */
    nextRunAts: p
      .array((time) => new Date(time))
      .columnType('timestamptz[]')
      .default([]),
    ...timestamps,
  },
});
export type Schedule = InferEntity<typeof Schedule>;

/** A schedule that is deleted here and still has to be deleted at Temporal. */
export const ScheduleRemoval = defineEntity({
  name: 'ScheduleRemoval',
  properties: { temporalId: p.text().primary() },
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
    workflowRunId: p.text().nullable(),
  },
});

export const schedulesTables = [Schedule, ScheduleRemoval, ScheduleRun];
