import { startHarnessApi } from './harness-api.ts';
import type { HarnessApi } from './harness-api.ts';
import type { SyncHarness } from '../sync/sync-harness.ts';

export interface ApiOverHarness extends Omit<HarnessApi, 'graphql'> {
  /** `data`, of an answer without errors. */
  // the tests know what they asked for
  // oxlint-disable-next-line typescript/no-explicit-any
  graphql(query: string, variables?: object): Promise<any>;
}

/** The API over what a harness syncs, for tests of answers without errors. */
export async function openApiOver(harness: SyncHarness): Promise<ApiOverHarness> {
  const api = await startHarnessApi(harness);
  return {
    ...api,
    async graphql(query, variables = {}) {
      const { text } = await api.graphql(query, variables);
      const { data, errors } = JSON.parse(text) as { data: unknown; errors?: unknown };
      if (errors !== undefined) throw new Error(JSON.stringify(errors));
      return data;
    },
  };
}
