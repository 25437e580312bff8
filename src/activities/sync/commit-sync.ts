import { commitVersion } from '../../db/versions/commit-version.ts';
import type { CommitResult } from '../../db/versions/commit-version.ts';
import { logTaskEnded } from '../../db/tasks/task-log.ts';
import { enterStage } from '../../db/tasks/start-task.ts';
import { isTidemarkError } from '../../oci/error.ts';
import type { ActivityDeps } from '../deps.ts';
import { readPlatforms } from '../../upstream/read-platforms.ts';
import { warnOfFailedTags } from './fail-tags.ts';
import { verifySelected } from './verify-selected.ts';

export interface CommitSyncOptions {
  /** Refuse the commit unless this is the task's list of tags, because a later attempt may have begun. */
  readonly listing?: number;
  readonly signal: AbortSignal;
}

/** Only a runaway program changes a policy more often during one commit. */
const policyChanges = 10;

/**
 * Reads image platforms, then publishes the version and ends the task. The stage is verified again first when the policy in force is not
 * the one that it was verified by.
 * @throws TidemarkError as `commitVersion` and `verifySelected` do
 */
export async function commitSync(
  deps: ActivityDeps,
  taskId: number,
  { listing, signal }: CommitSyncOptions,
): Promise<CommitResult> {
  const em = deps.database.em.fork();
  await enterStage(em, taskId, 'COMMITTING');
  await warnOfFailedTags(em, taskId);
  await readPlatforms(deps, taskId, signal);
  for (let changes = 0; ; changes += 1) {
    signal.throwIfAborted();
    try {
      const committed = await commitVersion(em, taskId, { listing });
      await logTaskEnded(em, deps.logger, taskId);
      return committed;
    } catch (error) {
      const isChanged = isTidemarkError(error) && error.code === 'SIGNATURE_POLICY_CHANGED';
      if (!isChanged || changes === policyChanges) throw error;
    }
    await verifySelected(deps, taskId, signal);
  }
}
