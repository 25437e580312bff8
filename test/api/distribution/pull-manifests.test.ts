/** OCI Distribution 1.1, the pull side, row by row. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mediaTypes } from '../../../src/oci/manifest/media-type.ts';
import { pull } from '../../support/api/pull.ts';
import { startPullScene } from '../../support/api/pull-scene.ts';
import type { PullScene } from '../../support/api/pull-scene.ts';
import {
  amd64,
  docker,
  index,
  longDocument,
  longManifest,
  opaque,
  other,
  otherImage,
  pullChecks,
  sample,
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

function bytesOf(digest: string): Buffer {
  const bytes = [...sample.manifests, ...other.manifests].find(([own]) => own === digest)?.[1].bytes;
  if (bytes === undefined) throw new Error(`no manifest ${digest}`);
  return bytes;
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

const { check, checkHead } = pullChecks(() => ({ scene }));

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
