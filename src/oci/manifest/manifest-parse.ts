import { invalid, readText, refuseCaseVariants, toPlatform } from './descriptor-parse.ts';
import type { Descriptor, Platform } from './descriptor.ts';
import { TidemarkError } from '../error.ts';
import { JsonSyntaxError, parseJson } from './json-parse.ts';
import type { JsonObject, JsonValue } from './json-parse.ts';
import { readImage, readIndex } from './manifest-body.ts';
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
  isIndexType,
  isMediaType,
  isSchema1Type,
  mediaTypes,
  parseContentType,
} from './media-type.ts';

export interface ParseManifestOptions {
  /** The maximum of entries in `manifests` and in `layers`; default 10,000. */
  readonly maxDescriptors?: number;
  /** The media type in the descriptor of the listing index. It overrides the Content-Type: an index must not depend on who serves its children. */
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
 * Parses a manifest (image-spec manifest.md and image-index.md, Docker Manifest V2 Schema 2). Its type is its own `mediaType`, else that of the
 * listing index, else the Content-Type. If that is absent or generic, the structure decides. A document of any other type is `unknown`: opaque,
 * without successors.
 * @throws TidemarkError `MANIFEST_INVALID`, `MANIFEST_AMBIGUOUS` (several readings), `MEDIA_TYPE_MISMATCH` (`mediaType` differs from the
 * Content-Type), `SCHEMA1_UNSUPPORTED` (skipped with a warning), `UPSTREAM_NOT_A_REGISTRY` (a web page),
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
  if (root === undefined) throw new Error('A document of a known type was not parsed.');
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

/** The entries of an index, divided into manifests and blobs by their types. */
export function indexEntries({ manifests }: Pick<ParsedManifest, 'manifests'>): {
  readonly manifests: readonly Descriptor[];
  readonly blobs: readonly Descriptor[];
} {
  return {
    manifests: manifests.filter(({ mediaType }) => !isBlobType(mediaType)),
    blobs: manifests.filter(({ mediaType }) => isBlobType(mediaType)),
  };
}

/** All descriptors of a manifest, in the order `[subject?, config?, ...layers, ...manifests]`, with repetitions. */
export function successors(parsed: ParsedManifest): Descriptor[] {
  return [
    ...(parsed.subject === undefined ? [] : [parsed.subject]),
    ...(parsed.config === undefined ? [] : [parsed.config]),
    ...parsed.layers,
    ...parsed.manifests,
  ];
}

/** The platform in an image config (image-spec, config.md), if there is one. Never throws. */
export function parseConfigPlatform(bytes: Uint8Array): Platform | undefined {
  const { os, architecture, variant } = parseConfig(bytes);
  try {
    return toPlatform({ os, architecture, variant });
  } catch {
    return undefined;
  }
}

/** When an image was created, by its config (image-spec, config.md: an RFC 3339 time), if it says so. Never throws. */
export function parseConfigCreated(bytes: Uint8Array): Date | undefined {
  const { created } = parseConfig(bytes);
  if (typeof created !== 'string' || !/^\d{4}-\d\d-\d\dT/.test(created)) return undefined;
  const time = new Date(created);
  return Number.isNaN(time.getTime()) ? undefined : time;
}

function parseConfig(bytes: Uint8Array): Record<string, unknown> {
  if (bytes.byteLength > configMaxBytes) return {};
  try {
    const config: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return typeof config === 'object' && config !== null ? (config as Record<string, unknown>) : {};
  } catch {
    return {};
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

/** A document of an unknown type need not be JSON. */
function tryParseRoot(bytes: Uint8Array): JsonObject | undefined {
  try {
    return parseRoot(bytes);
  } catch {
    return undefined;
  }
}

/** In lower case. An invalid value in a document of an unknown type is ignored. */
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

/** A document of an unknown type is kept byte for byte. */
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
