import { TidemarkError, quoteValue } from '../error.ts';
import type { JsonObject } from './json-parse.ts';
import { isGenericType, isImageManifestType, isIndexType, isSchema1Type, mediaTypes } from './media-type.ts';

/* Which of the types that are read a document is, and what is refused before it is read. */

/** Types whose documents are parsed; all others are opaque. */
export function isReadType(mediaType: string): boolean {
  return isIndexType(mediaType) || isImageManifestType(mediaType);
}

/** Undefined for generic types. @throws TidemarkError `SCHEMA1_UNSUPPORTED` */
export function specificType(mediaType: string | undefined): string | undefined {
  if (mediaType !== undefined && isSchema1Type(mediaType)) throw schema1(mediaType);
  return mediaType === undefined || isGenericType(mediaType) ? undefined : mediaType;
}

/** The kind by the keys. The presence of one key decides for some clients (CVE-2021-41190). */
export function structureOf(root: JsonObject): 'index' | 'image' | undefined {
  if (root.has('manifests')) return 'index';
  return root.has('config') || root.has('layers') ? 'image' : undefined;
}

/** Whether type and structure contradict each other. */
export function isContradicted(root: JsonObject, mediaType: string): boolean {
  const structure = structureOf(root);
  if (structure === undefined || !isReadType(mediaType)) return false;
  return isIndexType(mediaType) !== (structure === 'index');
}

/** For a document without `mediaType`, as in OCI 1.0, and with a generic Content-Type. */
export function inferType(root: JsonObject): string {
  if (root.has('manifests')) return mediaTypes.ociIndex;
  const config = root.get('config');
  if (config instanceof Map)
    return config.get('mediaType') === mediaTypes.dockerConfig
      ? mediaTypes.dockerManifest
      : mediaTypes.ociManifest;
  if (root.get('schemaVersion') === 1 || root.has('fsLayers')) throw schema1('without a mediaType');
  throw new TidemarkError(
    'MANIFEST_INVALID',
    'The document has no mediaType, a generic Content-Type, and neither manifests nor config; ' +
      'expected an image manifest or an index.',
  );
}

/** A document must not be an index to one client and an image to another (CVE-2021-41190). */
export function refuseAmbiguity(root: JsonObject, known: string | undefined): void {
  const index = ['manifests'].filter((key) => root.has(key));
  const image = ['config', 'layers', 'blobs'].filter((key) => root.has(key));
  const schemaOne = ['fsLayers'].filter((key) => root.has(key));
  const readings = [index, image, schemaOne].filter((keys) => keys.length > 0);
  const contradicts =
    known !== undefined &&
    (isIndexType(known) ? image.length + schemaOne.length : index.length + schemaOne.length) > 0;
  if (readings.length <= 1 && !contradicts) return;
  throw new TidemarkError(
    'MANIFEST_AMBIGUOUS',
    `The manifest${known === undefined ? '' : ` of type ${quoteValue(known)}`} has ${readings.flat().join(', ')}; ` +
      'expected manifests for an index, or config and layers for an image. Rebuild it: clients disagree on what it is.',
  );
}

/** image-spec, manifest.md: `mediaType`, when present, must be the Content-Type. */
export function refuseMismatch(own: string | undefined, declared: string | undefined): void {
  if (own === undefined || declared === undefined || own === declared) return;
  throw new TidemarkError(
    'MEDIA_TYPE_MISMATCH',
    `The manifest's mediaType is ${quoteValue(own)}, but it was served as ${quoteValue(declared)}; expected both to be ` +
      'the same. Push it again with its own type, or ask who runs the upstream.',
  );
}

export function schema1(mediaType: string): TidemarkError {
  return new TidemarkError(
    'SCHEMA1_UNSUPPORTED',
    `The manifest is a Docker schema 1 manifest (${mediaType}), which is not mirrored and never converted. ` +
      'Push the image again with a current client.',
  );
}

/** Captive portals and login pages answer 200 to every request. */
export function refuseWebPage(bytes: Uint8Array, served: string | undefined): void {
  const isMarkup = served === 'text/html' || served === 'application/xhtml+xml';
  const start = new TextDecoder().decode(bytes.subarray(0, 64)).trimStart();
  if (!isMarkup && !start.startsWith('<')) return;
  throw new TidemarkError(
    'UPSTREAM_NOT_A_REGISTRY',
    `A web page (Content-Type ${served ?? 'absent'}) was received instead of a manifest. Check the remote's URL, and ` +
      'whether a proxy or a login page stands between this server and the registry.',
  );
}
