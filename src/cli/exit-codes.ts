import type { Task } from './progress/task-queries.ts';

/** Exit codes of every command (docs/command-line.md). 130 and 143 are those of the signals. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  /** The sync completed, and some tags could not be synced; of a mirror rule, some repositories. */
  someTagsFailed: 3,
} as const;

export function exitCodeOf({ state, failedTags }: Pick<Task, 'state' | 'failedTags'>): number {
  if (state !== 'COMPLETED') return exitCodes.failed;
  return failedTags > 0 ? exitCodes.someTagsFailed : exitCodes.done;
}
