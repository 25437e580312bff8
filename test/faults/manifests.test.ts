import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addBlob, addImage, addIndex, addLayer, addManifest } from '../../src/demo/sample-image.ts';
import type { Descriptor } from '../../src/oci/manifest/descriptor.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { digestBytes } from '../../src/oci/digest-bytes.ts';
import { mediaTypes } from '../../src/oci/manifest/media-type.ts';
import type { Answer } from '../support/upstream/fake-upstream.ts';
import { expectKept, openStage, readVersions, upstreamName } from '../support/sync/stage.ts';
import type { KeptFor, Scene, Stage } from '../support/sync/stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage({ manifestMaxBytes: 256 * 1024 });
});
afterAll(() => stage.close());

const manifestRoute = (reference: string): string => `GET /v2/${upstreamName}/manifests/${reference}`;

function image(scene: Scene, name: string): { config: Descriptor; layer: Descriptor; document: object } {
  const config = addBlob(
    scene.repository,
    Buffer.from(`{"seed":"${scene.seed}-${name}"}`),
    mediaTypes.ociConfig,
  );
  const layer = addLayer(scene.repository, `${scene.seed}-${name}`, 1_000);
  const document = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [layer] };
  return { config, layer, document };
}

function textOf(document: object): string {
  return JSON.stringify(document);
}

interface BadManifest extends KeptFor {
  readonly name: string;
  /** What the upstream answers for the tag `new`. */
  readonly answer: (scene: Scene) => Answer;
}

const oci = { 'content-type': mediaTypes.ociManifest };
const size =
  (value: string): BadManifest['answer'] =>
  (scene) => ({
    headers: oci,
    body: textOf(image(scene, 'size').document).replace(/"size":\d+/, `"size":${value}`),
  });
const digest =
  (value: string): BadManifest['answer'] =>
  (scene) => ({
    headers: oci,
    body: textOf(image(scene, 'digest').document).replace(/sha256:[0-9a-f]{64}/, value),
  });

const badManifests: readonly BadManifest[] = [
  {
    name: 'fault 5: Docker-Content-Digest that is not the content’s',
    answer: (scene) => ({
      headers: { ...oci, 'docker-content-digest': `sha256:${'0'.repeat(64)}` },
      body: textOf(image(scene, 'five').document),
    }),
    code: 'DIGEST_MISMATCH',
    says: [`sha256:${'0'.repeat(64)}`],
  },
  {
    name: 'fault 36: one byte more than the limit',
    answer: () => ({ headers: oci, body: ' '.repeat(256 * 1024 + 1) }),
    code: 'MANIFEST_TOO_LARGE',
    says: ['262144'],
  },
  {
    name: 'fault 36: an endless document',
    answer: () => (_request, response) => {
      response.writeHead(200, oci);
      const more = (): void => {
        while (!response.destroyed && response.write(' '.repeat(16 * 1024)));
      };
      response.on('drain', more);
      more();
    },
    code: 'MANIFEST_TOO_LARGE',
    says: ['262144'],
  },
  {
    name: 'fault 37: layers beside manifests',
    answer: (scene) => ({ headers: oci, body: textOf({ ...image(scene, 'both').document, manifests: [] }) }),
    code: 'MANIFEST_AMBIGUOUS',
    says: ['manifests', 'layers'],
  },
  {
    name: 'fault 38: a mediaType that is not the Content-Type',
    answer: (scene) => ({
      headers: { 'content-type': mediaTypes.dockerManifest },
      body: textOf(image(scene, 'type').document),
    }),
    code: 'MEDIA_TYPE_MISMATCH',
    says: [mediaTypes.ociManifest, mediaTypes.dockerManifest],
  },
  {
    name: 'fault 41: a login page',
    answer: () => ({ headers: { 'content-type': 'text/html' }, body: '<html><body>Log in</body></html>' }),
    code: 'UPSTREAM_NOT_A_REGISTRY',
    says: ['text/html'],
  },
  {
    name: 'fault 41: a web page that says it is a manifest',
    answer: () => ({ headers: oci, body: '<!doctype html><title>Welcome</title>' }),
    code: 'UPSTREAM_NOT_A_REGISTRY',
  },
  {
    name: 'a mediaType that makes a backtracking reader stop for good',
    answer: (scene) => {
      const { layer, ...parts } = image(scene, 'backtracking');
      const mediaType = `a${';a'.repeat(100)}é`;
      return { headers: oci, body: textOf({ ...parts.document, layers: [{ ...layer, mediaType }] }) };
    },
    code: 'MANIFEST_INVALID',
    says: ['layers[0].mediaType'],
  },
  {
    name: 'fault 42: cut JSON',
    answer: () => ({ headers: oci, body: '{"schemaVersion":2,' }),
    code: 'MANIFEST_INVALID',
  },
  {
    name: 'fault 42: a byte order mark',
    answer: (scene) => ({ headers: oci, body: `\ufeff${textOf(image(scene, 'bom').document)}` }),
    code: 'MANIFEST_INVALID',
  },
  {
    name: 'fault 42: a key that stands twice',
    answer: (scene) => ({
      headers: oci,
      body: textOf(image(scene, 'twice').document).replace('{', '{"layers":[],'),
    }),
    code: 'MANIFEST_INVALID',
    says: ['layers'],
  },
  {
    name: 'fault 42: arrays 10,000 deep',
    answer: () => ({ headers: oci, body: `{"config":${'['.repeat(10_000)}${']'.repeat(10_000)}}` }),
    code: 'MANIFEST_INVALID',
  },
  { name: 'fault 42: a size below 0', answer: size('-1'), code: 'MANIFEST_INVALID', says: ['size', '-1'] },
  {
    name: 'fault 42: a size that is no whole number',
    answer: size('1.5'),
    code: 'MANIFEST_INVALID',
    says: ['size', '1.5'],
  },
  {
    name: 'fault 42: a size above 2^53',
    answer: size('9007199254740993'),
    code: 'MANIFEST_INVALID',
    says: ['size'],
  },
  {
    name: 'fault 43: a path for a digest',
    answer: digest('sha256:../../../etc/passwd'),
    code: 'DIGEST_INVALID',
  },
  {
    name: 'fault 43: a digest in capitals',
    answer: digest(`sha256:${'A'.repeat(64)}`),
    code: 'DIGEST_INVALID',
  },
  { name: 'fault 43: a short digest', answer: digest('sha256:abc'), code: 'DIGEST_INVALID' },
  {
    name: 'fault 43: md5',
    answer: digest(`md5:${'0'.repeat(32)}`),
    code: 'DIGEST_UNSUPPORTED',
    says: ['md5'],
  },
];

test.concurrent.for(badManifests)('$name is $code', async ({ answer, ...kept }) => {
  const scene = await stage.openSynced();
  scene.repository.tags.set('new', 'sha256:unused' as Digest);
  scene.upstream.on(manifestRoute('new'), answer(scene));
  await expectKept(scene, await scene.sync(), kept);
  // none of these gets better by asking again
  expect(scene.upstream.requestsOf(manifestRoute('new'))).toHaveLength(1);
  expect(scene.upstream.requests.filter(({ path }) => path.includes('etc/passwd'))).toEqual([]);
});

test.concurrent('fault 4: a child that has other content than its digest says is not stored', async () => {
  const scene = await stage.openSynced();
  const child = addImage(scene.repository, { seed: `${scene.seed}-child`, layers: [500] });
  addIndex(scene.repository, { manifests: [child], tag: 'new' });
  const body = textOf(image(scene, 'other').document);
  scene.upstream.on(manifestRoute(child.digest), { headers: oci, body });
  const says = [child.digest, digestBytes(Buffer.from(body))];
  await expectKept(scene, await scene.sync(), { code: 'DIGEST_MISMATCH', says });
  const stored = await stage.harness.database.em
    .fork()
    .execute<{ raw: unknown }[]>('select raw from manifest where digest = ?', [child.digest]);
  expect(stored).toEqual([{ raw: null }]);
});

test.concurrent('fault 25: a gzipped manifest is stored as the bytes of its digest', async () => {
  const scene = await stage.openSynced();
  const body = Buffer.from(textOf(image(scene, 'zipped').document));
  const { digest: expected } = addManifest(scene.repository, body, mediaTypes.ociManifest, 'new');
  scene.upstream.on(manifestRoute('new'), {
    headers: { ...oci, 'content-encoding': 'gzip', 'docker-content-digest': expected },
    body: gzipSync(body),
  });
  expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
  expect((await stage.harness.tags(scene.ids.repositoryId, 2)).get('new')).toBe(expected);
  await readVersions(stage.harness, scene.ids.repositoryId);
});

test.concurrent('fault 40: schema 1 fails its tag, and the rest is synced', async () => {
  const scene = await stage.openSynced({ remote: { tagRules: {} } });
  addImage(scene.repository, { seed: `${scene.seed}-new`, layers: [500], tag: 'new' });
  const schema1 = { schemaVersion: 1, name: upstreamName, tag: 'old', fsLayers: [], history: [] };
  addManifest(scene.repository, schema1, mediaTypes.dockerSchema1Signed, 'old');
  const outcome = await scene.sync();
  expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
  expect([...(await stage.harness.tags(scene.ids.repositoryId, 2)).keys()]).toEqual(['good', 'multi', 'new']);
  expect(outcome.warnings).toEqual([expect.stringMatching(/tag "old" was skipped: .*schema 1/)]);
});
