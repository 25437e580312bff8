import { expect } from 'vitest';
import { addBlob, addManifest } from '../../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../../src/demo/sample-image.ts';
import type { Descriptor } from '../../../src/oci/manifest/descriptor.ts';
import { mediaTypes } from '../../../src/oci/manifest/media-type.ts';
import { pull } from '../api/pull.ts';
import type { StageWithApi } from './stage-with-api.ts';
import type { Scene } from './stage.ts';
import type { HarnessApi } from '../api/harness-api.ts';

export let made = 0;
export const unique = (text: string) => Buffer.from(`${text} ${process.pid} ${(made += 1)}`);

interface ImageParts {
  readonly config?: object;
  readonly layers: readonly object[];
}

export function addParts(repository: SampleRepository, { config, layers }: ImageParts): Descriptor {
  const ownConfig =
    config ?? addBlob(repository, unique('{"os":"linux","architecture":"amd64"}'), mediaTypes.ociConfig);
  const document = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config: ownConfig, layers };
  return addManifest(repository, document, mediaTypes.ociManifest, 'v1');
}

export async function expectSynced(scene: Scene, warnings: readonly unknown[] = []): Promise<void> {
  const outcome = await scene.sync();
  const { task } = outcome;
  expect({ state: task.state, message: task.errorMessage, warnings: outcome.warnings }).toEqual({
    state: 'COMPLETED',
    message: null,
    warnings,
  });
}

/** Steps of tests of what a version has, and from where. */
export function contentSteps(given: () => { readonly stage: StageWithApi; readonly api: HarnessApi }) {
  async function readBlob(scene: Scene, digest: string): Promise<Buffer | number> {
    const answer = await pull(given().api.url, { path: `/v2/${scene.name}/blobs/${digest}` });
    return answer.status === 200 ? answer.body : answer.status;
  }

  return { readBlob };
}
