import { describe, expect, test } from 'vitest';
import { parseManifest } from '../../src/oci/manifest/manifest-parse.ts';
import { mediaTypes } from '../../src/oci/manifest/media-type.ts';
import { allowStalls } from '../support/watch/allow-stalls.ts';
import {
  hex,
  ociIndex,
  ociManifest,
  dockerManifest,
  config,
  layer,
  image,
  index,
  parse,
  failure,
} from '../support/fixtures/manifest-documents.ts';

allowStalls(10_000, 'the documents are parsed on this thread');
const untyped = (document: object): object => ({ ...document, mediaType: undefined });

const deep = (levels: number): string =>
  JSON.stringify(image).replace('{', `{"x":${'['.repeat(levels)}${']'.repeat(levels)},`);

describe('parseManifest: faults', () => {
  test.each([
    ['manifests and layers', { ...index, layers: [] }],
    ['manifests and config', { ...image, manifests: [] }],
    ['an empty list beside config, without mediaType', untyped({ ...image, manifests: null })],
    ['an image type with manifests alone', { ...index, mediaType: ociManifest }],
    ['an index type with config and layers alone', { ...image, mediaType: ociIndex }],
    ['layers and the fsLayers of schema 1', { ...image, fsLayers: [] }],
    ['a key that differs in case only', { ...image, Layers: [] }],
    ['a descriptor with keys in two cases', { ...image, config: { ...config, Digest: hex('f') } }],
    ['a key with the long s that Go folds', { ...image, layerſ: [] }],
  ])('fault 37: %s is refused as ambiguous', (_name, document) => {
    expect(failure(document)).toMatch(/^MANIFEST_AMBIGUOUS /);
  });

  test('fault 37: the type in the Content-Type counts where the document has none', () => {
    expect(failure(untyped(index), dockerManifest)).toMatch(/^MANIFEST_AMBIGUOUS /);
    expect(failure(untyped(image), ociIndex)).toMatch(/^MANIFEST_AMBIGUOUS /);
  });

  test.each([
    ['an index served as an image', index, ociManifest],
    ['OCI served as Docker', image, dockerManifest],
    ['an image served as an unknown type', image, 'application/vnd.example+json'],
    ['an unknown type served as an image', { ...image, mediaType: 'application/x' }, ociManifest],
  ])('fault 38: mediaType must match the Content-Type: %s', (_name, document, contentType) => {
    expect(failure(document, contentType)).toMatch(/^MEDIA_TYPE_MISMATCH .*but it was served as/);
  });

  test.each([
    ['its own type', image, undefined, ociManifest],
    ['parameters', image, `${ociManifest}; charset=utf-8`, ociManifest],
    ['octet-stream', index, 'application/octet-stream', ociIndex],
    ['text/plain and no mediaType', untyped(index), 'text/plain; charset=utf-8', ociIndex],
    ['application/json and no mediaType', untyped(image), 'application/json', ociManifest],
    ['no Content-Type and no mediaType', untyped(image), undefined, ociManifest],
    ['an empty Content-Type', untyped(image), '', ociManifest],
    [
      'a Docker config and no mediaType',
      untyped({ ...image, config: { ...config, mediaType: mediaTypes.dockerConfig } }),
      'application/octet-stream',
      dockerManifest,
    ],
    ['a type from the Content-Type alone', untyped(image), dockerManifest, dockerManifest],
  ])(
    'fault 39: the type is inferred where it is unambiguous: %s',
    (_name, document, contentType, expected) => {
      expect(parse(document, contentType).mediaType).toBe(expected);
    },
  );

  test('fault 39: a document that says nothing of what it is, is refused', () => {
    expect(failure({ schemaVersion: 2 }, 'application/json')).toMatch(/^MANIFEST_INVALID .*no mediaType/);
  });

  test.each([
    ['signed, by Content-Type', { schemaVersion: 1, fsLayers: [] }, mediaTypes.dockerSchema1Signed],
    ['unsigned, by Content-Type', { schemaVersion: 1 }, mediaTypes.dockerSchema1],
    ['by mediaType', { schemaVersion: 1, mediaType: mediaTypes.dockerSchema1 }, undefined],
    ['by structure', { schemaVersion: 1, name: 'x', fsLayers: [], history: [] }, 'application/json'],
  ])('fault 40: schema 1 has a code of its own: %s', (_name, document, contentType) => {
    expect(failure(document, contentType)).toMatch(/^SCHEMA1_UNSUPPORTED /);
  });

  test.each([
    ['by Content-Type', 'Sign in', 'text/html; charset=utf-8'],
    ['by content, as JSON', '\n <!DOCTYPE html><html>', 'application/json'],
    ['by content, as a manifest', '<html>', ociManifest],
    ['by content, with a byte order mark', '\ufeff<html>', undefined],
  ])('fault 41: a web page is not a registry: %s', (_name, document, contentType) => {
    const message = failure(document, contentType);
    expect(message).toMatch(/^UPSTREAM_NOT_A_REGISTRY /);
    expect(message).not.toMatch(/JSON|Unexpected|offset/);
  });

  test.each([
    ['no JSON', '{"schemaVersion":2,', 'line 1, column 20'],
    ['a byte order mark', `\ufeff${JSON.stringify(image)}`, 'a byte order mark'],
    ['a list', [image], 'a list at its top level'],
    [
      'a key twice',
      '{"config":{},\n"config":{}}',
      '"config" a second time in the same object, at line 2, column 1',
    ],
    ['a key twice, once escaped', '{"config":{},"\\u0063onfig":{}}', 'a second time'],
    ['10,000 levels', deep(10_000), 'nesting deeper than the 64 levels'],
    ['a negative size', { ...image, config: { ...config, size: -1 } }, 'has "-1" at config.size'],
    ['a fractional size', { ...image, layers: [{ ...layer, size: 1.5 }] }, 'has "1.5" at layers[0].size'],
    ['a size in quotes', { ...image, layers: [{ ...layer, size: '1' }] }, 'at layers[0].size'],
    [
      'a size of 2^53',
      JSON.stringify(image).replace(':20}', ':9007199254740992}'),
      'has "9007199254740992" at layers[0].size',
    ],
    [
      'a size that rounds to a whole one',
      JSON.stringify(image).replace(':20}', ':20.00000000000000000001}'),
      'at layers[0].size',
    ],
    ['a size of 1e400', JSON.stringify(image).replace(':20}', ':1e400}'), 'has "1e400" at layers[0].size'],
    ['no size', { ...image, config: { ...config, size: undefined } }, 'has nothing at config.size'],
    ['no config', { ...image, config: undefined }, 'has nothing at config'],
    ['no manifests', { ...index, manifests: undefined }, 'has nothing at manifests'],
    ['layers that are no list', { ...image, layers: { 0: layer } }, 'has an object at layers'],
    ['a layer that is no object', { ...image, layers: [null] }, 'has "null" at layers[0]'],
    [
      'a media type with a line break',
      { ...image, config: { ...config, mediaType: 'a/b\r\nx: y' } },
      'at config.mediaType',
    ],
    ['schemaVersion 3', { ...image, schemaVersion: 3 }, 'at schemaVersion; expected 2'],
  ])('fault 42: %s is refused with its place', (_name, document, place) => {
    const message = failure(document);
    expect(message).toMatch(/^MANIFEST_INVALID /);
    expect(message).toContain(place);
  });

  test('fault 42: bytes that are not UTF-8 are refused', () => {
    const bytes = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}')]);
    expect(() => parseManifest(bytes, ociManifest)).toThrow('is not UTF-8');
  });

  test('fault 42: sizes of 0 and of 2^53-1 are kept exactly', () => {
    const sizes = [0, Number.MAX_SAFE_INTEGER];
    const layers = sizes.map((size) => ({ ...layer, size }));
    expect(parse({ ...image, layers }).layers.map(({ size }) => size)).toEqual(sizes);
  });

  test.each([
    ['sha256:../../etc/passwd', 'DIGEST_INVALID'],
    [hex('A'), 'DIGEST_INVALID'],
    ['sha256:abc', 'DIGEST_INVALID'],
    [`md5:${'a'.repeat(32)}`, 'DIGEST_UNSUPPORTED'],
    [7, 'DIGEST_INVALID'],
  ])('fault 43: the digest %j is refused at its place', (digest, code) => {
    const message = failure({ ...image, layers: [layer, { ...layer, digest }] });
    expect(message.startsWith(`${code} In the manifest at layers[1].digest: `)).toBe(true);
  });

  test('fault 43: sha512 is accepted', () => {
    const digest = `sha512:${'a'.repeat(128)}`;
    expect(parse({ ...image, config: { ...config, digest } }).config?.digest).toBe(digest);
  });
});
