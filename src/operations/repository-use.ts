import { findOpenTaskId } from '../db/reads/read-repositories.ts';
import type { Repository } from '../db/schema/repositories.ts';
import type { Em } from '../db/open-database.ts';
import { quoteValue } from '../oci/error.ts';
import { toGlobalId } from './global-id.ts';
import { listNames, mistake } from './mistakes.ts';
import type { Mistake } from './mistakes.ts';

/** The running task that keeps a repository from being deleted or detached. */
export async function findTaskUse(em: Em, row: Repository): Promise<Mistake[]> {
  const taskId = await findOpenTaskId(em, row.id);
  if (taskId === undefined) return [];
  return [
    mistake(
      'IN_USE',
      ['id'],
      `The repository ${quoteValue(row.name)} is used by the task ${toGlobalId('Task', taskId)}; wait until it has ended, or cancel it.`,
    ),
  ];
}

export function scheduled(row: Repository, scheduleId: number): Mistake {
  return mistake(
    'IN_USE',
    ['id'],
    `The repository ${quoteValue(row.name)} is synced by the schedule ${toGlobalId('Schedule', scheduleId)}; delete the schedule first.`,
  );
}

export function servedAt(
  row: Repository,
  { basePaths, count }: { readonly basePaths: readonly string[]; readonly count: number },
): Mistake {
  return mistake(
    'IN_USE',
    ['id'],
    `The repository ${quoteValue(row.name)} is served by the distributions ${listNames(basePaths, count)}; delete them, or point them elsewhere.`,
  );
}
