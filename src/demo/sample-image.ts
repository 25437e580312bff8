import type { Descriptor, Platform } from '../oci/manifest/descriptor.ts';
import { digestBytes } from '../oci/digest-bytes.ts';
import type { Digest } from '../oci/digest.ts';
import type { ManifestDocument } from '../oci/manifest/manifest.ts';
import { mediaTypes } from '../oci/manifest/media-type.ts';
import { buildLayer, seededBytes } from './sample-layer.ts';

/** A repository in memory, built by the functions below. Changes are served at once. */
export interface SampleRepository {
  readonly blobs: Map<Digest, Buffer>;
  readonly manifests: Map<Digest, ManifestDocument>;
  readonly tags: Map<string, Digest>;
  /** The digest of the tar, for each layer that was built here. */
  readonly diffIds: Map<Digest, Digest>;
}

export type SampleFormat = 'oci' | 'docker';

export interface SampleImage {
  /** The same seed gives the same image, byte for byte. */
  readonly seed: string;
  /** A number: a new layer with a file of this size. A descriptor: an existing layer. */
  readonly layers: readonly (number | Descriptor)[];
  /** Default `oci`. */
  readonly format?: SampleFormat;
  /** Default linux/amd64. */
  readonly platform?: Platform;
  /** Default 1970-01-01T00:00:00Z; null: the config does not say. */
  readonly created?: string | null;
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly tag?: string;
}

export interface SampleIndex {
  readonly manifests: readonly Descriptor[];
  /** Default `oci`. */
  readonly format?: SampleFormat;
  readonly artifactType?: string;
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly tag?: string;
}

export interface SampleArtifact {
  readonly seed: string;
  /** Default: the config's media type. */
  readonly artifactType?: string;
  /** Default: the empty config, `{}`. Any other type gets a small config with the seed. */
  readonly configMediaType?: string;
  /** Blobs of seeded bytes, in a gzipped tar if the type ends in `+gzip`. */
  readonly layers?: readonly { readonly mediaType: string; readonly sizeBytes: number }[];
  /** The subject of a signature, SBOM or attestation. */
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly tag?: string;
}

export function createSampleRepository(): SampleRepository {
  return { blobs: new Map(), manifests: new Map(), tags: new Map(), diffIds: new Map() };
}

/** Adds any bytes as a blob. */
export function addBlob(repository: SampleRepository, bytes: Buffer, mediaType: string): Descriptor {
  const digest = digestBytes(bytes);
  repository.blobs.set(digest, bytes);
  return { mediaType, digest, size: bytes.length };
}

/** Adds a gzipped tar layer with one file of `sizeBytes` bytes. */
export function addLayer(
  repository: SampleRepository,
  seed: string,
  sizeBytes: number,
  format: SampleFormat = 'oci',
): Descriptor {
  const layer = buildLayer(seed, sizeBytes);
  repository.blobs.set(layer.digest, layer.bytes);
  repository.diffIds.set(layer.digest, layer.diffId);
  return { mediaType: layerType(format), digest: layer.digest, size: layer.bytes.length };
}

/** Adds an image with its blobs. The descriptor has the platform, for an index. */
export function addImage(repository: SampleRepository, image: SampleImage): Descriptor {
  const {
    seed,
    format = 'oci',
    platform = { os: 'linux', architecture: 'amd64' },
    created = '1970-01-01T00:00:00Z',
    subject,
    annotations,
  } = image;
  const layers = image.layers.map((layer, index) =>
    typeof layer === 'number'
      ? addLayer(repository, `${seed}-${index}`, layer, format)
      : isSampleLayer(layer)
        ? { ...layer, mediaType: layerType(format) }
        : layer,
  );
  const config = addBlob(
    repository,
    jsonBytes({
      architecture: platform.architecture,
      ...(platform.variant === undefined ? {} : { variant: platform.variant }),
      os: platform.os,
      ...(created !== null && { created }),
      config: { Cmd: ['/sample'], Labels: { seed } },
      rootfs: {
        type: 'layers',
        diff_ids: layers.map(({ digest }) => repository.diffIds.get(digest) ?? digest),
      },
      history: layers.map((_, index) => ({
        created: '1970-01-01T00:00:00Z',
        created_by: `sample ${seed} ${index}`,
      })),
    }),
    format === 'docker' ? mediaTypes.dockerConfig : mediaTypes.ociConfig,
  );
  const mediaType = format === 'docker' ? mediaTypes.dockerManifest : mediaTypes.ociManifest;
  const document = { schemaVersion: 2, mediaType, config, layers, subject, annotations };
  return { ...addManifest(repository, document, mediaType, image.tag), platform };
}

/** Adds an OCI index or Docker manifest list of existing manifests. */
export function addIndex(repository: SampleRepository, index: SampleIndex): Descriptor {
  const { manifests, artifactType, subject, annotations } = index;
  const mediaType = index.format === 'docker' ? mediaTypes.dockerManifestList : mediaTypes.ociIndex;
  const document = { schemaVersion: 2, mediaType, artifactType, manifests, subject, annotations };
  return addManifest(repository, document, mediaType, index.tag);
}

/** Adds an OCI artifact, such as a Helm chart or a signature; with a subject, it is a referrer. */
export function addArtifact(repository: SampleRepository, artifact: SampleArtifact): Descriptor {
  const { seed, artifactType, configMediaType = mediaTypes.ociEmpty, subject, annotations } = artifact;
  const config = addBlob(
    repository,
    configMediaType === mediaTypes.ociEmpty ? Buffer.from('{}') : jsonBytes({ seed }),
    configMediaType,
  );
  const layers = (artifact.layers ?? []).map(({ mediaType, sizeBytes }, index) => {
    const build = mediaType.endsWith('+gzip') ? gzippedBytes : seededBytes;
    return addBlob(repository, build(`${seed}-${index}`, sizeBytes), mediaType);
  });
  const mediaType = mediaTypes.ociManifest;
  const document = { schemaVersion: 2, mediaType, artifactType, config, layers, subject, annotations };
  const descriptor = addManifest(repository, document, mediaType, artifact.tag);
  return artifactType === undefined ? descriptor : { ...descriptor, artifactType };
}

/** Adds any document as a manifest, even an invalid one. A Buffer is stored byte for byte. */
export function addManifest(
  repository: SampleRepository,
  document: Buffer | object,
  mediaType: string,
  tag?: string,
): Descriptor {
  const bytes = Buffer.isBuffer(document) ? document : jsonBytes(document);
  const digest = digestBytes(bytes);
  repository.manifests.set(digest, { digest, mediaType, bytes });
  if (tag !== undefined) repository.tags.set(tag, digest);
  return { mediaType, digest, size: bytes.length };
}

/** Points a new or existing tag at an existing manifest. */
export function moveTag(
  repository: SampleRepository,
  tag: string,
  { digest }: Pick<Descriptor, 'digest'>,
): void {
  if (!repository.manifests.has(digest))
    throw new Error(`The manifest ${digest} for the tag ${tag} was not found.`);
  repository.tags.set(tag, digest);
}

/** Removes a tag; manifests and blobs stay, as in registries. */
export function removeTag(repository: SampleRepository, tag: string): void {
  if (!repository.tags.delete(tag)) throw new Error(`The tag ${tag} was not found.`);
}

/** The bytes of all blobs. */
export function blobBytes(repository: SampleRepository): number {
  return [...repository.blobs.values()].reduce((sum, blob) => sum + blob.length, 0);
}

function gzippedBytes(seed: string, sizeBytes: number): Buffer {
  return buildLayer(seed, sizeBytes).bytes;
}

function layerType(format: SampleFormat): string {
  return format === 'docker' ? mediaTypes.dockerLayerGzip : mediaTypes.ociLayerGzip;
}

/** A layer in the type of either format. */
function isSampleLayer({ mediaType }: Descriptor): boolean {
  return mediaType === mediaTypes.dockerLayerGzip || mediaType === mediaTypes.ociLayerGzip;
}

function jsonBytes(value: object): Buffer {
  return Buffer.from(JSON.stringify(value, null, 2));
}
