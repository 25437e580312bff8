import { LockMode } from '@mikro-orm/core';
import { visibilityOf } from '../../access/viewer.ts';
import type { Viewer } from '../../access/viewer.ts';
import type { Em } from '../../db/open-database.ts';
import { readNamed } from '../../db/reads/read-named.ts';
import { readSchedules } from '../../db/reads/read-schedules.ts';
import { Repository } from '../../db/schema/repositories.ts';
import { Schedule } from '../../db/schema/schedules.ts';
import { deleteSchedules, keepGroup, readSpecification } from '../../db/schedules/schedule-groups.ts';
import { addScheduleRun } from '../../db/schedules/schedule-runs.ts';
import { checkConversion } from '../mirror-conversion.ts';
import { noSuchId } from '../mistakes.ts';
import type { Mistake } from '../mistakes.ts';
import { done, inTransaction, refused } from '../operation.ts';
import type { Operator, Outcome, Reference } from '../operation.ts';
import { lacksRole } from '../permit.ts';
import { lockNamed, repositoryNotFound } from '../references.ts';
import { startSync } from '../syncs.ts';
import type { SyncDeps } from '../syncs.ts';
import { refusedTask } from '../tasks.ts';
import type { TaskOutcome } from '../tasks.ts';
import { checkNote, checkSchedule, checkScheduleUpdate, findScheduleRemote } from './schedule-fields.ts';
import type { ScheduleFields } from './schedule-fields.ts';

export interface ScheduleChanges extends ScheduleFields {
  readonly remote?: Reference | null | undefined;
}

export interface NewSchedule extends ScheduleChanges {
  readonly repository: Reference;
  readonly paused?: boolean | null | undefined;
}

/** Needs the role maintainer for the repository, and for a remote that is not its own. */
export async function createSchedule(
  operator: Operator,
  deps: SyncDeps,
  fields: NewSchedule,
): Promise<Outcome<number>> {
  const { viewer } = operator;
  const created = await inTransaction<Saved>(operator, async (em) => {
    const mistakes = checkSchedule(fields);
    const shared = LockMode.PESSIMISTIC_READ;
    const repository = await lockNamed(em, viewer, Repository, fields.repository, shared);
    const lacking =
      repository === null ? [] : lacksRole(viewer, 'maintainer', repository.name, fields.repository.field);
    if (lacking.length > 0) return refused(...lacking);
    if (repository === null) mistakes.unshift(repositoryNotFound(fields.repository));
    const remoteId = await findScheduleRemote(em, fields.remote, { viewer, repository }, mistakes);
    if (repository !== null) mistakes.push(...(await checkConversion(em, repository)));
    if (repository === null || mistakes.length > 0) return refused(...mistakes);
    const row = em.create(Schedule, {
      repositoryId: repository.id,
      remoteId,
      cron: fields.cron ?? null,
      intervalSeconds: fields.intervalSeconds ?? null,
      timeZone: fields.timeZone ?? 'UTC',
      jitterSeconds: fields.jitterSeconds ?? 60,
      catchupWindowSeconds: fields.catchupWindowSeconds ?? 3_600,
      mirror: fields.mirror ?? false,
      allowPrivate: deps.addresses.allowPrivate,
      paused: fields.paused ?? false,
      note: fields.note ?? null,
      madeBy: viewer.identity,
    });
    await em.persist(row).flush();
    return done({ id: row.id, specifications: [row.specification] });
  });
  return tellTemporal(operator, deps, created);
}

/** Needs the role maintainer for the repository, and for a new remote. Later runs have the rights of whoever changed the schedule last. */
export async function updateSchedule(
  operator: Operator,
  deps: SyncDeps,
  schedule: Reference,
  changes: ScheduleChanges,
): Promise<Outcome<number>> {
  const { viewer } = operator;
  return change(operator, deps, schedule, async (em, row) => {
    const mistakes = checkScheduleUpdate(changes);
    const repository = row === null ? null : await em.findOneOrFail(Repository, { id: row.repositoryId });
    const context = { viewer, repository, keptRemoteId: row?.remoteId };
    const remoteId =
      changes.remote === undefined
        ? undefined
        : await findScheduleRemote(em, changes.remote, context, mistakes);
    if (row === null || mistakes.length > 0) return mistakes;
    const { cron, intervalSeconds, timeZone, jitterSeconds, catchupWindowSeconds, mirror, note } = changes;
    if (typeof cron === 'string') Object.assign(row, { cron, intervalSeconds: null });
    if (typeof intervalSeconds === 'number') Object.assign(row, { cron: null, intervalSeconds });
    const plain = { timeZone, jitterSeconds, catchupWindowSeconds, mirror, note };
    for (const [field, value] of Object.entries(plain))
      if (value !== undefined) Object.assign(row, { [field]: value });
    if (remoteId !== undefined) row.remoteId = remoteId;
    row.allowPrivate = deps.addresses.allowPrivate;
    row.madeBy = viewer.identity;
    return [];
  });
}

/** Pauses or resumes a schedule. Needs the role maintainer for the repository. */
export async function setPaused(
  operator: Operator,
  deps: SyncDeps,
  schedule: Reference,
  { paused, note }: { readonly paused: boolean; readonly note: string | null | undefined },
): Promise<Outcome<number>> {
  return change(operator, deps, schedule, (_, row) => {
    const mistakes = checkNote(note);
    if (row === null || mistakes.length > 0) return mistakes;
    if (row.paused && !paused) row.dueFrom = new Date();
    row.paused = paused;
    if (note !== undefined) row.note = note;
    return [];
  });
}

/** Starts the sync of a schedule now, paused or not. Needs the role maintainer for the repository. */
export async function triggerSchedule(
  operator: Operator,
  deps: SyncDeps,
  schedule: Reference,
): Promise<TaskOutcome> {
  const { em, viewer } = operator;
  const { key, field, text } = schedule;
  const [row] = key === undefined ? [] : await readSchedules(em.fork(), visibilityOf(viewer), [key]);
  if (row === undefined) return refusedTask(notFound(schedule));
  const lacking = await lacksSchedule(operator, row, field);
  if (lacking.length > 0) return refusedTask(...lacking);
  const { repositoryId, remoteId, mirror } = row;
  const request = {
    repository: { key: repositoryId, field, text },
    remote: typeof remoteId === 'number' ? { key: remoteId, field, text } : undefined,
    mirror,
  };
  const outcome = await startSync(operator, deps, request, {
    // whoever gave the schedule its remote had the right to use it
    settledRemoteId: remoteId ?? undefined,
    note: (transaction, task) =>
      addScheduleRun(transaction, { scheduleId: row.id, outcome: 'STARTED', message: null, taskId: task.id }),
  });
  for (const one of outcome.mistakes) one.field = [field];
  return outcome;
}

/** Needs the role maintainer for the repository. A sync that the schedule has started continues. */
export async function deleteSchedule(
  operator: Operator,
  deps: SyncDeps,
  schedule: Reference,
): Promise<Outcome<undefined>> {
  const deleted = await inTransaction(operator, async (em) => {
    const row = await findLocked(em, operator.viewer, schedule);
    if (row === null) return refused<Saved>(notFound(schedule));
    const lacking = await lacksSchedule(operator, row, schedule.field);
    if (lacking.length > 0) return refused<Saved>(...lacking);
    const specifications = await specificationsOf(em, row.id);
    await deleteSchedules(em, { id: row.id });
    return done({ id: row.id, specifications });
  });
  const told = await tellTemporal(operator, deps, deleted);
  return told.mistakes === undefined ? done(undefined) : refused(...told.mistakes);
}

/** Null where the viewer cannot read it. */
async function findLocked(em: Em, viewer: Viewer, { key }: Reference): Promise<Schedule | null> {
  if (key === undefined) return null;
  const [row] = await readSchedules(em.fork(), visibilityOf(viewer), [key]);
  if (row === undefined) return null;
  return em.findOne(Schedule, { id: key }, { lockMode: LockMode.PESSIMISTIC_WRITE });
}

/** A schedule belongs to its repository. */
async function lacksSchedule(
  { em, viewer }: Operator,
  { repositoryId }: Schedule,
  field: string,
): Promise<Mistake[]> {
  const [repository] = await readNamed(em.fork(), visibilityOf(viewer), Repository, [repositoryId]);
  return repository === undefined ? [] : lacksRole(viewer, 'maintainer', repository.name, field);
}

/** Changes the row in one transaction, then tells Temporal. `write` gets null where there is no schedule, so that all mistakes are found. */
async function change(
  operator: Operator,
  deps: SyncDeps,
  schedule: Reference,
  write: (em: Em, row: Schedule | null) => Mistake[] | Promise<Mistake[]>,
): Promise<Outcome<number>> {
  const changed = await inTransaction(operator, async (em) => {
    const row = await findLocked(em, operator.viewer, schedule);
    const lacking = row === null ? [] : await lacksSchedule(operator, row, schedule.field);
    if (lacking.length > 0) return refused<Saved>(...lacking);
    const mistakes = row === null ? [notFound(schedule)] : [];
    mistakes.push(...(await write(em, row)));
    if (row === null || mistakes.length > 0) return refused<Saved>(...mistakes);
    const before = await specificationsOf(em, row.id);
    await em.flush();
    const after = await specificationsOf(em, row.id);
    if (after[0] !== before[0]) {
      row.dueFrom = new Date();
      await em.flush();
    }
    return done({ id: row.id, specifications: [...before, ...after] });
  });
  return tellTemporal(operator, deps, changed);
}

interface Saved {
  readonly id: number;
  /** The groups that it belonged to, and belongs to. */
  readonly specifications: readonly string[];
}

async function specificationsOf(em: Em, scheduleId: number): Promise<string[]> {
  const specification = await readSpecification(em, scheduleId);
  return specification === undefined ? [] : [specification];
}

/** The row is committed first, so Temporal never has what the database lacks. Within a larger transaction it is left to the reconciler. */
async function tellTemporal(
  { em }: Operator,
  deps: SyncDeps,
  saved: Outcome<Saved>,
): Promise<Outcome<number>> {
  if (saved.mistakes !== undefined) return refused(...saved.mistakes);
  const specifications = em.isInTransaction() ? [] : saved.value.specifications;
  for (const specification of new Set(specifications))
    await tryTemporal(deps, () =>
      keepGroup(em.fork(), specification, deps.workflows.schedules, { isComparison: false }),
    );
  return done(saved.value.id);
}

/** If Temporal cannot be reached, the reconciler tells it later. */
async function tryTemporal({ logger }: SyncDeps, tell: () => Promise<void>): Promise<void> {
  try {
    await tell();
  } catch (error) {
    logger.warn({ err: error }, 'Temporal could not be told of a schedule yet');
  }
}

function notFound(named: Reference): Mistake {
  return noSuchId('schedule', 'schedules', named);
}
