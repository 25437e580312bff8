import { sql } from 'kysely';
import { expect } from 'vitest';
import { Distribution } from '../../../src/db/schema/distributions.ts';
import { Repository } from '../../../src/db/schema/repositories.ts';
import { kysely } from '../../../src/db/sql.ts';
import { addImage, createSampleRepository } from '../../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../../src/demo/sample-image.ts';
import type { Descriptor } from '../../../src/oci/manifest/descriptor.ts';
import { pull } from '../api/pull.ts';
import type { StageWithApi } from '../sync/stage-with-api.ts';
import { expectFitForPeople } from '../sync/stage.ts';
import type { FakeUpstream } from '../upstream/fake-upstream.ts';
import type { HarnessApi } from '../api/harness-api.ts';
import { createCosignKey } from './real-signatures.ts';
import { answersWithReferrers } from './signed-sample.ts';

export const key = createCosignKey();
export const stranger = createCosignKey();

export type Sign = (repository: SampleRepository, image: Descriptor) => void;

export interface Wish {
  readonly hasReferrers?: boolean;
  readonly hasPolicy?: boolean;
  /** Whether several tenants share the server: logins are on. */
  readonly isShared?: boolean;
  /** Atomic signatures are trusted, and nothing else; looked for in the store, or by the extension of the upstream. */
  readonly atomic?: 'store' | 'extension';
}

let scenes = 0;

export const nothing = { latest: 0, members: 0 };

/** Scenes whose remote pulls through under a policy. */
export function throughScenes(
  given: () => {
    readonly stage: StageWithApi;
    readonly api: HarnessApi;
    readonly shared: HarnessApi;
    readonly policyId: number;
    readonly otherPolicyId: number;
    readonly atomicPolicyId: number;
    readonly store: FakeUpstream;
  },
) {
  /** An empty repository with a policy; its upstream has `v1`, an image that `sign` signs or not. */
  async function openThrough(
    sign: Sign,
    { hasReferrers = true, hasPolicy = true, isShared = false, atomic }: Wish = {},
  ) {
    scenes += 1;
    const repository = createSampleRepository();
    const image = addImage(repository, {
      seed: `verified-${process.pid}-${scenes}`,
      layers: [2_000],
      tag: 'v1',
    });
    sign(repository, image);
    const scene = await given().stage.open({
      repository,
      remote: {
        policy: 'ON_DEMAND',
        maxRetries: 0,
        ...(atomic === 'store' ? { sigstore: given().store.url } : {}),
      },
      ...(hasReferrers ? { upstream: { fallback: answersWithReferrers(repository) } } : {}),
    });
    const { repositoryId } = scene.ids;
    const em = given().stage.harness.em();
    const distribution = await em.findOneOrFail(Distribution, { repositoryId });
    distribution.pullThrough = true;
    await em.flush();
    const setPolicy = () =>
      given()
        .stage.harness.em()
        .nativeUpdate(
          Repository,
          { id: repositoryId },
          { signaturePolicyId: atomic === undefined ? given().policyId : given().atomicPolicyId },
        );
    if (hasPolicy) await setPolicy();
    /** Asks again after a 503: a busy machine needs more time to check signatures than one pull has. */
    const get = async (path: string): Promise<{ status: number; text: string }> => {
      const { status, body } = await pull((isShared ? given().shared : given().api).url, {
        path: `/v2/${distribution.basePath}/${path}`,
      });
      return status === 503 ? get(path) : { status, text: body.toString() };
    };
    return {
      ...scene,
      image,
      get,
      setPolicy,
      layer: (JSON.parse(String(repository.manifests.get(image.digest)?.bytes)) as { layers: Descriptor[] })
        .layers[0]?.digest,
      denied: async (reference: string) => {
        const { status, text } = await get(`manifests/${reference}`);
        expect(status).toBe(403);
        const { errors } = JSON.parse(text) as { errors: { code: string; message: string }[] };
        expect(errors).toMatchObject([{ code: 'DENIED' }]);
        expectFitForPeople(errors[0]?.message ?? '');
        return errors[0]?.message;
      },
      /** What the extension of `/v2/` lists. */
      served: async () => {
        const path = `/extensions/v2/${distribution.basePath}/signatures/${image.digest}`;
        return (await pull(given().api.url, { path })).body.toString();
      },
      /** Versions, and rows of what is in them. */
      kept: async () => {
        const found = await sql<{ latest: number; members: number }>`
        select r.latest, (select count(*) from membership m where m.repository_id = r.id) as members
        from repository r where r.id = ${repositoryId}`.execute(kysely(given().stage.harness.em()));
        return found.rows[0];
      },
    };
  }

  return { openThrough };
}
