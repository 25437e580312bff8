/** The sync suite over registries of the clouds. */
import { afterAll, beforeAll, describe } from 'vitest';
import { startHarnessApi } from '../support/api/harness-api.ts';
import { cloudRegistries } from '../support/profiles/registries.ts';
import { startSyncHarness } from '../support/sync/sync-harness.ts';
import { testRegistry } from './matrix.ts';
import type { Stack } from './matrix.ts';

let stack: Stack;
beforeAll(async () => {
  const harness = await startSyncHarness();
  stack = { harness, api: await startHarnessApi(harness) };
});
afterAll(async () => {
  await stack?.api.close();
  await stack?.harness.close();
});

for (const profile of cloudRegistries) describe(profile.name, () => testRegistry(() => stack, profile));
