import { LockMode } from '@mikro-orm/core';
import { Remote } from '../../../db/schema/entities.ts';
import type { Repository } from '../../../db/schema/entities.ts';
import type { Em } from '../../../db/open-database.ts';
import type { Viewer } from '../../../access/viewer.ts';
import { quoteValue } from '../../../oci/error.ts';
import { checkCron, checkTimeZone } from './cron-validation.ts';
import { parseNumericId } from '../../../operations/global-id.ts';
import { checkInteger, checkText, invalid, mistake, notNull } from '../../../operations/mistakes.ts';
import type { Checked } from '../../../operations/mistakes.ts';
import { lacksRole, seen } from '../../../operations/permit.ts';
import type { ScheduleCreateInput, ScheduleUpdateInput } from './schedule-input.type.ts';
import type { UserError } from '../user-error.type.ts';

const yearSeconds = 366 * 24 * 60 * 60;

export function checkSchedule(input: ScheduleCreateInput): UserError[] {
  const mistakes = checkFields(input);
  const given = times(input);
  if (given.length !== 1) mistakes.unshift(oneOfTwo(given));
  return mistakes;
}

export function checkScheduleUpdate(input: ScheduleUpdateInput): UserError[] {
  const mistakes = checkFields(input);
  const given = times(input);
  const isCleared = given.length === 0 && (input.cron === null || input.intervalSeconds === null);
  if (given.length === 2 || isCleared) mistakes.unshift(oneOfTwo(given));
  const cleared = (['timeZone', 'jitterSeconds', 'catchupWindowSeconds', 'mirror'] as const).flatMap(
    (field) => notNull(field, input[field]) ?? [],
  );
  return [...mistakes, ...cleared];
}

export function checkNote(note: string | null | undefined): UserError[] {
  return typeof note === 'string' ? [checkText('note', note, 1_000) ?? []].flat() : [];
}

function times({ cron, intervalSeconds }: ScheduleCreateInput | ScheduleUpdateInput): string[] {
  return [
    ...(typeof cron === 'string' ? ['cron'] : []),
    ...(typeof intervalSeconds === 'number' ? ['intervalSeconds'] : []),
  ];
}

function oneOfTwo(given: readonly string[]): UserError {
  const what = given.length === 2 ? 'Both' : 'Neither';
  return invalid(
    'cron',
    `${what} of cron and intervalSeconds given; expected cron for times of the day, or intervalSeconds.`,
  );
}

function checkFields(input: ScheduleCreateInput | ScheduleUpdateInput): UserError[] {
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

/**
 * The key of the remote that is given, held so that it cannot be deleted before the schedule has it; null where none is. The repository's
 * own is used by whoever may sync it; another only by those who may use that.
 */
export async function findScheduleRemote(
  em: Em,
  id: string | null | undefined,
  { viewer, repository, keptRemoteId }: ScheduledFor,
  mistakes: UserError[],
): Promise<number | null> {
  if (id === null || id === undefined) {
    if (repository !== null && repository.remoteId == null)
      mistakes.push(
        invalid(
          'remoteId',
          `The repository ${quoteValue(repository.name)} has no remote; give remoteId, or set the repository's remote first.`,
        ),
      );
    return null;
  }
  const key = parseNumericId('Remote', id);
  const found =
    key === undefined ? null : await em.findOne(Remote, { id: key }, { lockMode: LockMode.PESSIMISTIC_READ });
  const isSettled = found !== null && (found.id === repository?.remoteId || found.id === keptRemoteId);
  const remote = isSettled ? found : seen(viewer, found, ({ name }) => name);
  if (remote !== null && !isSettled)
    mistakes.push(...lacksRole(viewer, 'maintainer', remote.name, 'remoteId'));
  if (remote === null)
    mistakes.push(
      mistake(
        'NOT_FOUND',
        ['remoteId'],
        `There is no remote with the id ${quoteValue(id)}; take one from remotes.`,
      ),
    );
  return remote?.id ?? null;
}
