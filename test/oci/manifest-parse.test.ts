import { describe, expect, test } from 'vitest';
import { parseConfigPlatform, parseManifest, successors } from '../../src/oci/manifest/manifest-parse.ts';
import { mediaTypes } from '../../src/oci/manifest/media-type.ts';
import { allowStalls } from '../support/watch/allow-stalls.ts';
import {
  hex,
  ociIndex,
  ociManifest,
  dockerManifest,
  dockerManifestList,
  config,
  layer,
  child,
  image,
  index,
  parse,
  failure,
} from '../support/fixtures/manifest-documents.ts';

allowStalls(10_000, 'the documents are parsed on this thread');

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
