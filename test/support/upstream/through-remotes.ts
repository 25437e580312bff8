import { Distribution } from '../../../src/db/schema/distributions.ts';
import { Repository } from '../../../src/db/schema/repositories.ts';
import type { Remote } from '../../../src/db/schema/remotes.ts';
import { addImage, addIndex, createSampleRepository } from '../../../src/demo/sample-image.ts';
import type { Digest } from '../../../src/oci/digest.ts';
import { toGlobalId } from '../../../src/operations/global-id.ts';
import { pull } from '../api/pull.ts';
import type { StageWithApi } from '../sync/stage-with-api.ts';
import type { HarnessApi } from '../api/harness-api.ts';

let scenes = 0;

/** Scenes whose remote pulls through. */
export function throughRemotes(given: () => { readonly stage: StageWithApi; readonly api: HarnessApi }) {
  /** An empty repository at its own name; its upstream has `v1`, an image, and `multi`, an index of two. */
  async function openThrough(remote: Partial<Remote> = {}) {
    scenes += 1;
    const repository = createSampleRepository();
    const seed = `through-${process.pid}-${scenes}`;
    const image = addImage(repository, { seed, layers: [2_000, 300_000], tag: 'v1' });
    const children = ['amd64', 'arm64'].map((architecture) =>
      addImage(repository, {
        seed: `${seed}-${architecture}`,
        layers: [1_000],
        platform: { os: 'linux', architecture },
      }),
    );
    const index = addIndex(repository, { manifests: children, tag: 'multi' });
    const scene = await given().stage.open({ repository, remote: { policy: 'ON_DEMAND', ...remote } });
    const em = scene.harness.em();
    const distribution = await em.findOneOrFail(Distribution, { repositoryId: scene.ids.repositoryId });
    distribution.pullThrough = true;
    await em.flush();
    const name = distribution.basePath;
    const document = JSON.parse(String(repository.manifests.get(image.digest)?.bytes)) as {
      layers: { digest: Digest }[];
    };
    return {
      ...scene,
      name,
      image,
      index,
      children,
      layers: document.layers.map(({ digest }) => digest),
      distributionId: toGlobalId('Distribution', distribution.id),
      manifest: (reference: string, method = 'GET') =>
        pull(given().api.url, { method, path: `/v2/${name}/manifests/${reference}` }),
      blob: (digest: Digest) => pull(given().api.url, { path: `/v2/${name}/blobs/${digest}` }),
      asked: (part: string) => scene.upstream.requests.filter(({ path }) => path.includes(part)).length,
      versions: async () =>
        (await sqlVersions(scene.ids.repositoryId)).map(({ tags }) => Object.keys(tags).sort()),
    };
  }

  /** Without a look at the blobs: they are not stored. */
  async function sqlVersions(repositoryId: number): Promise<{ readonly tags: Record<string, string> }[]> {
    const { latest } = await given().stage.harness.em().findOneOrFail(Repository, { id: repositoryId });
    return Promise.all(
      Array.from({ length: latest }, async (_, index) => ({
        tags: Object.fromEntries(await given().stage.harness.tags(repositoryId, index + 1)),
      })),
    );
  }

  return { openThrough, sqlVersions };
}
