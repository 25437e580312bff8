/** The digests in Google's lists of tags. */
import { describe, expect, test } from 'vitest';
import { ManifestMap } from '../../src/registry/listing/google.ts';
import type { ListedDigest } from '../../src/registry/listing/listing.ts';
import { TagReader } from '../../src/registry/tags/tag-reader.ts';
import { json } from '../support/upstream/fake-upstream.ts';
import { openClient, openUpstream } from './open-client.ts';

const digest = (n: number) => `sha256:${n.toString(16).padStart(64, '0')}`;
const index = 'application/vnd.oci.image.index.v1+json';

function read(document: string, size: number): { readonly names: string[]; readonly listed: ListedDigest[] } {
  const map = new ManifestMap();
  const reader = new TagReader(map);
  const bytes = Buffer.from(document);
  const names: string[] = [];
  const listed: ListedDigest[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    names.push(...reader.read(bytes.subarray(at, at + size)));
    listed.push(...map.take());
  }
  reader.end();
  return { names, listed };
}

describe.each([1, 7, 64 * 1024])('in chunks of %i bytes', (size) => {
  test('each tag has the digest and the media type of its manifest, in any order of the keys', () => {
    const document = JSON.stringify(
      {
        child: ['manifest', { manifest: { [digest(9)]: { tag: ['no'] } } }],
        manifest: {
          [digest(1)]: { imageSizeBytes: '1', mediaType: index, tag: ['a', 'b'], timeUploadedMs: 17 },
          [digest(2)]: { tag: ['c'], more: { tag: ['no'], mediaType: 'text/no' }, mediaType: index },
          [digest(3)]: { tag: [], mediaType: index },
          [digest(4)]: { tag: ['d'], layerId: '' },
        },
        name: 'app',
        tags: ['a', 'b', 'c', 'd', 'e'],
        more: { [digest(8)]: { tag: ['no'] } },
      },
      undefined,
      1,
    );
    expect(read(document, size)).toEqual({
      names: ['a', 'b', 'c', 'd', 'e'],
      listed: [
        { name: 'a', digest: digest(1), mediaType: index },
        { name: 'b', digest: digest(1), mediaType: index },
        { name: 'c', digest: digest(2), mediaType: index },
        { name: 'd', digest: digest(4) },
      ],
    });
  });

  test.each([
    { what: 'a list', manifest: [{ tag: ['no'], mediaType: index }] },
    { what: 'a string', manifest: 'tag' },
    { what: 'null', manifest: null },
    { what: 'other values', manifest: { [digest(1)]: ['no'], [digest(2)]: 'no', [digest(3)]: null } },
    { what: 'other tags', manifest: { [digest(1)]: { tag: 'no' }, [digest(2)]: { tag: { tag: 'no' } } } },
    {
      what: 'no digests and no tags',
      manifest: { 'sha256:1': { tag: ['no'] }, [digest(1)]: { tag: ['a b', 1] } },
    },
    { what: 'deeper tags', manifest: { [digest(1)]: { tag: [['no'], { tag: ['no'] }] } } },
  ])('a manifest map of $what lists no digests, and the names all the same', ({ manifest }) => {
    expect(read(JSON.stringify({ manifest, tags: ['a'] }), size)).toEqual({ names: ['a'], listed: [] });
  });
});

test('100,000 digests come in small parts, before the names', async () => {
  const upstream = await openUpstream();
  const path = '/v2/library/app/tags/list';
  const names = Array.from({ length: 100_000 }, (_, n) => `t${n}`);
  const text = names.map(
    (name, n) => `"${digest(n)}":{"imageSizeBytes":"1","mediaType":"${index}","tag":["${name}"]}`,
  );
  const body = `{"manifest":{${text.join(',')}},"tags":${JSON.stringify(names)}}`;
  upstream.on(`GET ${path}`, (_, response) => void response.end(body));
  let count = 0;
  let largest = 0;
  const onDigests = (listed: readonly ListedDigest[]): Promise<void> => {
    count += listed.length;
    largest = Math.max(largest, listed.length);
    return Promise.resolve();
  };
  let named = 0;
  for await (const page of openClient(upstream).listTags({ onDigests })) named += page.names.length;
  expect({ count, named }).toEqual({ count: 100_000, named: 100_000 });
  expect(largest).toBeLessThan(10_000);
});

const refuse = () => Promise.reject(new Error('called'));

test('a list without digests calls nothing', async () => {
  const upstream = await openUpstream();
  upstream.on('GET /v2/library/app/tags/list', json({ tags: ['a'], manifest: {} }));
  for await (const { names } of openClient(upstream).listTags({ onDigests: refuse }))
    expect(names).toEqual(['a']);
});
