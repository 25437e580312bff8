import { addImage, createSampleRepository } from '../../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../../src/demo/sample-image.ts';
import type { Digest } from '../../../src/oci/digest.ts';
import { openFakeUpstream } from './fake-upstream.ts';
import type { FakeUpstream } from './fake-upstream.ts';
import { sampleAnswers } from './sample-answers.ts';
import type { StageWithApi } from '../sync/stage-with-api.ts';
import { toGlobalId } from '../../../src/operations/global-id.ts';
import type { Scene } from '../sync/stage.ts';

export const mirrorName = 'copies/app';

export interface Pair extends Scene {
  readonly fallback: FakeUpstream;
  /** What the fallback serves, under its own name. */
  readonly copy: SampleRepository;
}

export function addTag(
  { seed }: Pick<Scene, 'seed'>,
  repository: SampleRepository,
  tag: string,
  edition = '',
): Digest {
  return addImage(repository, { seed: `${seed}-${tag}${edition}`, layers: [3_000], tag }).digest;
}

interface Upstream {
  readonly url: string;
  readonly upstreamName: string;
  readonly isFallback: boolean;
  readonly hasList: boolean;
  readonly manifests: number;
  readonly blobs: number;
  readonly bytes: number;
}

/** Scenes of an upstream and its fallback. */
export function pairScenes(given: () => { readonly stage: StageWithApi; readonly opened: FakeUpstream[] }) {
  /** An upstream and its fallback, with the same content at first. */
  async function openPair(tags: readonly string[] = ['v1']): Promise<Pair> {
    const repository = createSampleRepository();
    const copy = createSampleRepository();
    const fallback = await openFakeUpstream({ fallback: sampleAnswers(copy) });
    given().opened.push(fallback);
    const fallbacks = [{ url: fallback.url, upstreamName: mirrorName }];
    const scene = await given().stage.open({ repository, remote: { fallbacks, maxRetries: 0 } });
    for (const tag of tags) for (const place of [repository, copy]) addTag(scene, place, tag);
    return { ...scene, fallback, copy };
  }

  async function upstreamsOf(taskId: number): Promise<readonly Upstream[]> {
    const { task } = await given().stage.api.data(
      'query ($id: ID!) { task(id: $id) { upstreams { url upstreamName isFallback hasList manifests blobs bytes } } }',
      { id: toGlobalId('Task', taskId) },
    );
    return task.upstreams;
  }

  return { openPair, upstreamsOf };
}
