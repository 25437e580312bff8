/** OCI Distribution 1.1, the pull side, row by row. */
import { afterAll, beforeAll, describe, test } from 'vitest';
import { startPullScene } from '../../support/api/pull-scene.ts';
import type { PullScene } from '../../support/api/pull-scene.ts';
import {
  blob,
  empty,
  longBlob,
  other,
  pullChecks,
  sample,
  secret,
  unknownDigest,
} from '../../support/api/pull-content.ts';
import type { Row } from '../../support/api/pull-content.ts';

let scene: PullScene;
beforeAll(async () => {
  scene = await startPullScene();
  await scene.publish('team/shop', sample);
  await scene.publish('team/other', other);
  // names whose parts read as parts of addresses
  await scene.publish('a/manifests/tags/list', other);
});
afterAll(() => scene?.close());

const range = (value: string): Record<string, string> => ({ range: value });
const blobPath = `blobs/${blob.digest}`;
const blobs: Row[] = [
  {
    name: 'GET answers 200 with the bytes',
    path: blobPath,
    status: 200,
    expectHeaders: {
      'content-type': 'application/octet-stream',
      'content-length': '10',
      'docker-content-digest': blob.digest,
      etag: `"${blob.digest}"`,
      'accept-ranges': 'bytes',
    },
    body: '0123456789',
  },
  {
    name: 'a blob with a sha512 digest is served',
    path: `blobs/${longBlob.digest}`,
    status: 200,
    body: 'long',
  },
  {
    name: 'an empty blob is served',
    path: `blobs/${empty.digest}`,
    status: 200,
    expectHeaders: { 'content-length': '0' },
    body: '',
  },
  {
    name: 'If-None-Match answers 304',
    path: blobPath,
    headers: { 'if-none-match': `"${blob.digest}"` },
    status: 304,
    body: '',
  },
  { name: 'an unknown blob answers 404', path: `blobs/${unknownDigest}`, status: 404, code: 'BLOB_UNKNOWN' },
  {
    name: 'a digest that is none answers 400',
    path: 'blobs/sha256:../../x',
    status: 404,
    code: 'NAME_INVALID',
  },
  {
    name: 'fault 75: a blob that the store has and the repository does not answers 404',
    path: `blobs/${secret.digest}`,
    status: 404,
    code: 'BLOB_UNKNOWN',
  },
];

const ranges: Row[] = [
  ['bytes=2-5', '2345', 'bytes 2-5/10'],
  ['bytes=0-0', '0', 'bytes 0-0/10'],
  ['bytes=7-', '789', 'bytes 7-9/10'],
  ['bytes=-3', '789', 'bytes 7-9/10'],
  ['bytes=-99', '0123456789', 'bytes 0-9/10'],
  ['bytes=8-99999999999999999999', '89', 'bytes 8-9/10'],
].map(([value = '', body = '', contentRange]) => ({
  name: `fault 79: ${value} answers 206`,
  path: blobPath,
  headers: range(value),
  status: 206,
  expectHeaders: { 'content-range': contentRange, 'content-length': String(body.length) },
  body,
}));
const wholeRanges: Row[] = ['bytes=0-1,4-5', 'bytes=5-2', 'bytes=-', 'bytes=a-b', 'items=0-1', 'bytes'].map(
  (value) => ({
    name: `fault 79: ${value} answers the whole`,
    path: blobPath,
    headers: range(value),
    status: 200,
    expectHeaders: { 'content-range': undefined, 'content-length': '10' },
    body: '0123456789',
  }),
);
const beyond: Row[] = ['bytes=10-', 'bytes=99999999999999999999-', 'bytes=-0'].map((value) => ({
  name: `fault 79: ${value} answers 416`,
  path: blobPath,
  headers: range(value),
  status: 416,
  expectHeaders: { 'content-range': 'bytes */10' },
  code: 'RANGE_INVALID',
}));

function ifRange(value: string): Record<string, string> {
  return { ...range('bytes=1-2'), 'if-range': value };
}

const { check, checkHead } = pullChecks(() => ({ scene }));

describe('pulling blobs', () => {
  test.each(blobs)('$name', check);
  test.each(blobs)('HEAD: $name', checkHead);
  test.each([...ranges, ...wholeRanges, ...beyond])('$name', check);
  test('fault 79: HEAD knows no range', () =>
    check({
      name: '',
      method: 'HEAD',
      path: blobPath,
      headers: range('bytes=2-3'),
      status: 200,
      expectHeaders: { 'content-length': '10' },
    }));
  test('fault 79: If-Range with the digest keeps the range, with another drops it', async () => {
    await check({ name: '', path: blobPath, headers: ifRange(`"${blob.digest}"`), status: 206, body: '12' });
    await check({ name: '', path: blobPath, headers: ifRange('"other"'), status: 200, body: '0123456789' });
  });
});
