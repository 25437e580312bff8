import { describe, expect, test } from 'vitest';
import { isTidemarkError } from '../../src/oci/error.ts';
import { parseConfigPlatform, parseManifest, successors } from '../../src/oci/manifest/manifest-parse.ts';
import { mediaTypes } from '../../src/oci/manifest/media-type.ts';
import type { ParsedManifest } from '../../src/oci/manifest/manifest.ts';
import { allowStalls } from '../support/watch/allow-stalls.ts';

allowStalls(10_000, 'the documents are parsed on this thread');

const hex = (letter: string): string => `sha256:${letter.repeat(64)}`;
const { ociIndex, ociManifest, dockerManifest, dockerManifestList, ociConfig, ociLayerGzip } = mediaTypes;

const config = { mediaType: ociConfig, digest: hex('c'), size: 10 };
const layer = { mediaType: ociLayerGzip, digest: hex('a'), size: 20 };
const child = {
  mediaType: ociManifest,
  digest: hex('d'),
  size: 30,
  platform: { os: 'linux', architecture: 'arm64', variant: 'v8', 'os.version': '1' },
};
const image = { schemaVersion: 2, mediaType: ociManifest, config, layers: [layer] };
const index = { schemaVersion: 2, mediaType: ociIndex, manifests: [child] };
const untyped = (document: object): object => ({ ...document, mediaType: undefined });

function parse(document: unknown, contentType?: string): ParsedManifest {
  const text = typeof document === 'string' ? document : JSON.stringify(document);
  return parseManifest(Buffer.from(text), contentType);
}

/** The error's code and message as one line; the parsed manifest where nothing was thrown, so that the test fails readably. */
function failure(document: unknown, contentType?: string): string {
  try {
    return `parsed: ${JSON.stringify(parse(document, contentType)).slice(0, 200)}`;
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    return `${error.code} ${error.message}`;
  }
}

describe('parseManifest: what is read', () => {
  test('successors are subject, config, layers in order and manifests; a layer named twice stays twice', () => {
    const subject = { mediaType: ociManifest, digest: hex('e'), size: 5 };
    const parsed = parse({ ...image, subject, layers: [layer, layer] }, ociManifest);
    expect(successors(parsed).map(({ digest }) => digest)).toEqual([hex('e'), hex('c'), hex('a'), hex('a')]);
    expect(successors(parse(index, ociIndex))).toEqual(parse(index, ociIndex).manifests);
  });

  test('a platform is read from a descriptor, by what a mirror uses of it', () => {
    expect(parse(index).manifests[0]?.platform).toEqual({
      os: 'linux',
      architecture: 'arm64',
      variant: 'v8',
    });
  });

  test('a platform that makes no sense is left out and does not refuse the index', () => {
    const odd = { ...index, manifests: [{ ...child, platform: { os: '', architecture: 7 } }] };
    expect(parse(odd).manifests[0]).not.toHaveProperty('platform');
  });

  test.each([
    ['artifactType as written', { ...image, artifactType: 'a/b' }, 'a/b'],
    ['none for an image', image, undefined],
    ['the config media type for an artifact', { ...image, config: { ...config, mediaType: 'x/y' } }, 'x/y'],
    ['an index by its own', { ...index, artifactType: 'a/b' }, 'a/b'],
    [
      'none for an image of Docker 1.10',
      {
        ...image,
        mediaType: dockerManifest,
        config: { ...config, mediaType: 'application/octet-stream' },
      },
      undefined,
    ],
  ])('artifactType: %s', (_name, document, expected) => {
    expect(parse(document).artifactType).toBe(expected);
  });

  test('Docker formats have no subject', () => {
    const subject = { mediaType: ociManifest, digest: hex('e'), size: 5 };
    expect(parse({ ...image, mediaType: dockerManifest, subject })).not.toHaveProperty('subject');
    expect(parse({ ...index, mediaType: dockerManifestList, subject })).not.toHaveProperty('subject');
  });

  test('the blobs of an OCI artifact manifest (1.1 release candidates) are its layers', () => {
    const document = { mediaType: mediaTypes.ociArtifactManifest, artifactType: 'a/b', blobs: [layer] };
    expect(parse(document)).toMatchObject({ kind: 'image', artifactType: 'a/b', layers: [layer] });
  });

  test('null stands for an empty list, as Go writes it', () => {
    expect(parse({ ...image, layers: null }).layers).toEqual([]);
    expect(parse({ ...index, manifests: null }).manifests).toEqual([]);
  });
});

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

  const deep = (levels: number): string =>
    JSON.stringify(image).replace('{', `{"x":${'['.repeat(levels)}${']'.repeat(levels)},`);

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

  test('fault 44: fault 46: 10,000 children are accepted, one more is not, and the cap can be set', () => {
    const children = Array.from({ length: 10_001 }, () => child);
    expect(parse({ ...index, manifests: children.slice(1) }).manifests).toHaveLength(10_000);
    expect(failure({ ...index, manifests: children })).toMatch(/^INDEX_TOO_LARGE .*10001 .*at most 10000/);
    const two = Buffer.from(JSON.stringify({ ...index, manifests: [child, child] }));
    expect(() => parseManifest(two, ociIndex, { maxDescriptors: 1 })).toThrow('at most 1 are accepted');
  });

  test('fault 46: a child of an unknown media type is a child like any other', () => {
    const mediaType = 'application/vnd.example.thing.v7+cbor';
    expect(parse({ ...index, manifests: [{ ...child, mediaType }] }).manifests[0]?.mediaType).toBe(mediaType);
  });

  test.each([
    ['a Helm chart', 'application/vnd.cncf.helm.config.v1+json'],
    ['WASM', 'application/vnd.wasm.config.v0+json'],
    ['an encrypted layer', 'application/vnd.oci.image.layer.v1.tar+gzip+encrypted'],
    ['a type with a parameter', 'application/vnd.dev.sigstore.bundle+json;version=0.1'],
  ])('fault 47: unknown config and layer types are taken as they are: %s', (_name, mediaType) => {
    const parsed = parse({ ...image, config: { ...config, mediaType }, layers: [{ ...layer, mediaType }] });
    expect(parsed).toMatchObject({ kind: 'image', config: { mediaType }, layers: [{ mediaType }] });
  });

  test.each([
    [
      'by Content-Type, though it is no JSON',
      '\u0000\u0001',
      'application/vnd.example',
      'application/vnd.example',
    ],
    [
      'by mediaType',
      { mediaType: 'application/vnd.example', manifests: [], layers: [] },
      'application/json',
      'application/vnd.example',
    ],
  ])('fault 47: a manifest of an unknown type is opaque: %s', (_name, document, contentType, mediaType) => {
    const parsed = parse(document, contentType);
    expect(parsed).toMatchObject({ kind: 'unknown', mediaType, layers: [], manifests: [] });
    expect(successors(parsed)).toEqual([]);
  });

  test.each([
    [
      'its own mediaType',
      { ...image, mediaType: ociManifest },
      mediaTypes.dockerManifest,
      ociManifest,
      ociManifest,
    ],
    [
      'the index',
      { ...image, mediaType: undefined },
      mediaTypes.dockerManifest,
      ociManifest,
      mediaTypes.dockerManifest,
    ],
    [
      'the index, though served as anything',
      { ...image, mediaType: undefined },
      ociManifest,
      'application/x',
      ociManifest,
    ],
    [
      'its structure, where the index cannot be right',
      { ...image, mediaType: undefined },
      ociIndex,
      'application/x',
      ociManifest,
    ],
    [
      'the Content-Type, where the index says nothing',
      { ...image, mediaType: undefined },
      undefined,
      mediaTypes.dockerManifest,
      mediaTypes.dockerManifest,
    ],
  ])('a child of an index is what %s says', (_name, document, listedAs, contentType, mediaType) => {
    const bytes = Buffer.from(JSON.stringify(document));
    const parsed = parseManifest(bytes, contentType, { listedAs });
    expect(parsed).toMatchObject({ kind: 'image', mediaType });
    expect(parsed.isTyped).toBe(document.mediaType === undefined ? undefined : true);
  });

  test.each([
    ['index', { manifests: [] }],
    ['image', { layers: [] }],
    ['image', { config: {} }],
    [undefined, { anything: [] }],
  ])('of an opaque document, the structure is told: %s', (looksLike, document) => {
    expect(parse(document, 'application/vnd.example').looksLike).toBe(looksLike);
  });

  test('fault 48: a foreign layer keeps its urls', () => {
    const urls = ['https://example.com/layer'];
    const foreign = { ...layer, mediaType: mediaTypes.dockerForeignLayerGzip, urls };
    expect(parse({ ...image, layers: [foreign] }).layers[0]).toEqual(foreign);
    expect(failure({ ...image, layers: [{ ...foreign, urls: ['a\nb'] }] })).toContain('at layers[0].urls[0]');
  });

  test('fault 49: no layers, a blob of no bytes and the same layer 100 times are accepted', () => {
    const empty = { ...layer, size: 0 };
    expect(parse({ ...image, layers: [] }).layers).toEqual([]);
    expect(parse({ ...image, layers: Array.from({ length: 100 }, () => empty) }).layers).toHaveLength(100);
  });

  test('fault 49: of inline data it is told that it is there; data that does not match changes nothing', () => {
    const parsed = parse({ ...image, config: { ...config, data: 'bm90IGl0' } });
    expect(parsed.config).toEqual({ ...config, hasData: true });
  });
});

describe('parseConfigPlatform', () => {
  test.each([
    [
      '{"os":"linux","architecture":"arm","variant":"v7"}',
      { os: 'linux', architecture: 'arm', variant: 'v7' },
    ],
    ['{"os":"windows","architecture":"amd64","variant":""}', { os: 'windows', architecture: 'amd64' }],
    ['{"os":"linux"}', undefined],
    ['{}', undefined],
    ['null', undefined],
    ['[1]', undefined],
    ['not json', undefined],
    ['{"os":"li\\u0000nux","architecture":"x"}', undefined],
    ['['.repeat(100_000), undefined],
  ])('%.60s', (text, expected) => {
    expect(parseConfigPlatform(Buffer.from(text))).toEqual(expected);
  });

  test('fault 50: a config above 4 MiB is not parsed', () => {
    const text = '{"os":"linux","architecture":"amd64"}';
    expect(parseConfigPlatform(Buffer.from(text.padEnd(4 * 1024 * 1024)))).toBeDefined();
    expect(parseConfigPlatform(Buffer.from(text.padEnd(4 * 1024 * 1024 + 1)))).toBeUndefined();
  });
});

describe('no text makes the parser backtrack', () => {
  test.each([
    ['parameters', `a${';a'.repeat(100)}é`],
    ['parameters with spaces', `a${'; a'.repeat(80)}é`],
    ['semicolons', `${';'.repeat(254)}é`],
  ])('a mediaType of many %s is refused', (_name, mediaType) => {
    expect(failure({ ...image, layers: [{ ...layer, mediaType }] })).toMatch(/^MANIFEST_INVALID .*mediaType/);
  });

  test.each(['a/b', 'a/b;version=0.1', 'a/b; version=0.1', 'a/b;x=1; y=2;', 'a;;b', 'a/b;; c'])(
    'the mediaType %j is taken as it is',
    (mediaType) => {
      expect(parse({ ...image, layers: [{ ...layer, mediaType }] }).layers[0]?.mediaType).toBe(mediaType);
    },
  );

  test.each(['', ' a/b', 'a b', 'a ;b', 'a;  b', 'a; ', '; a'])(
    'the mediaType %j is refused',
    (mediaType) => {
      expect(failure({ ...image, layers: [{ ...layer, mediaType }] })).toMatch(/^MANIFEST_INVALID /);
    },
  );

  test('a number of four million digits is refused before it is read', () => {
    expect(failure(`{"schemaVersion":${'1'.repeat(4_000_000)}}`)).toMatch(
      /^MANIFEST_INVALID .*more than 1000/,
    );
  });
});
