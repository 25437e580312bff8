import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  addArtifact,
  addImage,
  createSampleRepository,
  moveTag,
  removeTag,
} from '../../src/demo/sample-image.ts';
import { startSampleUpstream } from '../../src/demo/sample-upstream.ts';
import type { SampleUpstream } from '../../src/demo/sample-upstream.ts';

const repository = createSampleRepository();
const image = addImage(repository, { seed: 's', layers: [700_000], tag: 'v1' });
const signature = addArtifact(repository, { seed: 'sig', artifactType: 'application/x-sig', subject: image });
for (const tag of ['b', 'a', 'c']) moveTag(repository, tag, image);
const [blobDigest = '', blob = Buffer.alloc(0)] =
  [...repository.blobs].find(([, bytes]) => bytes.length > 700_000) ?? [];
const unknown = `sha256:${'0'.repeat(64)}`;
const length = blob.length;

let upstream: SampleUpstream;
beforeAll(async () => {
  upstream = await startSampleUpstream({ repositories: new Map([['demo/x', repository]]) });
});
afterAll(() => upstream.close());

interface Row {
  readonly name: string;
  readonly path: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly status: number;
  readonly expectHeaders?: Record<string, string | null>;
  readonly body?: Buffer | object;
}

const manifest = repository.manifests.get(image.digest)?.bytes ?? Buffer.alloc(0);
const manifestHeaders = {
  'content-type': image.mediaType,
  'docker-content-digest': image.digest,
  'content-length': String(manifest.length),
};
const page = (tags: string[]): object => ({ name: 'demo/x', tags });

const rows: Row[] = [
  { name: 'GET /v2/ answers 200', path: '', status: 200, body: {} },
  {
    name: 'a manifest by tag',
    path: 'demo/x/manifests/v1',
    status: 200,
    expectHeaders: manifestHeaders,
    body: manifest,
  },
  {
    name: 'a manifest by digest',
    path: `demo/x/manifests/${image.digest}`,
    status: 200,
    expectHeaders: manifestHeaders,
    body: manifest,
  },
  {
    name: 'HEAD has the headers of GET and no body',
    method: 'HEAD',
    path: 'demo/x/manifests/v1',
    status: 200,
    expectHeaders: manifestHeaders,
    body: Buffer.alloc(0),
  },
  { name: 'an unknown tag', path: 'demo/x/manifests/nope', status: 404 },
  { name: 'an unknown digest', path: `demo/x/manifests/${unknown}`, status: 404 },
  { name: 'an unknown repository', path: 'demo/y/tags/list', status: 404 },
  { name: 'a path of no resource', path: 'demo/x/other/a', status: 404 },
  {
    name: 'tags in lexical order',
    path: 'demo/x/tags/list',
    status: 200,
    expectHeaders: { link: null },
    body: page(['a', 'b', 'c', 'v1']),
  },
  {
    name: 'the first page of tags',
    path: 'demo/x/tags/list?n=2',
    status: 200,
    expectHeaders: { link: '</v2/demo/x/tags/list?n=2&last=b>; rel="next"' },
    body: page(['a', 'b']),
  },
  {
    name: 'the last page of tags',
    path: 'demo/x/tags/list?n=2&last=b',
    status: 200,
    expectHeaders: { link: null },
    body: page(['c', 'v1']),
  },
  { name: 'past the last tag', path: 'demo/x/tags/list?last=zz', status: 200, body: page([]) },
  {
    name: 'n=0 is an empty list without Link',
    path: 'demo/x/tags/list?n=0',
    status: 200,
    expectHeaders: { link: null },
    body: page([]),
  },
  { name: 'n that is no number', path: 'demo/x/tags/list?n=-1', status: 400 },
  {
    name: 'a blob',
    path: `demo/x/blobs/${blobDigest}`,
    status: 200,
    expectHeaders: { 'content-length': String(length) },
    body: blob,
  },
  {
    name: 'HEAD of a blob',
    method: 'HEAD',
    path: `demo/x/blobs/${blobDigest}`,
    status: 200,
    expectHeaders: { 'content-length': String(length), 'accept-ranges': 'bytes' },
    body: Buffer.alloc(0),
  },
  { name: 'an unknown blob', path: `demo/x/blobs/${unknown}`, status: 404 },
  {
    name: 'a range',
    path: `demo/x/blobs/${blobDigest}`,
    headers: { range: 'bytes=10-19' },
    status: 206,
    expectHeaders: { 'content-range': `bytes 10-19/${length}` },
    body: blob.subarray(10, 20),
  },
  {
    name: 'a range to the end',
    path: `demo/x/blobs/${blobDigest}`,
    headers: { range: 'bytes=300000-' },
    status: 206,
    expectHeaders: { 'content-range': `bytes 300000-${length - 1}/${length}` },
    body: blob.subarray(300_000),
  },
  {
    name: 'a range past the end is cut',
    path: `demo/x/blobs/${blobDigest}`,
    headers: { range: `bytes=5-${length + 5}` },
    status: 206,
    body: blob.subarray(5),
  },
  {
    name: 'the last bytes',
    path: `demo/x/blobs/${blobDigest}`,
    headers: { range: 'bytes=-7' },
    status: 206,
    body: blob.subarray(-7),
  },
  {
    name: 'a range beyond the end',
    path: `demo/x/blobs/${blobDigest}`,
    headers: { range: `bytes=${length}-` },
    status: 416,
    expectHeaders: { 'content-range': `bytes */${length}` },
  },
  {
    name: 'several ranges are answered whole',
    path: `demo/x/blobs/${blobDigest}`,
    headers: { range: 'bytes=0-1,3-4' },
    status: 200,
    body: blob,
  },
  {
    name: 'referrers of a manifest',
    path: `demo/x/referrers/${image.digest}`,
    status: 200,
    expectHeaders: { 'content-type': 'application/vnd.oci.image.index.v1+json' },
    body: {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: [
        {
          mediaType: signature.mediaType,
          digest: signature.digest,
          size: signature.size,
          artifactType: 'application/x-sig',
        },
      ],
    },
  },
  { name: 'writing is refused', method: 'PUT', path: 'demo/x/manifests/v2', status: 405 },
];

describe('the sample upstream', () => {
  test.each(rows)(
    '$name',
    async ({ path, method = 'GET', headers = {}, status, expectHeaders = {}, body }) => {
      const response = await fetch(`${upstream.url}/v2/${path}`, { method, headers });
      const bytes = Buffer.from(await response.arrayBuffer());
      expect(response.status).toBe(status);
      for (const [name, value] of Object.entries(expectHeaders))
        expect(response.headers.get(name)).toBe(value);
      if (Buffer.isBuffer(body)) expect(bytes.equals(body)).toBe(true);
      else if (body !== undefined) expect(JSON.parse(bytes.toString())).toEqual(body);
      expect(upstream.requests.at(-1)).toEqual({ method, path: `/v2/${path}` });
    },
  );

  test('a change of the repository shows at once', async () => {
    moveTag(repository, 'new', signature);
    const added = await fetch(`${upstream.url}/v2/demo/x/manifests/new`, { method: 'HEAD' });
    expect(added.headers.get('docker-content-digest')).toBe(signature.digest);
    removeTag(repository, 'new');
    expect((await fetch(`${upstream.url}/v2/demo/x/manifests/new`, { method: 'HEAD' })).status).toBe(404);
  });

  test('it closes while a body is being read, and can be reached no more', async () => {
    const other = await startSampleUpstream({ repositories: new Map([['x', repository]]) });
    const response = await fetch(`${other.url}/v2/x/blobs/${blobDigest}`);
    await other.close();
    await response.arrayBuffer().catch(() => undefined);
    await expect(fetch(`${other.url}/v2/`)).rejects.toThrow('fetch failed');
    expect(other.blobBytesSent).toBeGreaterThan(0);
  });
});
