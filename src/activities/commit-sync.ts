import { commitVersion } from '../db/commit-version.ts';
import type { CommitResult } from '../db/commit-version.ts';
import { enterStage } from '../db/start-task.ts';
import type { ActivityDeps } from './deps.ts';
import { readPlatforms } from './read-platforms.ts';

export interface CommitSyncOptions {
  /** Only while this list of tags is the task's: a later attempt may have begun anew. */
  readonly listing?: number;
  readonly signal: AbortSignal;
}

/** Reads image platforms, then publishes the version and ends the task. */
export async function commitSync(
  deps: ActivityDeps,
  taskId: number,
  { listing, signal }: CommitSyncOptions,
): Promise<CommitResult> {
  const em = deps.database.em.fork();
  await enterStage(em, taskId, 'COMMITTING');
  await readPlatforms(deps, taskId, signal);
  signal.throwIfAborted();
  return commitVersion(em, taskId, { listing });
}
