/** Documents: manifests, descriptors and JSON. */
import { strict as assert } from 'node:assert';
import { readDescriptor } from '../../src/oci/manifest/descriptor-parse.ts';
import { isDigest } from '../../src/oci/digest.ts';
import { isTidemarkError } from '../../src/oci/error.ts';
import { JsonSyntaxError, parseJson } from '../../src/oci/manifest/json-parse.ts';
import type { JsonValue } from '../../src/oci/manifest/json-parse.ts';
import { parseManifest, successors } from '../../src/oci/manifest/manifest-parse.ts';
import type { ParsedManifest } from '../../src/oci/manifest/manifest.ts';
import { parseContentType } from '../../src/oci/manifest/media-type.ts';
import type { FuzzTarget, Outcome } from './target.ts';

export const digest = `sha256:${'a'.repeat(64)}`;
const descriptor = `{"mediaType":"a/b","digest":"${digest}","size":1}`;
const jsonWords = [
  '{', '}', '[', ']', ',', ':', '"', '""', '"a"', '\\', '\\u0041', '\\ud800', '0', '-', '1', 'e', '.', '1e999', '9007199254740993',
  'true', 'false', 'null', ' ', '\t', '\n', '"__proto__"', '[[', '{"a":', ',"a":1', '\ufeff',
]; // prettier-ignore
const manifestWords = [
  ...jsonWords, '"schemaVersion":2', '"mediaType":"', 'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json', '"config":', '"layers":[', '"Layers":[', '"manifests":[', '"subject":', '"ſize":1',
  descriptor, digest, '"platform":{"os":"linux","architecture":"amd64"}', '"urls":["', ';a', '; a', ';version=0.1',
]; // prettier-ignore

/** Only errors of ours may come out of a parser. */
export function expectOurs(outcome: Outcome, ...codes: RegExp[]): unknown {
  if (!('error' in outcome)) return outcome.value;
  const { error } = outcome;
  if (!isTidemarkError(error)) throw error;
  assert(
    codes.length === 0 || codes.some((code) => code.test(error.code)),
    `an error of the code ${error.code}`,
  );
  assert(error.message.length < 2_000, 'a message that repeats its input');
  return undefined;
}
export const manifest: FuzzTarget = {
  name: 'manifest',
  dictionary: manifestWords,
  frames: [
    ['{"schemaVersion":2,"config":' + descriptor + ',"layers":[', ']}'],
    [`{"schemaVersion":2,"manifests":[${descriptor}`, ']}'],
    [
      `{"schemaVersion":2,"config":${descriptor},"layers":[{"digest":"${digest}","size":1,"mediaType":"`,
      '"}]}',
    ],
  ],
  parse: (input) => parseManifest(Buffer.from(input), undefined),
  verify(_input, outcome) {
    const parsed = expectOurs(outcome, /^(?:MANIFEST|DIGEST|SCHEMA1|MEDIA_TYPE|INDEX|UPSTREAM_NOT_A)_/);
    if (parsed !== undefined)
      for (const one of successors(parsed as ParsedManifest))
        assert(isDigest(one.digest) && Number.isSafeInteger(one.size) && one.size >= 0);
  },
};
export const descriptorTarget: FuzzTarget = {
  name: 'descriptor',
  dictionary: manifestWords,
  frames: [
    ['{"digest":"' + digest + '","size":1,"mediaType":"', '"}'],
    ['{"mediaType":"a/b","size":1,"digest":"', '"}'],
    ['{"mediaType":"a/b","digest":"' + digest + '","size":', '}'],
    ['{"mediaType":"a/b","digest":"' + digest + '","size":1,"urls":["', '"]}'],
  ],
  parse: (input) => readDescriptor(parseJson(input), 'x'),
  verify(input, outcome) {
    if ('error' in outcome && outcome.error instanceof JsonSyntaxError) return;
    expectOurs(outcome, /^(?:MANIFEST|DIGEST)_/);
    parseContentType(input);
  },
};
function plain(value: JsonValue): unknown {
  if (value instanceof Map) return new Map([...value].map(([key, entry]) => [key, plain(entry)]));
  if (Array.isArray(value)) return value.map(plain);
  return value !== null && typeof value === 'object' ? Number(value.lexeme) : value;
}
function plainOracle(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plainOracle);
  if (typeof value !== 'object' || value === null) return value;
  return new Map(Object.entries(value).map(([key, entry]) => [key, plainOracle(entry)]));
}
/** Sorted, since JavaScript moves keys that are numbers to the front. */
function byKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(byKeys);
  if (!(value instanceof Map)) return value;
  return [...(value as Map<string, unknown>)]
    .map(([key, entry]) => [key, byKeys(entry)])
    .sort(([left], [right]) => (String(left) < String(right) ? -1 : 1));
}
export const json: FuzzTarget = {
  name: 'json',
  dictionary: jsonWords,
  frames: [
    ['[', ']'],
    ['{"a":[', ']}'],
    ['"', '"'],
  ],
  parse: (input) => parseJson(input),
  verify(input, outcome) {
    let expected: { value: unknown } | undefined;
    try {
      expected = { value: JSON.parse(input) };
    } catch {
      expected = undefined;
    }
    if ('error' in outcome) {
      if (!(outcome.error instanceof JsonSyntaxError)) throw outcome.error;
      if (expected !== undefined)
        assert.match(outcome.error.message, /a second time|nesting deeper|more than/);
      return;
    }
    assert(expected !== undefined, 'accepted what JSON.parse refuses');
    assert.deepEqual(byKeys(plain(outcome.value as JsonValue)), byKeys(plainOracle(expected.value)));
  },
};
