import { strict as assert } from 'node:assert';
import { isDigest } from '../../src/oci/digest.ts';
import { isTagName } from '../../src/oci/tag-name.ts';
import { ManifestMap } from '../../src/registry/listing/google.ts';
import type { ListedDigest } from '../../src/registry/listing/listing.ts';
import { listedPage } from '../../src/registry/listing/list-digests.ts';
import { ownListings } from '../../src/registry/listing/listing.ts';
import { TagListError, TagReader } from '../../src/registry/tags/tag-reader.ts';
import type { FuzzTarget, Outcome } from './target.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const words = [
  '{', '}', '[', ']', ',', ':', '"', '""', '"a"', '\\', '\\u0041', '0', 'null', 'true', '"tag":["', '"tag":', '"mediaType":"a/b"', digest,
  `"${digest}":{`, '"tags":[', '"manifest":{', '"name":"a"', `"digest":"${digest}"`, '"results":[', '{"', '"}', '"next":"', ' ', '\n',
]; // prettier-ignore

/** Whatever comes in, only tags with digests come out. */
function expectListed(outcome: Outcome): void {
  if ('error' in outcome) {
    if (!(outcome.error instanceof TagListError)) throw outcome.error;
    return;
  }
  for (const { name, digest: found } of outcome.value as readonly ListedDigest[])
    assert(isTagName(name) && isDigest(found), `${name} ${found}`);
}

export const googleListTarget: FuzzTarget = {
  name: 'google-list',
  dictionary: words,
  frames: [
    ['{"manifest":{', '},"tags":["a"]}'],
    [`{"manifest":{"${digest}":{"tag":["`, '"]}}}'],
    [`{"manifest":{"${digest}":{`, '}},"tags":[]}'],
  ],
  parse(input) {
    const map = new ManifestMap();
    const reader = new TagReader(map);
    reader.read(Buffer.from(input));
    reader.end();
    return map.take();
  },
  verify: (_input, outcome) => expectListed(outcome),
};

export const listedPageTarget: FuzzTarget = {
  name: 'listed-page',
  dictionary: words,
  frames: [
    ['{"results":[', '],"next":"x"}'],
    ['{"tags":[', '],"has_additional":true}'],
    [`[{"digest":"${digest}","tags":[{"name":"`, '"}]}]'],
    ['{"data":{"ImageList":{"Results":[', ']}}}'],
  ],
  parse: (input) =>
    ownListings.flatMap(
      (name) => listedPage(name, Buffer.from(input), new URL('http://a/?page=1'))?.tags ?? [],
    ),
  verify: (_input, outcome) => expectListed(outcome),
};
