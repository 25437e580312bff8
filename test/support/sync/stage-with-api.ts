import { startHarnessApi } from '../api/harness-api.ts';
import type { HarnessApiOptions } from '../api/harness-api.ts';
import { openStage } from './stage.ts';
import type { SyncHarnessOptions } from './harness-options.ts';

export type StageWithApi = Awaited<ReturnType<typeof openStageWithApi>>;

/** A stage, and the API over its harness. */
export async function openStageWithApi(options: SyncHarnessOptions & HarnessApiOptions = {}) {
  const stage = await openStage(options);
  const api = await startHarnessApi(stage.harness, options);
  return {
    ...stage,
    api,
    async close(): Promise<void> {
      await api.close();
      await stage.close();
    },
  };
}
