/** An index that is signed, with its image. */
import { addImage, addIndex, createSampleRepository } from '../../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../../src/demo/sample-image.ts';
import type { Descriptor } from '../../../src/oci/manifest/descriptor.ts';

let seeds = 0;

export interface Signed {
  readonly repository: SampleRepository;
  readonly image: Descriptor;
  readonly index: Descriptor;
  readonly child: Descriptor;
  readonly other: Descriptor;
}

/** Tags v1 (an image), multi (an index of two), and other. */
export function sample(): Signed {
  const repository = createSampleRepository();
  seeds += 1;
  const seed = `companions-${process.pid}-${seeds}`;
  const image = addImage(repository, { seed, layers: [1000], tag: 'v1' });
  const children = ['amd64', 'arm64'].map((architecture) =>
    addImage(repository, {
      seed: `${seed}-${architecture}`,
      layers: [900],
      platform: { os: 'linux', architecture },
    }),
  );
  const index = addIndex(repository, { manifests: children, tag: 'multi' });
  const other = addImage(repository, { seed: `${seed}-other`, layers: [800], tag: 'other' });
  return { repository, image, index, child: children[0] ?? image, other };
}

/** The second child of the index, which the samples do not name. */
export function isSibling({ repository, index, child }: Signed, digest: string): boolean {
  const document = repository.manifests.get(index.digest);
  const listed = JSON.parse(document?.bytes.toString() ?? '{}') as { manifests: { digest: string }[] };
  return digest !== child.digest && listed.manifests.some((entry) => entry.digest === digest);
}
