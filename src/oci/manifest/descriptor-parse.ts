import type { Descriptor, Platform } from './descriptor.ts';
import { isDigest, parseDigest } from '../digest.ts';
import type { Digest } from '../digest.ts';
import { TidemarkError, isTidemarkError, quoteValue } from '../error.ts';
import type { JsonObject, JsonValue } from './json-parse.ts';

const descriptorKeys = ['mediaType', 'digest', 'size', 'urls', 'artifactType', 'platform'];
const platformPattern = /^[\x21-\x7e]{1,128}$/;

/**
 * Parses a descriptor (image-spec, descriptor.md), with one of its annotations. `where` is its place in the document, such as `layers[3]`.
 * @throws TidemarkError `MANIFEST_INVALID`, `MANIFEST_AMBIGUOUS`, or as `parseDigest`, each with the place.
 */
export function readDescriptor(value: JsonValue | undefined, where: string): Descriptor {
  if (!(value instanceof Map)) throw invalid(where, value, 'a descriptor, that is an object');
  refuseCaseVariants(value, descriptorKeys, where);
  const artifactType = readText(value, 'artifactType', where);
  const urls = readUrls(value.get('urls'), `${where}.urls`);
  const platform = readPlatform(value.get('platform'));
  return {
    mediaType: readMediaType(value.get('mediaType'), `${where}.mediaType`),
    digest: readDigest(value.get('digest'), `${where}.digest`),
    size: readSize(value.get('size'), `${where}.size`),
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(urls === undefined ? {} : { urls }),
    ...(platform === undefined ? {} : { platform }),
    ...(typeof value.get('data') === 'string' ? { hasData: true as const } : {}),
    ...readAnnotated(value.get('annotations')),
  };
}

/** Refuses a key that differs from a known one only in case: Go's JSON parser accepts `Layers` for `layers`, others do not. */
export function refuseCaseVariants(object: JsonObject, known: readonly string[], where: string): void {
  const longest = Math.max(...known.map((key) => key.length));
  for (const key of object.keys()) {
    // Case folding never shortens a text.
    if (key.length > longest || known.includes(key)) continue;
    const folded = foldCase(key);
    const expected = known.find((other) => foldCase(other) === folded);
    if (expected !== undefined)
      throw new TidemarkError(
        'MANIFEST_AMBIGUOUS',
        `${where === '' ? 'The manifest' : where} has the key ${quoteValue(key)}, which some clients read as ` +
          `${quoteValue(expected)} and others ignore. Rebuild it with a tool that follows the specification.`,
      );
  }
}

/** As Go's encoding/json: upper case first, so that U+017F and U+212A fold too. */
function foldCase(key: string): string {
  return key.toUpperCase().toLowerCase();
}

/** A string of at most 255 printable ASCII characters; undefined if it is absent, null or empty. */
export function readText(object: JsonObject, key: string, where: string): string | undefined {
  const value = object.get(key);
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'string' && value.length <= 255 && /^[\x20-\x7e]+$/.test(value)) return value;
  const place = where === '' ? key : `${where}.${key}`;
  throw invalid(place, value, 'a string of at most 255 printable ASCII characters');
}

function readMediaType(value: JsonValue | undefined, where: string): string {
  // Parameters are allowed: older Sigstore bundles have `;version=0.1`.
  if (
    typeof value === 'string' &&
    value.length <= 255 &&
    value.split('; ').every((part) => /^[\x21-\x7e]+$/.test(part))
  )
    return value;
  throw invalid(where, value, 'a media type such as application/vnd.oci.image.layer.v1.tar+gzip');
}

function readDigest(value: JsonValue | undefined, where: string): Digest {
  try {
    return parseDigest(value);
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    throw new TidemarkError(error.code, `In the manifest at ${where}: ${error.message}`, { cause: error });
  }
}

function readSize(value: JsonValue | undefined, where: string): number {
  if (typeof value === 'number' && value >= 0) return Math.abs(value);
  throw invalid(where, value, 'a whole number of bytes from 0 to 9007199254740991 (2^53-1)');
}

function readUrls(value: JsonValue | undefined, where: string): readonly string[] | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) throw invalid(where, value, 'a list of URLs');
  const urls = value.map((url, index) => {
    if (typeof url === 'string' && url.length <= 4096 && /^[\x21-\x7e]+$/.test(url)) return url;
    throw invalid(`${where}[${index}]`, url, 'a URL of at most 4096 printable ASCII characters');
  });
  return urls.length === 0 ? undefined : urls;
}

/** An unreadable platform does not refuse the content: clients skip such entries. */
function readPlatform(value: JsonValue | undefined): Platform | undefined {
  if (!(value instanceof Map)) return undefined;
  return toPlatform({
    os: value.get('os'),
    architecture: value.get('architecture'),
    variant: value.get('variant'),
  });
}

/** Other annotations, and one that is no digest, are for people. */
function readAnnotated(annotations: JsonValue | undefined): { annotates?: Digest } {
  const annotated = annotations instanceof Map ? annotations.get('vnd.docker.reference.digest') : undefined;
  return isDigest(annotated) ? { annotates: annotated } : {};
}

/** Undefined unless `os` and `architecture` are valid strings. */
export function toPlatform(parts: {
  os: unknown;
  architecture: unknown;
  variant: unknown;
}): Platform | undefined {
  const { os, architecture, variant } = parts;
  if (!isPlatformText(os) || !isPlatformText(architecture)) return undefined;
  return isPlatformText(variant) ? { os, architecture, variant } : { os, architecture };
}

function isPlatformText(value: unknown): value is string {
  return typeof value === 'string' && platformPattern.test(value);
}

/** `MANIFEST_INVALID` for the value at a place of the document. */
export function invalid(where: string, value: JsonValue | undefined, expected: string): TidemarkError {
  return new TidemarkError(
    'MANIFEST_INVALID',
    `The manifest has ${describe(value)} at ${where}; expected ${expected}.`,
  );
}

function describe(value: JsonValue | undefined): string {
  if (value === undefined) return 'nothing';
  if (value instanceof Map) return 'an object';
  if (Array.isArray(value)) return 'a list';
  return value !== null && typeof value === 'object' ? quoteValue(value.lexeme) : quoteValue(value);
}
