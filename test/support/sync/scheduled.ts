import { Task } from '../../../src/db/schema/tasks.ts';
import { addImage, createSampleRepository } from '../../../src/demo/sample-image.ts';
import { openFakeUpstream } from '../upstream/fake-upstream.ts';
import { sampleAnswers } from '../upstream/sample-answers.ts';
import type { SyncHarness } from './sync-harness.ts';

export const upstreamName = 'library/app';
export const listRoute = `GET /v2/${upstreamName}/tags/list`;

export async function openUpstream() {
  const content = createSampleRepository();
  addImage(content, { seed: 'scheduled', layers: [2_000], tag: 'one' });
  return openFakeUpstream({ fallback: sampleAnswers(content) });
}

export const readTask = (harness: SyncHarness, id: number | null | undefined) =>
  harness.em().findOneOrFail(Task, { id: id ?? 0 });
