import { isSignatureArtifact } from '../signatures/companion-tag.ts';
import { invalid, readDescriptor, readText, refuseCaseVariants, toPlatform } from './descriptor-parse.ts';
import type { Descriptor, Platform } from './descriptor.ts';
import { TidemarkError } from '../error.ts';
import { JsonSyntaxError, parseJson } from './json-parse.ts';
import type { JsonObject, JsonValue } from './json-parse.ts';
import type { ParsedManifest } from './manifest.ts';
import {
  isContradicted,
  inferType,
  isReadType,
  refuseAmbiguity,
  refuseMismatch,
  refuseWebPage,
  schema1,
  specificType,
  structureOf,
} from './manifest-type.ts';
import {
  isBlobType,
  isImageConfigType,
  isIndexType,
  isMediaType,
  isSchema1Type,
  mediaTypes,
  parseContentType,
} from './media-type.ts';

export interface ParseManifestOptions {
  /** Most entries allowed in `manifests`, and in `layers`; default 10,000. */
  readonly maxDescriptors?: number;
  /**
   * The media type of the descriptor in the index that lists it. It takes the place of the Content-Type, whatever that is: what an index
   * means must not depend on who serves its children.
   */
  readonly listedAs?: string | undefined;
}

/** Read limits (docs/faults.md). */
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
 * Reads a manifest (image-spec manifest.md and image-index.md, Docker Manifest V2 Schema 2). Its type is its own `mediaType`, else the one
 * under which an index lists it, else the Content-Type, else, where that is absent or generic, it follows from its structure. A document
 * of any other type is `unknown`: opaque, without successors.
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
  const answered = specificType(served);
  const listed = specificType(parseContentType(options.listedAs));
  const stated = listed ?? answered;
  const root = stated === undefined || isReadType(stated) ? parseRoot(bytes) : tryParseRoot(bytes);
  const own = root === undefined ? undefined : readOwnType(root, stated);
  refuseMismatch(own, answered);
  const outside =
    listed !== undefined && root !== undefined && isContradicted(root, listed) ? undefined : stated;
  const mediaType = own ?? outside;
  if (mediaType !== undefined && isSchema1Type(mediaType)) throw schema1(mediaType);
  const isTyped = own === undefined ? {} : ({ isTyped: true } as const);
  if (mediaType !== undefined && !isReadType(mediaType)) return { ...opaque(mediaType, root), ...isTyped };
  if (root === undefined) throw new Error('a type that is read has a document');
  return { ...readKnown(root, mediaType, options), ...isTyped };
}

function readKnown(
  root: JsonObject,
  known: string | undefined,
  options: ParseManifestOptions,
): ParsedManifest {
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

/** The entries of an index that are manifests, and those that are blobs by their types. */
export function indexEntries({ manifests }: Pick<ParsedManifest, 'manifests'>): {
  readonly manifests: readonly Descriptor[];
  readonly blobs: readonly Descriptor[];
} {
  return {
    manifests: manifests.filter(({ mediaType }) => !isBlobType(mediaType)),
    blobs: manifests.filter(({ mediaType }) => isBlobType(mediaType)),
  };
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

/** A document of a type that we do not know need not be JSON. */
function tryParseRoot(bytes: Uint8Array): JsonObject | undefined {
  try {
    return parseRoot(bytes);
  } catch {
    return undefined;
  }
}

/** In lower case. In a document of a type that we do not know, what cannot be read there means nothing. */
function readOwnType(root: JsonObject, stated: string | undefined): string | undefined {
  try {
    const own = readText(root, 'mediaType', '');
    if (own !== undefined && !isMediaType(own)) throw invalid('mediaType', own, 'a media type');
    return own?.toLowerCase();
  } catch (error) {
    if (stated === undefined || isReadType(stated)) throw error;
    return undefined;
  }
}

/** A type that we do not know is kept byte for byte, JSON or not. */
function opaque(mediaType: string, root: JsonObject | undefined): ParsedManifest {
  const looksLike = root === undefined ? undefined : structureOf(root);
  return {
    kind: 'unknown',
    mediaType,
    ...(looksLike === undefined ? {} : { looksLike }),
    layers: [],
    manifests: [],
  };
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
