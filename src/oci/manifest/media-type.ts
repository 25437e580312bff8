/** The media types that a mirror knows (image-spec media-types.md; Docker "Image Manifest V 2, Schema 2"); others are opaque. */
export const mediaTypes = {
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  /** Only in image-spec 1.1.0-rc1 to -rc3; its blobs are in `blobs`. */
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
 * The `Accept` of manifest requests. With schema 1 at its end, a registry answers such a manifest instead of 404, and the tag is skipped with the
 * right warning. The wildcard allows unknown types.
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
 * The equivalent type of the other family: OCI's index is Docker's manifest list, OCI's image manifest is Docker's schema 2 (image-spec,
 * "Compatibility Matrix").
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

/** Whether content of this type is at `/manifests/` rather than `/blobs/`. */
export function isManifestType(mediaType: string): boolean {
  return isIndexType(mediaType) || isImageManifestType(mediaType) || isSchema1Type(mediaType);
}

const blobTypePattern =
  /^(?:application|binary)\/octet-stream$|[.+-](?:tar|gzip|zstd|gz)(?:$|[.+-])|layer|rootfs|config|vnd\.oci\.empty|in-toto/;

/** Whether an entry of an index is a blob by its type: a layer or config, as in BuildKit's cache. Unknown types are opaque manifests. */
export function isBlobType(mediaType: string): boolean {
  if (isManifestType(mediaType)) return false;
  return isImageConfigType(mediaType) || blobTypePattern.test(mediaType.slice(0, 255).toLowerCase());
}

/** Foreign (non-distributable) layers, which the descriptor's `urls` locate. */
export function isForeignLayerType(mediaType: string): boolean {
  return foreignLayerTypes.has(mediaType);
}

/** The config of a runnable image, with its platform. Any other config type makes an artifact. */
export function isImageConfigType(mediaType: string): boolean {
  return imageConfigTypes.has(mediaType);
}

/** A Content-Type without parameters, in lower case (RFC 9110 section 8.3.1); undefined if it is no media type. */
export function parseContentType(contentType: string | undefined): string | undefined {
  const essence = contentType?.split(';', 1)[0]?.trim().toLowerCase();
  return essence !== undefined && isMediaType(essence) ? essence : undefined;
}

/** `type/subtype` (RFC 6838 section 4.2), without parameters. */
export function isMediaType(text: string): boolean {
  return text.length <= 255 && /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/i.test(text);
}

/** Types of servers that do not know the type; the document decides. */
export function isGenericType(mediaType: string): boolean {
  return /^(?:(?:application|binary)\/octet-stream|text\/plain|(?:application|text)\/json)$/.test(mediaType);
}
