import type { Repository } from '../../db/schema/repositories.ts';
import type { Em } from '../../db/open-database.ts';
import type { Viewer } from '../../access/viewer.ts';
import { checkCron, checkTimeZone } from './cron.ts';
import { hasNoRemote, lockUsableRemote } from '../references.ts';
import type { Reference } from '../operation.ts';
import { checkInteger, checkText, invalid, notNull } from '../mistakes.ts';
import type { Checked, Mistake } from '../mistakes.ts';

/** In an update, undefined keeps a field and null clears it. */
export interface ScheduleFields {
  readonly cron?: string | null | undefined;
  readonly intervalSeconds?: number | null | undefined;
  readonly timeZone?: string | null | undefined;
  readonly jitterSeconds?: number | null | undefined;
  readonly catchupWindowSeconds?: number | null | undefined;
  readonly mirror?: boolean | null | undefined;
  readonly note?: string | null | undefined;
}

const yearSeconds = 366 * 24 * 60 * 60;

export function checkSchedule(input: ScheduleFields): Mistake[] {
  const mistakes = checkFields(input);
  const given = times(input);
  if (given.length !== 1) mistakes.unshift(oneOfTwo(given));
  return mistakes;
}

export function checkScheduleUpdate(input: ScheduleFields): Mistake[] {
  const mistakes = checkFields(input);
  const given = times(input);
  const isCleared = given.length === 0 && (input.cron === null || input.intervalSeconds === null);
  if (given.length === 2 || isCleared) mistakes.unshift(oneOfTwo(given));
  const cleared = (['timeZone', 'jitterSeconds', 'catchupWindowSeconds', 'mirror'] as const).flatMap(
    (field) => notNull(field, input[field]) ?? [],
  );
  return [...mistakes, ...cleared];
}

export function checkNote(note: string | null | undefined): Mistake[] {
  return typeof note === 'string' ? [checkText('note', note, 1_000) ?? []].flat() : [];
}

function times({ cron, intervalSeconds }: ScheduleFields): string[] {
  return [
    ...(typeof cron === 'string' ? ['cron'] : []),
    ...(typeof intervalSeconds === 'number' ? ['intervalSeconds'] : []),
  ];
}

function oneOfTwo(given: readonly string[]): Mistake {
  const what = given.length === 2 ? 'Both' : 'Neither';
  return invalid(
    'cron',
    `${what} of cron and intervalSeconds given; expected cron for times of the day, or intervalSeconds.`,
  );
}

function checkFields(input: ScheduleFields): Mistake[] {
  const { cron, intervalSeconds, timeZone, jitterSeconds, catchupWindowSeconds, note } = input;
  const checks: Checked[] = [];
  if (typeof cron === 'string') checks.push(checkCron('cron', cron));
  if (typeof intervalSeconds === 'number')
    checks.push(checkInteger('intervalSeconds', intervalSeconds, [1, yearSeconds]));
  if (typeof timeZone === 'string') checks.push(checkTimeZone('timeZone', timeZone));
  if (typeof jitterSeconds === 'number')
    checks.push(checkInteger('jitterSeconds', jitterSeconds, [0, 86_400]));
  if (typeof catchupWindowSeconds === 'number')
    checks.push(checkInteger('catchupWindowSeconds', catchupWindowSeconds, [10, yearSeconds]));
  return [...checks.flatMap((found) => found ?? []), ...checkNote(note)];
}

/** What a schedule's remote is chosen for. */
export interface ScheduledFor {
  readonly viewer: Viewer;
  readonly repository: Repository | null;
  /** What the schedule has already: to leave it as it is needs no rights on the remote. */
  readonly keptRemoteId?: number | null | undefined;
}

/** The key of the remote that is given, locked against deletion; null where none is given. */
export async function findScheduleRemote(
  em: Em,
  remote: Reference | null | undefined,
  { viewer, repository, keptRemoteId }: ScheduledFor,
  mistakes: Mistake[],
): Promise<number | null> {
  if (remote === null || remote === undefined) {
    if (repository !== null && repository.remoteId == null) mistakes.push(hasNoRemote(repository));
    return null;
  }
  const settled = [repository?.remoteId, keptRemoteId];
  return (await lockUsableRemote(em, viewer, remote, { settled, mistakes })) ?? null;
}
