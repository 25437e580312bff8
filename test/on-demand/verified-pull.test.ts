/** Pull-through under a signature policy: what signs an image comes with it, and what is not verified is not kept. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { noLogins } from '../../src/access/login-settings.ts';
import { Distribution } from '../../src/db/schema/distributions.ts';
import { SignaturePolicy } from '../../src/db/schema/signatures.ts';
import { addIndex } from '../../src/demo/sample-image.ts';
import type { Descriptor } from '../../src/oci/manifest/descriptor.ts';
import { openStageWithApi } from '../support/sync/stage-with-api.ts';
import type { StageWithApi } from '../support/sync/stage-with-api.ts';
import { upstreamName } from '../support/sync/stage.ts';
import { createSigner } from '../support/signatures/atomic-signature.ts';
import type { Signer } from '../support/signatures/atomic-signature.ts';
import { openFakeUpstream } from '../support/upstream/fake-upstream.ts';
import type { FakeUpstream } from '../support/upstream/fake-upstream.ts';
import { startHarnessApi } from '../support/api/harness-api.ts';
import type { HarnessApi } from '../support/api/harness-api.ts';
import { signWithBundle, signWithTag } from '../support/signatures/real-signatures.ts';
import { attach, companionName, signByTag } from '../support/signatures/signed-sample.ts';
import { key, stranger, nothing, throughScenes } from '../support/signatures/through-scene.ts';
import type { Sign, Wish } from '../support/signatures/through-scene.ts';

let stage: StageWithApi;
let api: HarnessApi;
let shared: HarnessApi;
let policyId: number;
let otherPolicyId: number;
let atomicPolicyId: number;
let signer: Signer;
let store: FakeUpstream;
beforeAll(async () => {
  stage = await openStageWithApi();
  ({ api } = stage);
  shared = await startHarnessApi(stage.harness, { logins: { ...noLogins, tokens: true } });
  const em = stage.harness.em();
  const policy = em.create(SignaturePolicy, { name: 'pulled', keys: [key.pem] });
  const other = em.create(SignaturePolicy, { name: 'also', keys: [stranger.pem] });
  [signer, store] = await Promise.all([createSigner(), openFakeUpstream({ fallback: { status: 404 } })]);
  const atomic = em.create(SignaturePolicy, {
    name: 'atomic',
    keys: [],
    openPgpKeys: [signer.publicKey],
    dockerReference: 'registry.example/library/app',
  });
  await em.flush();
  policyId = policy.id;
  atomicPolicyId = atomic.id;
  otherPolicyId = other.id;
});
afterAll(async () => {
  await Promise.all([shared?.close(), store?.close()]);
  await stage?.close();
});

const { openThrough } = throughScenes(() => ({
  stage,
  api,
  shared,
  policyId,
  otherPolicyId,
  atomicPolicyId,
  store,
}));

describe('a signed image is served at its first pull', () => {
  test.each<readonly [string, Sign, Wish]>([
    ['signed by a tag', (repository, image) => void signWithTag(repository, { image, key }), {}],
    [
      'signed by a tag, at an upstream without referrers',
      (repository, image) => void signWithTag(repository, { image, key }),
      { hasReferrers: false },
    ],
    ['signed by a referrer', (repository, image) => void signWithBundle(repository, { image, key }), {}],
    [
      'signed by a referrer that the fallback tag lists',
      (repository, image) => {
        const signature = signWithBundle(repository, { image, key });
        addIndex(repository, { manifests: [signature], tag: companionName(image) });
      },
      { hasReferrers: false },
    ],
    [
      'signed by two, of whom one is trusted',
      (repository, image) => {
        signWithBundle(repository, { image, key: stranger });
        signWithTag(repository, { image, key });
      },
      {},
    ],
  ])('%s', async (_what, sign, wish) => {
    const scene = await openThrough(sign, wish);
    expect(await scene.get('manifests/v1')).toMatchObject({ status: 200 });
    expect(await scene.get(`manifests/${scene.image.digest}`)).toMatchObject({ status: 200 });
    expect(await scene.get(`blobs/${scene.layer}`)).toMatchObject({ status: 200 });
    expect(await scene.kept()).toMatchObject({ latest: 1 });
  });

  test('by digest, with its signature and its SBOM', async () => {
    let sbom = '';
    const scene = await openThrough((repository, image) => {
      signWithTag(repository, { image, key });
      sbom = attach(repository, image, 'application/spdx+json').digest;
    });
    expect(await scene.get(`manifests/${scene.image.digest}`)).toMatchObject({ status: 200 });
    const asked = scene.upstream.requests.length;
    expect(await scene.get(`manifests/${companionName(scene.image, '.sig')}`)).toMatchObject({ status: 200 });
    expect((await scene.get(`referrers/${scene.image.digest}`)).text).toContain(sbom);
    expect(await scene.get(`manifests/${sbom}`)).toMatchObject({ status: 200 });
    expect(scene.upstream.requests).toHaveLength(asked);
  });

  test('its attestation is pulled through after it', async () => {
    const scene = await openThrough((repository, image) => {
      signWithTag(repository, { image, key });
      signByTag(repository, image, { suffix: '.att' });
    });
    const attestation = `manifests/${companionName(scene.image, '.att')}`;
    expect(await scene.get(attestation)).toMatchObject({ status: 403 });
    expect(await scene.get('manifests/v1')).toMatchObject({ status: 200 });
    expect(await scene.get(attestation)).toMatchObject({ status: 200 });
  });

  test('also where it was pulled through before there was a policy', async () => {
    const scene = await openThrough((repository, image) => void signWithTag(repository, { image, key }), {
      hasPolicy: false,
    });
    expect(await scene.get('manifests/v1')).toMatchObject({ status: 200 });
    await scene.setPolicy();
    expect(await scene.get('manifests/v1')).toMatchObject({ status: 200 });
    expect(await scene.kept()).toMatchObject({ latest: 2 });
  });

  test('by twenty clients at one time, as one version', async () => {
    const scene = await openThrough((repository, image) => void signWithTag(repository, { image, key }));
    const answers = await Promise.all(Array.from({ length: 20 }, () => scene.get('manifests/v1')));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(await scene.kept()).toMatchObject({ latest: 1 });
    const asked = scene.upstream.requests.filter(({ path }) => path.endsWith('/manifests/v1'));
    expect(asked).toHaveLength(1);
  });
});

describe('unverified content is refused, and nothing of it is stored', () => {
  test.each<readonly [string, Sign, RegExp]>([
    ['unsigned', () => undefined, /it has no signature\./],
    [
      'signed by another',
      (repository, image) => void signWithTag(repository, { image, key: stranger }),
      /of its signature, none of the trusted keys made/,
    ],
    [
      'with the signature of another image',
      (repository, image) =>
        void signWithBundle(repository, { image, key, claims: `sha256:${'a'.repeat(64)}` }),
      /of its signature, /,
    ],
  ])('%s', async (_what, sign, message) => {
    const scene = await openThrough(sign);
    expect(await scene.denied('v1')).toMatch(message);
    expect(await scene.denied(scene.image.digest)).toMatch(message);
    expect(await scene.kept()).toEqual(nothing);
    expect(await scene.get('tags/list')).toMatchObject({ text: expect.stringContaining('"tags":[]') });
    expect(await scene.get(`blobs/${scene.layer}`)).toMatchObject({ status: 404 });
  });

  test('until the distribution’s own policy verifies it too', async () => {
    const scene = await openThrough((repository, image) => void signWithTag(repository, { image, key }));
    await stage.harness
      .em()
      .nativeUpdate(
        Distribution,
        { repositoryId: scene.ids.repositoryId },
        { signaturePolicyId: otherPolicyId },
      );
    expect(await scene.denied('v1')).toMatch(/none of the trusted keys made/);
    expect(await scene.kept()).toEqual(nothing);
    signWithBundle(scene.repository, { image: scene.image, key: stranger });
    expect(await scene.get('manifests/v1')).toMatchObject({ status: 200 });
    expect(await scene.kept()).toMatchObject({ latest: 1 });
  });

  test('until it is signed', async () => {
    const scene = await openThrough(() => undefined);
    await scene.denied('v1');
    signWithTag(scene.repository, { image: scene.image, key });
    expect(await scene.get('manifests/v1')).toMatchObject({ status: 200 });
  });

  test.each<readonly [string, (image: Descriptor) => string]>([
    ['what refers to it', ({ digest }) => `/referrers/${digest}`],
    ['its signature', (image) => `/manifests/${companionName(image, '.sig')}`],
  ])('while %s cannot be read', async (_what, path) => {
    const scene = await openThrough((repository, image) => {
      if (path(image).includes('referrers')) signWithBundle(repository, { image, key });
      else signWithTag(repository, { image, key });
    });
    const route = `GET /v2/${upstreamName}${path(scene.image)}`;
    scene.upstream.on(route, { status: 500 }, { status: 500 });
    expect(await scene.denied('v1')).toMatch(/what signs it could not be read: .*500/);
    expect(await scene.kept()).toEqual(nothing);
  });

  test('while the content of its signature cannot be had', async () => {
    let payload = '';
    const scene = await openThrough((repository, image) => {
      const { digest } = signWithTag(repository, { image, key });
      const document = JSON.parse(String(repository.manifests.get(digest)?.bytes)) as {
        layers: Descriptor[];
      };
      payload = document.layers[0]?.digest ?? '';
    });
    scene.upstream.on(`GET /v2/${upstreamName}/blobs/${payload}`, { status: 404 });
    expect(await scene.denied('v1')).toMatch(/what signs it could not be read: .*404/);
    expect(await scene.kept()).toEqual(nothing);
  });
});

test('a signature is not read from what another repository holds', async () => {
  let payload = '';
  const sign: Sign = (repository, image) => {
    const { digest } = signWithTag(repository, { image, key });
    const document = JSON.parse(String(repository.manifests.get(digest)?.bytes)) as { layers: Descriptor[] };
    payload = document.layers[0]?.digest ?? '';
  };
  const scene = await openThrough(sign, { hasPolicy: false, isShared: true });
  // another's upstream has the payload, this one says so only
  const other = await stage.open({ repository: scene.repository });
  expect((await other.sync()).task.state).toBe('COMPLETED');
  scene.upstream.on(`GET /v2/${upstreamName}/blobs/${payload}`, { status: 404 });
  for (const reference of ['v1', companionName(scene.image, '.sig')])
    expect(await scene.get(`manifests/${reference}`)).toMatchObject({ status: 200 });
  await scene.setPolicy();
  expect(await scene.denied('v1')).toMatch(/404/);
});
