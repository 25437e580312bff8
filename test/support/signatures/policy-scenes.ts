import { Remote } from '../../../src/db/schema/remotes.ts';
import { Repository } from '../../../src/db/schema/repositories.ts';
import { SignaturePolicy } from '../../../src/db/schema/signatures.ts';
import type { SignatureFailure } from '../../../src/db/schema/signatures.ts';
import type { SampleRepository } from '../../../src/demo/sample-image.ts';
import type { Scene, Stage } from '../sync/stage.ts';
import { createCosignKey } from './real-signatures.ts';
import { answersWithReferrers } from './signed-sample.ts';

export const key = createCosignKey();
export const stranger = createCosignKey();

interface Wish {
  readonly on?: 'repository' | 'remote';
  readonly onFailure?: SignatureFailure;
  readonly policy?: Partial<SignaturePolicy>;
  readonly remote?: Partial<Remote>;
}

export async function tagsOf({ harness, ids }: Scene, version: number): Promise<Record<string, string>> {
  return Object.fromEntries(await harness.tags(ids.repositoryId, version));
}

/** Scenes under a signature policy. */
export function policyScenes(given: () => { readonly stage: Stage }) {
  async function open(
    repository: SampleRepository,
    { on = 'repository', onFailure = 'SKIP_TAG', ...wish }: Wish = {},
  ): Promise<Scene> {
    const scene = await given().stage.open({
      repository,
      upstream: { fallback: answersWithReferrers(repository) },
      ...(wish.remote === undefined ? {} : { remote: wish.remote }),
    });
    const em = scene.harness.em();
    const policy = em.create(SignaturePolicy, {
      name: scene.seed,
      keys: [key.pem],
      onFailure,
      ...wish.policy,
    });
    await em.flush();
    const user =
      on === 'remote'
        ? await em.findOneOrFail(Remote, { id: scene.ids.remoteId })
        : await em.findOneOrFail(Repository, { id: scene.ids.repositoryId });
    user.signaturePolicyId = policy.id;
    await em.flush();
    return scene;
  }

  return { open };
}
