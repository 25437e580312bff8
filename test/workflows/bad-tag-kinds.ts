/** Ways in which a tag is damaged at the upstream, each with its error. */
import { addImage, addIndex } from '../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../src/demo/sample-image.ts';
import { digestBytes } from '../../src/oci/digest-bytes.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/manifest/media-type.ts';
import type { Scene } from '../support/sync/stage.ts';
import { json } from '../support/upstream/fake-upstream.ts';

const { ociManifest, ociIndex, dockerManifest } = mediaTypes;

/** The layers, by the digest of the manifest. */
export function layerOf(repository: SampleRepository, manifest: Digest): Digest {
  const { layers } = JSON.parse(repository.manifests.get(manifest)?.bytes.toString() ?? '') as {
    layers: { digest: Digest }[];
  };
  const [layer] = layers;
  if (layer === undefined) throw new Error('the image has no layer');
  return layer.digest;
}

/** What is served under a tag, as any bytes. */
function serve({ repository }: Damage, tag: string, text: string, mediaType: string): void {
  const bytes = Buffer.from(text);
  const digest = digestBytes(bytes);
  repository.manifests.set(digest, { mediaType, digest, bytes });
  repository.tags.set(tag, digest);
}

interface Damage extends Pick<Scene, 'repository' | 'upstream'> {
  readonly tag: string;
  /** A new image under the tag. */
  readonly image: Digest;
}

/** Damages the image under a tag, and gives the code of the error. */
export const kinds: Readonly<Record<string, readonly [string, (damage: Damage) => void]>> = {
  'layer-404': [
    'CONTENT_UNKNOWN',
    ({ repository, image }) => void repository.blobs.delete(layerOf(repository, image)),
  ],
  'wrong-bytes': [
    'DIGEST_MISMATCH',
    ({ repository, image }) => {
      const layer = layerOf(repository, image);
      repository.blobs.set(layer, Buffer.alloc(repository.blobs.get(layer)?.length ?? 0, 'x'));
    },
  ],
  'child-404': [
    'CHILD_MISSING',
    ({ repository, tag }) => {
      const lost = { mediaType: ociManifest, digest: digestBytes(Buffer.from(tag)), size: 2 };
      addIndex(repository, { manifests: [lost], tag });
    },
  ],
  'broken-json': [
    'MANIFEST_INVALID',
    (damage) =>
      serve(damage, damage.tag, `{"schemaVersion":2,"mediaType":"${ociManifest}","config":`, ociManifest),
  ],
  'other-type': [
    'MEDIA_TYPE_MISMATCH',
    (damage) =>
      serve(
        damage,
        damage.tag,
        `{"schemaVersion":2,"mediaType":"${ociIndex}","manifests":[]}`,
        dockerManifest,
      ),
  ],
  'schema-1': [
    'SCHEMA1_UNSUPPORTED',
    (damage) =>
      serve(
        damage,
        damage.tag,
        '{"schemaVersion":1,"name":"a","tag":"b","fsLayers":[],"history":[]}',
        'application/vnd.docker.distribution.manifest.v1+json',
      ),
  ],
  ...Object.fromEntries(
    [401, 403, 412, 451, 500].map((status) => [
      `refused-${status}`,
      [
        { 401: 'UPSTREAM_AUTH_INVALID', 403: 'UPSTREAM_FORBIDDEN', 500: 'UPSTREAM_UNAVAILABLE' }[status] ??
          'UPSTREAM_UNEXPECTED_STATUS',
        ({ upstream, tag }: Damage) => {
          for (const method of ['GET', 'HEAD'])
            upstream.on(
              `${method} /v2/library/app/manifests/${tag}`,
              json({ errors: [{ code: 'DENIED', message: 'blocked' }] }, {}, status),
            );
        },
      ] as const,
    ]),
  ),
};

export function damageAll({ repository, upstream }: Scene, round: number): void {
  for (const [tag, [, damage]] of Object.entries(kinds)) {
    const { digest: image } = addImage(repository, { seed: `${tag}-${round}`, layers: [500], tag });
    damage({ repository, upstream, tag, image });
  }
}
