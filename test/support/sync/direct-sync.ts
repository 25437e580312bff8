/** Syncs without Temporal: the steps of the workflow in its order, on a real database and a real port. Some 50 ms each, for thousands of them. */
import { randomUUID } from 'node:crypto';
import { createLooks } from '../../../src/activities/look/create-looks.ts';
import { createSyncContexts } from '../../../src/activities/sync/sync-context.ts';
import { shareClients } from '../../../src/activities/sync/share-clients.ts';
import { beginSync } from '../../../src/activities/sync/begin-sync.ts';
import { commitSync } from '../../../src/activities/sync/commit-sync.ts';
import type { ActivityDeps } from '../../../src/activities/deps.ts';
import { isThrottle } from '../../../src/upstream/error-kinds.ts';
import { fetchBlobs } from '../../../src/activities/sync/fetch-blobs.ts';
import { fetchSignatures } from '../../../src/activities/companions/fetch-signatures.ts';
import { createLimiter } from '../../../src/upstream/limiter.ts';
import type { SyncContext } from '../../../src/activities/sync/sync-context.ts';
import { verifySelected } from '../../../src/activities/sync/verify-selected.ts';
import { createBlobLocks } from '../../../src/db/content/blob-lock.ts';
import { startTask } from '../../../src/db/tasks/start-task.ts';
import { recordUnchanged } from '../../../src/db/look/record-unchanged.ts';
import { readSettledSyncs } from '../../../src/db/look/settled-syncs.ts';
import { createSyncTask, finishTask } from '../../../src/db/tasks/tasks.ts';
import { isTidemarkError } from '../../../src/oci/error.ts';
import { openRegistry } from '../../../src/registry/client.ts';
import type { ClientSettings } from '../../../src/registry/requester.ts';
import { runStages } from '../../../src/workflows/sync-stages.ts';
import type { SyncHarness } from './sync-harness.ts';

export interface DirectSync {
  /**
   * @param options `stages`: without the look before them, as after a first attempt that was cut off.
   * @returns the code of the error that ended it; undefined where it completed.
   */
  run(
    ids: { repositoryId: number; remoteId: number },
    mirror: boolean,
    options?: { readonly stages: true },
  ): Promise<string | undefined>;
  /** Whether the look before the syncs of these schedules, which are due together, finds that nothing has changed. */
  look(...scheduleIds: readonly number[]): Promise<boolean>;
  close(): Promise<void>;
}

const otherStages = {
  walkTags: () => Promise.reject(new Error('a direct sync has few tags and no digests')),
  finishDryRun: () => Promise.reject(new Error('a direct sync is no dry run')),
};
const faultsAtMost = 3;
const throttlesAtMost = 200;

/** `settings`: of the clients, read when one is opened. */
export function openDirectSync(harness: SyncHarness, settings: ClientSettings = {}): DirectSync {
  const { database, store, secrets, credentials } = harness;
  const blobLocks = createBlobLocks(harness.databaseUrl);
  let aheadMs = 0;
  const deps: ActivityDeps = {
    ...harness.activityOptions,
    database,
    store,
    secrets,
    credentials,
    blobLocks,
    connections: createLimiter(64),
    openRegistry: (options) => openRegistry(options, { retryBaseMs: 0.1, ...settings }),
    throttleClock: {
      aheadMs: () => aheadMs,
      delayMs: (waitMs) => {
        aheadMs += waitMs + 1;
        return 1;
      },
    },
  };
  const shared = shareClients(deps);
  const contexts = createSyncContexts(deps, shared);
  const looks = createLooks(deps, shared);
  const { signal } = new AbortController();

  async function copy(sync: SyncContext, listing: number): Promise<void> {
    const { taskId } = sync;
    let progress = await beginSync(deps, sync, listing, { signal, online: signal });
    while ('next' in progress)
      progress = await runStages(progress, {
        onlySmall: false,
        enter: async () => undefined,
        steps: {
          fetchBlobs: async ({ batches, downloadConcurrency: concurrency }) => {
            for (let batch = 0; batch < batches; batch += 1)
              await fetchBlobs(deps, sync, { batch, concurrency }, signal);
          },
          fetchSignatures: ({ manifestsToAsk: to, downloadConcurrency: concurrency }) =>
            fetchSignatures(deps, sync, { part: 0, from: 0, to, concurrency }, signal),
          verifySelected: () => verifySelected(deps, taskId, signal),
          commitSync: () => commitSync(deps, taskId, { signal }),
          ...otherStages,
        },
      });
  }

  return {
    async run(ids, mirror, options) {
      const wish = { mirror, confirmRemoval: true, dryRun: false };
      const { task } = await createSyncTask(harness.em(), { ...ids, arguments: wish });
      await startTask(harness.em(), task.id, deps);
      let faults = 0;
      for (let attempt = options?.stages === true ? 2 : 1; ; attempt += 1)
        try {
          await contexts.use(task.id, (sync) => copy(sync, attempt), { lists: true });
          return undefined;
        } catch (error) {
          if (!isTidemarkError(error)) throw error;
          if (!isThrottle(error)) faults += 1;
          if (error.retryable && faults < faultsAtMost && attempt < throttlesAtMost) continue;
          const { code, message } = error;
          await finishTask(harness.em(), task.id, { state: 'FAILED', code, message });
          return code;
        }
    },
    async look(...scheduleIds) {
      const settled = await readSettledSyncs(harness.em(), scheduleIds);
      const unchanged = await looks.look(settled, () => undefined, signal);
      const moment = { specification: '', workflowRunId: randomUUID(), dueAt: new Date().toISOString() };
      await recordUnchanged(harness.em(), moment, unchanged);
      return unchanged.length === scheduleIds.length;
    },
    async close() {
      await looks.close();
      await contexts.close();
      await shared.announced.close();
      await blobLocks.close();
    },
  };
}
