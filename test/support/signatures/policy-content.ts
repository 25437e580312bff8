/** Images and what refers to them, signed by a key or not. */
import { addArtifact, addImage, addIndex, createSampleRepository } from '../../../src/demo/sample-image.ts';
import type { Descriptor } from '../../../src/oci/manifest/descriptor.ts';
import { parseManifest } from '../../../src/oci/manifest/manifest-parse.ts';
import { createCosignKey, signWithBundle, signWithTag } from './real-signatures.ts';
import { attach, companionName, signByTag } from './signed-sample.ts';

export const key = createCosignKey();
export const stranger = createCosignKey();
export const content = createSampleRepository();
const seeded = (seed: string, tag?: string, subject?: Descriptor): Descriptor =>
  addImage(content, {
    seed: `pull-${process.pid}-${seed}`,
    layers: [700],
    ...(tag === undefined ? {} : { tag }),
    ...(subject === undefined ? {} : { subject }),
  });
const bare = ({ mediaType, digest, size }: Descriptor): Descriptor => ({ mediaType, digest, size });

export const signed = seeded('signed', 'signed');
export const unsigned = seeded('unsigned', 'unsigned');
export const foreign = seeded('foreign', 'foreign');
export const children = [seeded('amd64'), seeded('arm64')];
export const index = addIndex(content, { manifests: children, tag: 'index' });
export const evil = seeded('evil', 'evil', bare(signed));
export const signature = signWithTag(content, { image: signed, key });
export const indexSignature = signWithBundle(content, { image: index, key });
export const sbom = attach(content, signed, 'application/spdx+json');
signWithTag(content, { image: foreign, key: stranger });
export const byBoth = seeded('both', 'both');
signWithTag(content, { image: byBoth, key });
signWithBundle(content, { image: byBoth, key: stranger });
// unsigned images in all places where what belongs to a signed one is looked for
export const behindFallbackTag = seeded('fallback', companionName(index));
export const behindAttTag = seeded('att', companionName(index, '.att'));
export const listed = seeded('listed', undefined, bare(signed));
export const fallback = addIndex(content, {
  manifests: [bare(sbom), bare(listed)],
  tag: companionName(signed),
});
export const chart = addArtifact(content, {
  seed: 'chart',
  artifactType: 'application/vnd.cncf.helm.config.v1+json',
  layers: [{ mediaType: 'application/vnd.cncf.helm.chart.content.v1.tar+gzip', sizeBytes: 500 }],
  subject: bare(signed),
});
export const attestation = signByTag(content, signed, { suffix: '.att' });
export const ofSbom = attach(content, sbom, 'application/vnd.in-toto+json');

export function blobsOf({ digest, mediaType }: Descriptor): string[] {
  const document = content.manifests.get(digest);
  if (document === undefined) throw new Error(`no ${digest}`);
  const { config, layers } = parseManifest(document.bytes, mediaType);
  return [...(config === undefined ? [] : [config]), ...layers].map((blob) => blob.digest);
}

export async function* chunksOf(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}
