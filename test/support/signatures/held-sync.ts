import { Repository } from '../../../src/db/schema/repositories.ts';
import { SignaturePolicy } from '../../../src/db/schema/signatures.ts';
import type { SignatureFailure } from '../../../src/db/schema/signatures.ts';
import type { Em } from '../../../src/db/open-database.ts';
import { addImage } from '../../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../../src/demo/sample-image.ts';
import type { Descriptor } from '../../../src/oci/manifest/descriptor.ts';
import type { Scene } from '../sync/stage.ts';
import { createCosignKey } from './real-signatures.ts';

export const key = createCosignKey();
let seeds = 0;

export function image(repository: SampleRepository, tag: string): Descriptor {
  seeds += 1;
  return addImage(repository, { seed: `in-force-${process.pid}-${seeds}`, layers: [500], tag });
}

export interface Wish {
  readonly keys: readonly string[] | null;
  readonly onFailure?: SignatureFailure;
  /** Which policy; default: the first. Another one begins at the same revision. */
  readonly name?: string;
}

export async function setPolicy(scene: Scene, wish: Wish, em: Em = scene.harness.em()) {
  const { keys, onFailure = 'SKIP_TAG', name = 'first' } = wish;
  const repository = await em.findOneOrFail(Repository, { id: scene.ids.repositoryId });
  const known = await em.findOne(SignaturePolicy, { name: `${scene.seed}/${name}` });
  const policy =
    known ?? em.create(SignaturePolicy, { name: `${scene.seed}/${name}`, keys: keys ?? [], onFailure });
  if (known !== null && keys !== null) em.assign(known, { keys, revision: known.revision + 1 });
  await em.flush();
  repository.signaturePolicyId = keys === null ? null : policy.id;
  await em.flush();
}
