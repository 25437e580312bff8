/** Media types that a mirror acts on (image-spec media-types.md; Docker "Image Manifest V 2, Schema 2"); all others are opaque. */
export const mediaTypes = {
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  /** Of image-spec 1.1.0-rc1 to -rc3 only; registries still hold some. Its blobs stand under `blobs`. */
  ociArtifactManifest: 'application/vnd.oci.artifact.manifest.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociEmpty: 'application/vnd.oci.empty.v1+json',
  ociLayer: 'application/vnd.oci.image.layer.v1.tar',
  ociLayerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  ociLayerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  ociForeignLayer: 'application/vnd.oci.image.layer.nondistributable.v1.tar',
  ociForeignLayerGzip: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
  ociForeignLayerZstd: 'application/vnd.oci.image.layer.nondistributable.v1.tar+zstd',
  dockerManifestList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerSchema1: 'application/vnd.docker.distribution.manifest.v1+json',
  dockerSchema1Signed: 'application/vnd.docker.distribution.manifest.v1+prettyjws',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerPluginConfig: 'application/vnd.docker.plugin.v1+json',
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar',
  dockerLayerGzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  dockerForeignLayer: 'application/vnd.docker.image.rootfs.foreign.diff.tar',
  dockerForeignLayerGzip: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
} as const;

const indexTypes = new Set<string>([mediaTypes.ociIndex, mediaTypes.dockerManifestList]);
const imageTypes = new Set<string>([
  mediaTypes.ociManifest,
  mediaTypes.dockerManifest,
  mediaTypes.ociArtifactManifest,
]);
const schema1Types = new Set<string>([mediaTypes.dockerSchema1, mediaTypes.dockerSchema1Signed]);
const foreignLayerTypes = new Set<string>([
  mediaTypes.ociForeignLayer,
  mediaTypes.ociForeignLayerGzip,
  mediaTypes.ociForeignLayerZstd,
  mediaTypes.dockerForeignLayer,
  mediaTypes.dockerForeignLayerGzip,
]);
const compatibleTypes = new Map<string, string>([
  [mediaTypes.ociIndex, mediaTypes.dockerManifestList],
  [mediaTypes.dockerManifestList, mediaTypes.ociIndex],
  [mediaTypes.ociManifest, mediaTypes.dockerManifest],
  [mediaTypes.dockerManifest, mediaTypes.ociManifest],
]);
const imageConfigTypes = new Set<string>([mediaTypes.ociConfig, mediaTypes.dockerConfig]);

/**
 * What to send as `Accept` when a manifest is asked for. Schema 1 comes last: a registry that has nothing else then says
 * so with its Content-Type, where it would answer 404 otherwise, and the tag is left out with the right warning. The
 * wildcard lets manifests of unknown types through.
 */
export const manifestAccept: readonly string[] = [
  mediaTypes.ociIndex,
  mediaTypes.ociManifest,
  mediaTypes.dockerManifestList,
  mediaTypes.dockerManifest,
  mediaTypes.ociArtifactManifest,
  `${mediaTypes.dockerSchema1Signed};q=0.5`,
  `${mediaTypes.dockerSchema1};q=0.5`,
  '*/*;q=0.1',
];

/**
 * The type of the same structure in the other family: OCI's index is Docker's manifest list, OCI's image manifest Docker's schema 2
 * (image-spec, "Compatibility Matrix"). Who reads one reads the other.
 */
export function compatibleType(mediaType: string): string | undefined {
  return compatibleTypes.get(mediaType);
}

/** OCI index or Docker manifest list. */
export function isIndexType(mediaType: string): boolean {
  return indexTypes.has(mediaType);
}

/** OCI or Docker image manifest, or an OCI artifact manifest. */
export function isImageManifestType(mediaType: string): boolean {
  return imageTypes.has(mediaType);
}

/** Docker "Image Manifest V 2, Schema 1", signed or not. */
export function isSchema1Type(mediaType: string): boolean {
  return schema1Types.has(mediaType);
}

/** Whether content of this type is had from `/manifests/`, and not from `/blobs/`, as far as its type tells. */
export function isManifestType(mediaType: string): boolean {
  return isIndexType(mediaType) || isImageManifestType(mediaType) || isSchema1Type(mediaType);
}

const blobTypePattern =
  /^(?:application|binary)\/octet-stream$|[.+-](?:tar|gzip|zstd|gz)(?:$|[.+-])|layer|rootfs|config|vnd\.oci\.empty|in-toto/;

/**
 * Whether an entry of an index is a blob by its type: a layer or config, as BuildKit's cache has them. An entry of a type that says
 * nothing is taken for a manifest, which is opaque.
 */
export function isBlobType(mediaType: string): boolean {
  if (isManifestType(mediaType)) return false;
  return isImageConfigType(mediaType) || blobTypePattern.test(mediaType.slice(0, 255).toLowerCase());
}

/** Foreign (non-distributable) layers: had from the descriptor's `urls`, recorded and not fetched. */
export function isForeignLayerType(mediaType: string): boolean {
  return foreignLayerTypes.has(mediaType);
}

/** The config of a runnable image, which holds its platform; anything else makes the manifest an artifact. */
export function isImageConfigType(mediaType: string): boolean {
  return imageConfigTypes.has(mediaType);
}

/**
 * A Content-Type without its parameters, in lower case (RFC 9110 section 8.3.1); undefined where it names no media type,
 * as an empty header does.
 */
export function parseContentType(contentType: string | undefined): string | undefined {
  const essence = contentType?.split(';', 1)[0]?.trim().toLowerCase();
  return essence !== undefined && isMediaType(essence) ? essence : undefined;
}

/** `type/subtype` (RFC 6838 section 4.2), without parameters. */
export function isMediaType(text: string): boolean {
  return text.length <= 255 && /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/i.test(text);
}

/** Types that servers use when they do not know better; what the document is must come from the document. */
export function isGenericType(mediaType: string): boolean {
  return /^(?:(?:application|binary)\/octet-stream|text\/plain|(?:application|text)\/json)$/.test(mediaType);
}
