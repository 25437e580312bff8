/** OCI Distribution 1.1, the pull side, row by row. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  addArtifact,
  addBlob,
  addImage,
  addIndex,
  addManifest,
  createSampleRepository,
} from '../../../src/demo/sample-image.ts';
import { digestBytes } from '../../../src/oci/digest-bytes.ts';
import { mediaTypes } from '../../../src/oci/manifest/media-type.ts';
import { pull } from '../../support/api/pull.ts';
import { startPullScene } from '../../support/api/pull-scene.ts';
import type { PullScene } from '../../support/api/pull-scene.ts';

const sample = createSampleRepository();
const blob = addBlob(sample, Buffer.from('0123456789'), 'text/plain');
const empty = addBlob(sample, Buffer.alloc(0), 'text/plain');
const amd64 = addImage(sample, { seed: 'amd64', layers: [3_000], tag: 'image' });
const docker = addImage(sample, { seed: 'docker', layers: [2_000], format: 'docker', tag: 'docker' });
const index = addIndex(sample, { manifests: [amd64], tag: 'index' });
const opaque = addManifest(sample, Buffer.from('not json \u00e9'), 'application/vnd.example.thing', 'opaque');
const longBlob = { digest: digestBytes(Buffer.from('long'), 'sha512'), bytes: Buffer.from('long') };
sample.blobs.set(longBlob.digest, longBlob.bytes);
const longDocument = Buffer.from(
  JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [] }),
);
const longManifest = digestBytes(longDocument, 'sha512');
sample.manifests.set(longManifest, {
  digest: longManifest,
  mediaType: mediaTypes.ociIndex,
  bytes: longDocument,
});
sample.tags.set('long', longManifest);
const bom = addArtifact(sample, {
  seed: 'bom',
  artifactType: 'application/spdx+json',
  layers: [{ mediaType: 'application/spdx+json', sizeBytes: 50 }],
  subject: amd64,
  annotations: { made: 'today' },
});
const signature = addArtifact(sample, {
  seed: 'signature',
  configMediaType: 'application/vnd.example.signature',
  subject: amd64,
});
const attached = addImage(sample, { seed: 'attached', layers: [], subject: amd64 });

const other = createSampleRepository();
const secret = addBlob(other, Buffer.from('of another repository'), 'text/plain');
const otherImage = addImage(other, { seed: 'other', layers: [], tag: 'only-there' });

const unknownDigest = `sha256:${'0'.repeat(64)}`;

let scene: PullScene;
beforeAll(async () => {
  scene = await startPullScene();
  await scene.publish('team/shop', sample);
  await scene.publish('team/other', other);
  // names whose parts read as parts of addresses
  await scene.publish('a/manifests/tags/list', other);
});
afterAll(() => scene?.close());

interface Row {
  readonly name: string;
  readonly method?: string;
  /** After `/v2/team/shop/`, or from the start where it begins with a slash. */
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly status: number;
  readonly expectHeaders?: Record<string, string | undefined>;
  readonly body?: Buffer | string | object;
  /** Of the error. */
  readonly code?: string;
}

function bytesOf(digest: string): Buffer {
  const bytes = [...sample.manifests, ...other.manifests].find(([own]) => own === digest)?.[1].bytes;
  if (bytes === undefined) throw new Error(`no manifest ${digest}`);
  return bytes;
}

async function check(row: Row): Promise<void> {
  const path = row.path.startsWith('/') ? row.path : `/v2/team/shop/${row.path}`;
  const answer = await pull(scene.api.url, { method: row.method, path, headers: row.headers });
  expect({ status: answer.status, body: answer.body.toString() }).toMatchObject({ status: row.status });
  for (const [name, value] of Object.entries(row.expectHeaders ?? {}))
    expect([name, answer.headers[name]]).toEqual([name, value]);
  if (row.body !== undefined) {
    if (Buffer.isBuffer(row.body)) expect(answer.body).toEqual(row.body);
    else if (typeof row.body === 'string') expect(answer.body.toString()).toBe(row.body);
    else expect(JSON.parse(answer.body.toString())).toEqual(row.body);
  }
  if (row.code !== undefined && row.method !== 'HEAD') {
    const { errors } = JSON.parse(answer.body.toString()) as { errors: { code: string; message: string }[] };
    expect(errors).toEqual([{ code: row.code, message: expect.any(String) as string, detail: null }]);
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
  }
  expect(answer.headers['docker-distribution-api-version']).toBe('registry/2.0');
}

/** HEAD says what GET does, without the body. */
async function checkHead(row: Row): Promise<void> {
  const { body: _body, ...head } = row;
  await check({ ...head, method: 'HEAD', body: '' });
}

const indexHeaders = {
  'content-type': mediaTypes.ociIndex,
  'docker-content-digest': index.digest,
  etag: `"${index.digest}"`,
  'content-length': String(index.size),
};

const manifests: Row[] = [
  {
    name: 'GET by tag answers 200 with the exact bytes, their media type and digest',
    path: 'manifests/index',
    status: 200,
    expectHeaders: indexHeaders,
    body: bytesOf(index.digest),
  },
  {
    name: 'GET by digest answers the same',
    path: `manifests/${index.digest}`,
    status: 200,
    expectHeaders: indexHeaders,
    body: bytesOf(index.digest),
  },
  {
    name: "a digest's colon may come as %3A",
    path: `manifests/${index.digest.replace(':', '%3A')}`,
    status: 200,
    body: bytesOf(index.digest),
  },
  {
    name: 'a manifest with a sha512 digest is served under it',
    path: `manifests/${longManifest}`,
    status: 200,
    expectHeaders: { 'docker-content-digest': longManifest },
    body: longDocument,
  },
  {
    name: 'a tag may name a manifest with a sha512 digest',
    path: 'manifests/long',
    status: 200,
    expectHeaders: { 'docker-content-digest': longManifest },
    body: longDocument,
  },
  {
    name: 'a manifest of an unknown type is served with that type, byte for byte',
    path: 'manifests/opaque',
    status: 200,
    expectHeaders: { 'content-type': 'application/vnd.example.thing' },
    body: bytesOf(opaque.digest),
  },
  {
    name: 'If-None-Match with the digest answers 304',
    path: 'manifests/index',
    headers: { 'if-none-match': `"sha256:x", W/"${index.digest}"` },
    status: 304,
    expectHeaders: { etag: `"${index.digest}"`, 'docker-content-digest': index.digest },
    body: '',
  },
  {
    name: 'If-None-Match: * answers 304',
    path: 'manifests/index',
    headers: { 'if-none-match': '*' },
    status: 304,
  },
  {
    name: 'If-None-Match with another digest answers 200',
    path: 'manifests/index',
    headers: { 'if-none-match': `"${amd64.digest}"` },
    status: 200,
  },
  { name: 'an unknown tag answers 404', path: 'manifests/none', status: 404, code: 'MANIFEST_UNKNOWN' },
  {
    name: 'an unknown digest answers 404',
    path: `manifests/${unknownDigest}`,
    status: 404,
    code: 'MANIFEST_UNKNOWN',
  },
  {
    name: 'what no tag can be answers 404',
    path: 'manifests/.INVALID',
    status: 404,
    code: 'MANIFEST_UNKNOWN',
  },
  {
    name: 'an unknown repository answers 404',
    path: '/v2/team/none/manifests/x',
    status: 404,
    code: 'NAME_UNKNOWN',
  },
  {
    name: 'a digest that is none answers 400',
    path: 'manifests/sha256:abc',
    status: 400,
    code: 'DIGEST_INVALID',
  },
  {
    name: 'a digest of another algorithm answers 400',
    path: 'manifests/md5:0123',
    status: 400,
    code: 'DIGEST_INVALID',
  },
  {
    name: 'fault 75: a manifest of another repository answers 404',
    path: `manifests/${otherImage.digest}`,
    status: 404,
    code: 'MANIFEST_UNKNOWN',
  },
  {
    name: 'fault 75: so does a tag of another',
    path: 'manifests/only-there',
    status: 404,
    code: 'MANIFEST_UNKNOWN',
  },
  {
    name: 'a name may have parts that read as parts of addresses',
    path: '/v2/a/manifests/tags/list/manifests/only-there',
    status: 200,
    body: bytesOf(otherImage.digest),
  },
];

const accepted: [accept: string | undefined, tag: string, status: number][] = [
  [undefined, 'docker', 200],
  ['*/*', 'docker', 200],
  ['*/*;q=0.1', 'docker', 200],
  ['application/*', 'docker', 200],
  ['application/json', 'docker', 200],
  [`${mediaTypes.ociManifest};q=0.2, ${mediaTypes.dockerManifest};q=0.9`, 'docker', 200],
  [mediaTypes.dockerManifest.toUpperCase(), 'docker', 200],
  ['nonsense', 'docker', 200],
  [mediaTypes.dockerSchema1, 'docker', 404],
  [mediaTypes.ociManifest, 'docker', 200],
  [mediaTypes.dockerManifestList, 'index', 200],
  [mediaTypes.ociManifest, 'index', 404],
  [`${mediaTypes.dockerManifest};q=0, ${mediaTypes.ociManifest}`, 'docker', 404],
  ['text/html', 'index', 404],
  [`*/*, ${mediaTypes.ociIndex};q=0`, 'index', 404],
];

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

const refused: Row[] = [
  '/v2/../../etc/passwd',
  '/v2/%2e%2e/%2e%2e/etc/passwd',
  '/v2/../../etc/manifests/passwd',
  '/v2/%2e%2e/%2e%2e/etc/manifests/latest',
  '/v2/a%2fb/manifests/latest',
  '/v2/a//b/manifests/latest',
  '/v2//manifests/latest',
  '/v2/manifests/latest',
  '/v2/Team/shop/manifests/latest',
  `/v2/${'a'.repeat(256)}/manifests/latest`,
  '/v2/a%00b/manifests/latest',
  '/v2/team/shop/tags/list?last=%00',
  '/v2/team/shop/tags/list/',
  '/v2/team%/shop/tags/list',
  '/v2/nothing',
].map((path) => ({
  name: `fault 64: ${path.slice(0, 60)} is refused`,
  path,
  status: [
    '/v2/../../etc/passwd',
    '/v2/%2e%2e/%2e%2e/etc/passwd',
    '/v2/team/shop/tags/list/',
    '/v2/nothing',
  ].includes(path)
    ? 404
    : 400,
  code: 'NAME_INVALID',
}));

const lists: Row[] = [
  {
    name: 'tags are listed in lexical order',
    path: 'tags/list',
    status: 200,
    expectHeaders: { 'content-type': 'application/json', link: undefined },
    body: { name: 'team/shop', tags: ['docker', 'image', 'index', 'long', 'opaque'] },
  },
  {
    name: 'n limits them, and Link leads on',
    path: 'tags/list?n=2',
    status: 200,
    expectHeaders: { link: '</v2/team/shop/tags/list?n=2&last=image>; rel="next"' },
    body: { name: 'team/shop', tags: ['docker', 'image'] },
  },
  {
    name: 'the last page has no Link',
    path: 'tags/list?n=3&last=image',
    status: 200,
    expectHeaders: { link: undefined },
    body: { name: 'team/shop', tags: ['index', 'long', 'opaque'] },
  },
  {
    name: 'fault 66: last may be a tag that is not there',
    path: 'tags/list?last=imagf',
    status: 200,
    body: { name: 'team/shop', tags: ['index', 'long', 'opaque'] },
  },
  {
    name: 'fault 66: past the end the list is empty',
    path: 'tags/list?last=zzz',
    status: 200,
    body: { name: 'team/shop', tags: [] },
  },
  {
    name: 'fault 65: n=0 answers an empty list without Link',
    path: 'tags/list?n=0',
    status: 200,
    expectHeaders: { link: undefined },
    body: { name: 'team/shop', tags: [] },
  },
  {
    name: 'fault 65: n=-1 answers 400',
    path: 'tags/list?n=-1',
    status: 400,
    code: 'PAGINATION_NUMBER_INVALID',
  },
  {
    name: 'fault 65: n=abc answers 400',
    path: '/v2/_catalog?n=abc',
    status: 400,
    code: 'PAGINATION_NUMBER_INVALID',
  },
  {
    name: 'an unknown repository has no list',
    path: '/v2/team/none/tags/list',
    status: 404,
    code: 'NAME_UNKNOWN',
  },
  {
    name: 'the catalog lists the names that are served',
    path: '/v2/_catalog?n=2',
    status: 200,
    expectHeaders: { link: '</v2/_catalog?n=2&last=team%2Fother>; rel="next"' },
    body: { repositories: ['a/manifests/tags/list', 'team/other'] },
  },
  {
    name: 'the catalog goes on after last',
    path: '/v2/_catalog?n=2&last=team%2Fother',
    status: 200,
    body: { repositories: ['team/shop'] },
  },
  {
    name: 'fault 65: the catalog with n=0 is empty',
    path: '/v2/_catalog?n=0',
    status: 200,
    body: { repositories: [] },
  },
  { name: '/v2/ answers 200', path: '/v2/', status: 200, body: {} },
  { name: '/v2 answers 200', path: '/v2', status: 200, body: {} },
];

const referrerOf = (descriptor: { digest: string; size: number }, more: object): object => ({
  mediaType: mediaTypes.ociManifest,
  digest: descriptor.digest,
  size: descriptor.size,
  ...more,
});
const byDigest = (one: object, two: object): number =>
  (one as { digest: string }).digest < (two as { digest: string }).digest ? -1 : 1;
const indexOf = (...descriptors: object[]): object => ({
  schemaVersion: 2,
  mediaType: mediaTypes.ociIndex,
  manifests: descriptors.sort(byDigest),
});
const bomReferrer = referrerOf(bom, {
  artifactType: 'application/spdx+json',
  annotations: { made: 'today' },
});
const referrers: Row[] = [
  {
    name: 'referrers are listed as an index, with artifact types and annotations',
    path: `referrers/${amd64.digest}`,
    status: 200,
    expectHeaders: { 'content-type': mediaTypes.ociIndex, 'oci-filters-applied': undefined, link: undefined },
    body: indexOf(
      bomReferrer,
      referrerOf(signature, { artifactType: 'application/vnd.example.signature' }),
      referrerOf(attached, { artifactType: mediaTypes.ociConfig }),
    ),
  },
  {
    name: 'artifactType filters, and the answer says so',
    path: `referrers/${amd64.digest}?artifactType=application%2Fspdx%2Bjson`,
    status: 200,
    expectHeaders: { 'oci-filters-applied': 'artifactType' },
    body: indexOf(bomReferrer),
  },
  {
    name: 'artifactType that nothing has leaves none',
    path: `referrers/${amd64.digest}?artifactType=application/none`,
    status: 200,
    expectHeaders: { 'oci-filters-applied': 'artifactType' },
    body: indexOf(),
  },
  {
    name: 'a manifest without referrers has an empty index',
    path: `referrers/${docker.digest}`,
    status: 200,
    body: indexOf(),
  },
  { name: 'so has one that is not there', path: `referrers/${unknownDigest}`, status: 200, body: indexOf() },
  {
    name: 'a digest that is none answers 400',
    path: 'referrers/latest',
    status: 400,
    code: 'DIGEST_INVALID',
  },
  {
    name: 'so has an unknown repository: a 404 would say that referrers are not served',
    path: `/v2/team/none/referrers/${unknownDigest}`,
    status: 200,
    body: indexOf(),
  },
  {
    name: 'fault 75: referrers in another repository are not listed',
    path: `/v2/team/other/referrers/${amd64.digest}`,
    status: 200,
    body: indexOf(),
  },
];

describe('pulling manifests', () => {
  test.each(manifests)('$name', check);
  test.each(manifests)('HEAD: $name', checkHead);
  test.each(accepted)('fault 78: Accept %s, for the tag %s, answers %i', async (accept, tag, status) => {
    const headers = accept === undefined ? {} : { accept };
    await check({ name: '', path: `manifests/${tag}`, headers, status });
  });
  test('fault 78: by digest there is nothing to choose', () =>
    check({
      name: '',
      path: `manifests/${docker.digest}`,
      headers: { accept: mediaTypes.ociManifest },
      status: 200,
    }));
});

function ifRange(value: string): Record<string, string> {
  return { ...range('bytes=1-2'), 'if-range': value };
}

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

describe('names and addresses', () => {
  test.each(refused)('$name', check);
});

describe('lists', () => {
  test.each(lists)('$name', check);
  test.each(lists)('HEAD: $name', checkHead);
  test('fault 66: following Link lists 2,500 tags once each, fault 65: at most 1,000 a page', async () => {
    const many = createSampleRepository();
    const image = addImage(many, { seed: 'many', layers: [] });
    for (let number = 0; number < 2_500; number += 1) many.tags.set(`t${number}`, image.digest);
    await scene.publish('zz/many', many);
    const seen: string[] = [];
    const sizes: number[] = [];
    for (let next: string | undefined = '/v2/zz/many/tags/list?n=2147483647'; next !== undefined;) {
      const answer = await pull(scene.api.url, { path: next });
      const { tags } = JSON.parse(answer.body.toString()) as { tags: string[] };
      seen.push(...tags);
      sizes.push(tags.length);
      next = /^<([^>]+)>; rel="next"$/.exec(String(answer.headers['link'] ?? ''))?.[1];
    }
    expect(sizes).toEqual([1_000, 1_000, 500]);
    expect(seen).toEqual([...many.tags.keys()].sort());
  });
});

describe('listing referrers', () => {
  test.each(referrers)('$name', check);
  test.each(referrers)('HEAD: $name', checkHead);
  test('many are paged, by count and by what they weigh', async () => {
    const many = createSampleRepository();
    const subject = addImage(many, { seed: 'popular', layers: [], tag: 'popular' });
    const wanted = Array.from({ length: 130 }, (_, number) =>
      addArtifact(many, {
        seed: `${number}`,
        artifactType: 'application/x',
        subject,
        // those of number 0 and 1 do not fit together
        annotations: { number: `${number}`, text: 'x'.repeat(number < 2 ? 1_500_000 : 10) },
      }),
    );
    await scene.publish('zz/popular', many);
    const seen: string[] = [];
    let pages = 0;
    let next: string | undefined = `/v2/zz/popular/referrers/${subject.digest}?artifactType=application/x`;
    for (; next !== undefined; pages += 1) {
      const answer = await pull(scene.api.url, { path: next });
      expect(answer.headers['oci-filters-applied']).toBe('artifactType');
      expect(answer.body.length).toBeLessThan(4 * 1024 * 1024);
      const { manifests: found } = JSON.parse(answer.body.toString()) as { manifests: { digest: string }[] };
      seen.push(...found.map(({ digest }) => digest));
      next = /^<([^>]+)>; rel="next"$/.exec(String(answer.headers['link'] ?? ''))?.[1];
    }
    expect(seen).toEqual(wanted.map(({ digest }) => digest as string).sort());
    expect(pages).toBeGreaterThan(1);
  });
});

test('fault 64: a refused name is refused for pushes too', async () => {
  const answer = await pull(scene.api.url, {
    method: 'POST',
    path: '/v2/../x/blobs/uploads/',
    body: 'body',
  });
  expect(answer.status).toBe(400);
});

test('a request that names a foreign host is refused as GraphQL refuses it, in the words of this API', async () => {
  const answer = await pull(scene.api.url, { path: '/v2/', headers: { host: 'evil.example' } });
  expect(answer.status).toBe(421);
  expect(JSON.parse(answer.body.toString())).toMatchObject({ errors: [{ code: 'DENIED' }] });
});

test('served content has the digest of its address', async () => {
  for (const [digest] of [...sample.blobs, ...sample.manifests]) {
    const kind = sample.blobs.has(digest) ? 'blobs' : 'manifests';
    const { body } = await pull(scene.api.url, { path: `/v2/team/shop/${kind}/${digest}` });
    const algorithm = digest.slice(0, digest.indexOf(':'));
    expect(`${algorithm}:${createHash(algorithm).update(body).digest('hex')}`).toBe(digest);
  }
});
