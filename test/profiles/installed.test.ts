/** The sync suite over registries that people install. */
import { afterAll, beforeAll, describe } from 'vitest';
import { installedRegistries } from '../support/profiles/registries.ts';
import { openStageWithApi } from '../support/sync/stage-with-api.ts';
import type { StageWithApi } from '../support/sync/stage-with-api.ts';
import { testRegistry } from './matrix.ts';

let stack: StageWithApi;
beforeAll(async () => {
  stack = await openStageWithApi();
});
afterAll(() => stack?.close());

for (const profile of installedRegistries) describe(profile.name, () => testRegistry(() => stack, profile));
