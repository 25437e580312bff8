import { describe, expect, test } from 'vitest';
import {
  isForeignLayerType,
  isGenericType,
  isImageConfigType,
  isManifestType,
  isSchema1Type,
  manifestAccept,
  mediaTypes,
  parseContentType,
} from '../../src/oci/manifest/media-type.ts';

describe('media types', () => {
  test.each([
    ['application/vnd.oci.image.index.v1+json', 'application/vnd.oci.image.index.v1+json'],
    ['Application/JSON; charset=utf-8', 'application/json'],
    [' text/html ;a=b', 'text/html'],
    ['', undefined],
    ['nonsense', undefined],
    ['a/b\r\nx: y', undefined],
    [undefined, undefined],
  ])('a Content-Type is read without case and parameters: %j', (header, expected) => {
    expect(parseContentType(header)).toBe(expected);
  });

  test('every manifest type that can be mirrored is asked for, before schema 1 and anything else', () => {
    const wanted = [
      mediaTypes.ociIndex,
      mediaTypes.ociManifest,
      mediaTypes.dockerManifestList,
      mediaTypes.dockerManifest,
    ];
    expect(manifestAccept.slice(0, 4)).toEqual(wanted);
    expect(manifestAccept.at(-1)).toBe('*/*;q=0.1');
  });

  test('each type is in the families it belongs to and in no other', () => {
    const types = Object.values(mediaTypes);
    expect(types.filter(isManifestType)).toHaveLength(7);
    expect(types.filter(isSchema1Type)).toHaveLength(2);
    expect(types.filter(isForeignLayerType)).toHaveLength(5);
    expect(types.filter(isImageConfigType)).toEqual([mediaTypes.ociConfig, mediaTypes.dockerConfig]);
    expect(types.filter(isGenericType)).toEqual([]);
  });
});
