import { isSignatureArtifact } from './companion-tag.ts';
import { invalid, readDescriptor, readText, refuseCaseVariants, toPlatform } from './descriptor-parse.ts';
import type { Descriptor, Platform } from './descriptor.ts';
import { TidemarkError, quoteValue } from './error.ts';
import { JsonSyntaxError, parseJson } from './json-parse.ts';
import type { JsonObject, JsonValue } from './json-parse.ts';
import type { ParsedManifest } from './manifest.ts';
import {
  isGenericType,
  isImageConfigType,
  isImageManifestType,
  isIndexType,
  isMediaType,
  isSchema1Type,
  mediaTypes,
  parseContentType,
} from './media-type.ts';

export interface ParseManifestOptions {
  /** Most entries allowed in `manifests`, and in `layers`; default 10,000. */
  readonly maxDescriptors?: number;
}

/** Read caps of FAULTS.md, "Lessons". */
export const configMaxBytes = 4 * 1024 * 1024;

const rootKeys = [
  'schemaVersion',
  'mediaType',
  'artifactType',
  'config',
  'layers',
  'blobs',
  'manifests',
  'subject',
];

/**
 * Reads a manifest (image-spec manifest.md and image-index.md, Docker Manifest V2 Schema 2). What it is comes from its
 * `mediaType`, else from the Content-Type, else, where that is absent or generic, from its structure. A document of any
 * other type is `unknown`: opaque, without successors.
 * @throws TidemarkError `MANIFEST_INVALID`, `MANIFEST_AMBIGUOUS` (several readings), `MEDIA_TYPE_MISMATCH` (`mediaType` is
 * not the Content-Type), `SCHEMA1_UNSUPPORTED` (to be left out with a warning), `UPSTREAM_NOT_A_REGISTRY` (a web page),
 * `INDEX_TOO_LARGE`, `DIGEST_INVALID`, `DIGEST_UNSUPPORTED`.
 */
export function parseManifest(
  bytes: Uint8Array,
  contentType: string | undefined,
  options: ParseManifestOptions = {},
): ParsedManifest {
  const served = parseContentType(contentType);
  refuseWebPage(bytes, served);
  if (served !== undefined && isSchema1Type(served)) throw schema1(served);
  const declared = served === undefined || isGenericType(served) ? undefined : served;
  if (declared !== undefined && !isIndexType(declared) && !isImageManifestType(declared))
    return parseUnknown(bytes, declared);

  const root = parseRoot(bytes);
  const own = readText(root, 'mediaType', '');
  if (own !== undefined && !isMediaType(own)) throw invalid('mediaType', own, 'a media type');
  refuseMismatch(own, declared);
  const known = declared ?? own;
  if (known !== undefined && isSchema1Type(known)) throw schema1(known);
  if (known !== undefined && !isIndexType(known) && !isImageManifestType(known)) return opaque(known);
  refuseCaseVariants(root, rootKeys, '');
  refuseAmbiguity(root, known);
  const mediaType = known ?? inferType(root);
  const version = root.get('schemaVersion') ?? 2;
  if (version !== 2 && mediaType !== mediaTypes.ociArtifactManifest)
    throw invalid('schemaVersion', version, '2');
  const maxDescriptors = options.maxDescriptors ?? 10_000;
  return isIndexType(mediaType)
    ? readIndex(root, mediaType, maxDescriptors)
    : readImage(root, mediaType, maxDescriptors);
}

/** What a manifest points at, in the order `[subject?, config?, ...layers, ...manifests]`; repeated entries stay. */
export function successors(parsed: ParsedManifest): Descriptor[] {
  return [
    ...(parsed.subject === undefined ? [] : [parsed.subject]),
    ...(parsed.config === undefined ? [] : [parsed.config]),
    ...parsed.layers,
    ...parsed.manifests,
  ];
}

/** The platform in an image config blob (image-spec, config.md); undefined where it holds none. Never throws. */
export function parseConfigPlatform(bytes: Uint8Array): Platform | undefined {
  if (bytes.byteLength > configMaxBytes) return undefined;
  try {
    const config: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (typeof config !== 'object' || config === null) return undefined;
    const { os, architecture, variant } = config as Record<string, unknown>;
    return toPlatform({ os, architecture, variant });
  } catch {
    return undefined;
  }
}

function parseRoot(bytes: Uint8Array): JsonObject {
  const text = decodeText(bytes);
  let value: JsonValue;
  try {
    value = parseJson(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw new TidemarkError('MANIFEST_INVALID', `The manifest is not valid JSON: ${error.message}.`);
  }
  if (!(value instanceof Map)) throw invalid('its top level', value, 'an object');
  return value;
}

function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new TidemarkError(
      'MANIFEST_INVALID',
      `The manifest of ${bytes.byteLength} bytes is not UTF-8; expected JSON (RFC 8259, section 8.1).`,
    );
  }
}

/** A type that we do not know is kept byte for byte, JSON or not; only a `mediaType` that contradicts it counts. */
function parseUnknown(bytes: Uint8Array, declared: string): ParsedManifest {
  let own: string | undefined;
  try {
    own = readText(parseRoot(bytes), 'mediaType', '');
  } catch {
    return opaque(declared);
  }
  refuseMismatch(own, declared);
  return opaque(own ?? declared);
}

function opaque(mediaType: string): ParsedManifest {
  return { kind: 'unknown', mediaType, layers: [], manifests: [] };
}

function readIndex(root: JsonObject, mediaType: string, maxDescriptors: number): ParsedManifest {
  const artifactType = readText(root, 'artifactType', '');
  const subject = readSubject(root, mediaType);
  return {
    kind: 'index',
    mediaType,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(subject === undefined ? {} : { subject }),
    layers: [],
    manifests: readList(root, 'manifests', maxDescriptors),
  };
}

function readImage(root: JsonObject, mediaType: string, maxDescriptors: number): ParsedManifest {
  const isArtifact = mediaType === mediaTypes.ociArtifactManifest;
  const config = isArtifact ? undefined : readDescriptor(root.get('config'), 'config');
  const artifactType = readText(root, 'artifactType', '') ?? configArtifactType(mediaType, config);
  const subject = readSubject(root, mediaType);
  return {
    kind: 'image',
    mediaType,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(subject === undefined ? {} : { subject, ...readSigning(root, artifactType) }),
    ...(config === undefined ? {} : { config }),
    layers: readList(root, isArtifact ? 'blobs' : 'layers', maxDescriptors),
    manifests: [],
  };
}

function readSigning(root: JsonObject, artifactType: string | undefined): { isSignature?: true } {
  const annotations = root.get('annotations');
  const isSignature = isSignatureArtifact(artifactType, annotations instanceof Map ? annotations : new Map());
  return isSignature ? { isSignature } : {};
}

/** distribution-spec, "Listing Referrers": without `artifactType`, the config's media type stands for it. */
function configArtifactType(mediaType: string, config: Descriptor | undefined): string | undefined {
  if (config === undefined || isImageConfigType(config.mediaType)) return undefined;
  // Docker 1.10 pushed image configs as octet-stream.
  if (mediaType === mediaTypes.dockerManifest && config.mediaType === 'application/octet-stream')
    return undefined;
  return config.mediaType;
}

/** Docker's formats have no `subject`; what stands there means nothing to any client. */
function readSubject(root: JsonObject, mediaType: string): Descriptor | undefined {
  const value = root.get('subject') ?? null;
  if (value === null || mediaType === mediaTypes.dockerManifest) return undefined;
  return mediaType === mediaTypes.dockerManifestList ? undefined : readDescriptor(value, 'subject');
}

function readList(root: JsonObject, key: string, maxDescriptors: number): Descriptor[] {
  const value = root.get(key) ?? null;
  // Go writes an empty list as null; absent layers are an artifact's, and absent `manifests` no index at all.
  if (value === null && (root.has(key) || key !== 'manifests')) return [];
  if (!Array.isArray(value)) throw invalid(key, root.get(key), 'a list of descriptors');
  if (value.length > maxDescriptors)
    throw new TidemarkError(
      'INDEX_TOO_LARGE',
      `The manifest lists ${value.length} descriptors in ${key}; at most ${maxDescriptors} are accepted. ` +
        'Raise the limit on this server if this content is wanted.',
    );
  return value.map((entry, index) => readDescriptor(entry, `${key}[${index}]`));
}

/** For a document without a type of its own, served as nothing in particular (OCI 1.0 let `mediaType` out). */
function inferType(root: JsonObject): string {
  if (root.has('manifests')) return mediaTypes.ociIndex;
  const config = root.get('config');
  if (config instanceof Map)
    return config.get('mediaType') === mediaTypes.dockerConfig
      ? mediaTypes.dockerManifest
      : mediaTypes.ociManifest;
  if (root.get('schemaVersion') === 1 || root.has('fsLayers')) throw schema1('without a mediaType');
  throw new TidemarkError(
    'MANIFEST_INVALID',
    'The document has no mediaType, its Content-Type says nothing, and neither manifests nor config stands in it; ' +
      'expected an image manifest or an index.',
  );
}

/** One document must not be an index to one client and an image to another (CVE-2021-41190); presence alone counts. */
function refuseAmbiguity(root: JsonObject, known: string | undefined): void {
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
function refuseMismatch(own: string | undefined, declared: string | undefined): void {
  if (own === undefined || declared === undefined || own.toLowerCase() === declared) return;
  throw new TidemarkError(
    'MEDIA_TYPE_MISMATCH',
    `The manifest's mediaType is ${quoteValue(own)}, but it was served as ${quoteValue(declared)}; expected both to be ` +
      'the same. Push it again with its own type, or ask who runs the upstream.',
  );
}

function schema1(mediaType: string): TidemarkError {
  return new TidemarkError(
    'SCHEMA1_UNSUPPORTED',
    `The manifest is a Docker schema 1 manifest (${mediaType}), which is not mirrored and never converted. ` +
      'Push the image again with a current client.',
  );
}

/** A captive portal or a login page answers 200 to everything. */
function refuseWebPage(bytes: Uint8Array, served: string | undefined): void {
  const isMarkup = served === 'text/html' || served === 'application/xhtml+xml';
  const start = new TextDecoder().decode(bytes.subarray(0, 64)).trimStart();
  if (!isMarkup && !start.startsWith('<')) return;
  throw new TidemarkError(
    'UPSTREAM_NOT_A_REGISTRY',
    `A web page (Content-Type ${served ?? 'absent'}) came where a manifest was expected. Check the remote's URL, and ` +
      'whether a proxy or a login page stands between this server and the registry.',
  );
}
