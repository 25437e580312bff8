/** The sync suite over registries of the clouds. */
import { afterAll, beforeAll, describe } from 'vitest';
import { cloudRegistries } from '../support/profiles/registries.ts';
import { openStageWithApi } from '../support/sync/stage-with-api.ts';
import type { StageWithApi } from '../support/sync/stage-with-api.ts';
import { testRegistry } from './matrix.ts';

let stack: StageWithApi;
beforeAll(async () => {
  stack = await openStageWithApi();
});
afterAll(() => stack?.close());

for (const profile of cloudRegistries) describe(profile.name, () => testRegistry(() => stack, profile));
