import { addImage, addIndex, createSampleRepository } from '../../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../../src/demo/sample-image.ts';
import type { Descriptor } from '../../../src/oci/manifest/descriptor.ts';
import { createCosignKey, signWithBundle, signWithTag } from '../signatures/real-signatures.ts';
import type { CosignKey } from '../signatures/real-signatures.ts';
import { companionName } from '../signatures/signed-sample.ts';
import type { RegistryProfile } from './profile.ts';

/** What a registry serves in the matrix: images of both formats, an index, and signatures kept as that registry lets clients keep them. */
export interface ProfileContent {
  readonly repository: SampleRepository;
  /** Signed by the tag `sha256-….sig`. */
  readonly signedByTag: Descriptor;
  /** Signed by a referrer, where the registry has a place for its list. */
  readonly signedByReferrer: Descriptor;
  /** Its signature. */
  readonly signature: Descriptor;
  readonly unsigned: Descriptor;
}

/** Signs all that is signed here. */
export const profileKey: CosignKey = createCosignKey();
const key = profileKey;

export function createProfileContent(profile: RegistryProfile, seed: string): ProfileContent {
  const repository = createSampleRepository();
  const image = (name: string, tag: string) =>
    addImage(repository, { seed: `${seed}-${name}`, layers: [900, 1100], tag });
  const signedByTag = image('one', 'v1');
  repository.tags.set('latest', signedByTag.digest);
  const signedByReferrer = image('two', 'v2');
  const unsigned = image('three', 'unsigned');
  addImage(repository, { seed: `${seed}-docker`, layers: [700], format: 'docker', tag: 'v1-docker' });
  const platforms = ['amd64', 'arm64'].map((architecture) =>
    addImage(repository, {
      seed: `${seed}-${architecture}`,
      layers: [500],
      platform: { os: 'linux', architecture },
    }),
  );
  addIndex(repository, { manifests: platforms, tag: 'multi' });
  signWithTag(repository, { image: signedByTag, key });
  const signature =
    profile.referrers.kind === 'phantom'
      ? signWithTag(repository, { image: signedByReferrer, key })
      : signWithBundle(repository, { image: signedByReferrer, key });
  if (profile.referrers.kind === 'fallback-tag' || profile.referrers.kind === 'redirect')
    addIndex(repository, { manifests: [signature], tag: companionName(signedByReferrer) });
  return { repository, signedByTag, signedByReferrer, signature, unsigned };
}
