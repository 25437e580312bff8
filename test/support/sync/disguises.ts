/** Images and indexes under a type that is not theirs. */
import { addImage, addIndex, addManifest, createSampleRepository } from '../../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../../src/demo/sample-image.ts';
import type { Descriptor } from '../../../src/oci/manifest/descriptor.ts';

/*
 * A document without a mediaType means what those who name it say. One tenant pushes or mirrors the bytes as something else, before
 * another one mirrors the genuine image.
 */

export const foreign = 'application/vnd.acme.thing+json';

let images = 0;

/** An image or index of OCI 1.0, without a mediaType of its own, with all that it is made of. */
export function genuine(kind: 'image' | 'index') {
  images += 1;
  const repository = createSampleRepository();
  const image = addImage(repository, { seed: `genuine-${process.pid}-${images}`, layers: [700, 900] });
  const child = untyped(repository, image);
  if (kind === 'image') {
    repository.tags.set('v1', child.digest);
    return { repository, child, root: child };
  }
  const index = addIndex(repository, {
    manifests: [{ ...child, platform: { os: 'linux', architecture: 'amd64' } }],
  });
  const root = untyped(repository, index);
  repository.tags.set('v1', root.digest);
  return { repository, child, root };
}

function untyped(repository: SampleRepository, { digest, mediaType }: Descriptor): Descriptor {
  const document = JSON.parse(String(repository.manifests.get(digest)?.bytes)) as object;
  repository.manifests.delete(digest);
  return addManifest(repository, { ...document, mediaType: undefined }, mediaType);
}

/** The same bytes, as a registry of somebody else's serves them. */
export function disguised(
  repository: SampleRepository,
  { digest }: Descriptor,
  mediaType: string,
): SampleRepository {
  const manifests = new Map(repository.manifests);
  const document = manifests.get(digest);
  if (document !== undefined) manifests.set(digest, { ...document, mediaType });
  return { ...repository, manifests };
}
