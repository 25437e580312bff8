/** Pull-through under a signature policy: what signs an image comes with it, and what is not verified is not kept. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { noLogins } from '../../src/access/login-settings.ts';
import { SignaturePolicy } from '../../src/db/schema/signatures.ts';
import type { Descriptor } from '../../src/oci/manifest/descriptor.ts';
import { pull } from '../support/api/pull.ts';
import { openStageWithApi } from '../support/sync/stage-with-api.ts';
import type { StageWithApi } from '../support/sync/stage-with-api.ts';
import { expectFitForPeople, upstreamName } from '../support/sync/stage.ts';
import { atomicPayload, createSigner } from '../support/signatures/atomic-signature.ts';
import type { Signer } from '../support/signatures/atomic-signature.ts';
import { json, openFakeUpstream } from '../support/upstream/fake-upstream.ts';
import type { Answer, FakeUpstream } from '../support/upstream/fake-upstream.ts';
import { startHarnessApi } from '../support/api/harness-api.ts';
import type { HarnessApi } from '../support/api/harness-api.ts';
import { signWithTag } from '../support/signatures/real-signatures.ts';
import { answersWithReferrers } from '../support/signatures/signed-sample.ts';
import { until } from '../support/until.ts';
import { key, stranger, nothing, throughScenes } from '../support/signatures/through-scene.ts';

let stage: StageWithApi;
let api: HarnessApi;
let shared: HarnessApi;
let policyId: number;
let otherPolicyId: number;
let atomicPolicyId: number;
let signer: Signer;
let otherSigner: Signer;
let store: FakeUpstream;
beforeAll(async () => {
  stage = await openStageWithApi();
  ({ api } = stage);
  shared = await startHarnessApi(stage.harness, { logins: { ...noLogins, tokens: true } });
  const em = stage.harness.em();
  const policy = em.create(SignaturePolicy, { name: 'pulled', keys: [key.pem] });
  const other = em.create(SignaturePolicy, { name: 'also', keys: [stranger.pem] });
  [signer, otherSigner, store] = await Promise.all([
    createSigner(),
    createSigner(),
    openFakeUpstream({ fallback: { status: 404 } }),
  ]);
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

type Through = Awaited<ReturnType<typeof openThrough>>;

const storeRoute = ({ digest }: Descriptor, number: number) =>
  `GET /${upstreamName}@${digest.replace(':', '=')}/signature-${number}`;

/** Gives an image atomic signatures, where the scene's upstream has them. */
function giveAtomic({ image, upstream }: Through, where: 'store' | 'extension', contents: readonly Buffer[]) {
  if (where === 'store') {
    for (const [index, body] of contents.entries()) store.on(storeRoute(image, index + 1), { body });
    return;
  }
  const signatures = contents.map((content, index) => ({
    schemaVersion: 2,
    name: `${image.digest}@${index}`,
    type: 'atomic',
    content: content.toString('base64'),
  }));
  upstream.on('GET /v2/', json({}, { 'x-registry-supports-signatures': '1' }));
  upstream.on(`GET /extensions/v2/${upstreamName}/signatures/${image.digest}`, json({ signatures }));
}

describe('an image with atomic signatures', () => {
  test.each(['store', 'extension'] as const)(
    'of the %s is served at its first pull, with them',
    async (where) => {
      const scene = await openThrough(() => undefined, { atomic: where });
      const payload = atomicPayload(scene.image.digest);
      const contents = [await otherSigner.sign(payload), await signer.sign(payload)];
      giveAtomic(scene, where, contents);
      expect(await scene.get('manifests/v1')).toMatchObject({ status: 200 });
      expect(await scene.get(`blobs/${scene.layer}`)).toMatchObject({ status: 200 });
      expect(await scene.kept()).toMatchObject({ latest: 1 });
      const { signatures } = JSON.parse(await scene.served()) as { signatures: { content: string }[] };
      expect(signatures.map(({ content }) => content).sort()).toEqual(
        contents.map((content) => content.toString('base64')).sort(),
      );
    },
  );

  test('is served once it is signed, where it was pulled through before there was a policy', async () => {
    const scene = await openThrough(() => undefined, { atomic: 'store', hasPolicy: false });
    expect(await scene.get('manifests/v1')).toMatchObject({ status: 200 });
    await scene.setPolicy();
    expect(await scene.denied('v1')).toMatch(/it has no signature/);
    giveAtomic(scene, 'store', [await signer.sign(atomicPayload(scene.image.digest))]);
    expect(await scene.get('manifests/v1')).toMatchObject({ status: 200 });
    expect(await scene.kept()).toMatchObject({ latest: 2 });
  });

  test.each<readonly [string, (scene: Through) => Promise<Answer | undefined>, RegExp]>([
    [
      'of another key',
      async ({ image }) => ({ body: await otherSigner.sign(atomicPayload(image.digest)) }),
      /of its signature, /,
    ],
    [
      'of another image',
      async () => ({ body: await signer.sign(atomicPayload(`sha256:${'a'.repeat(64)}`)) }),
      /names sha256:a+/,
    ],
    [
      'that are none',
      () => Promise.resolve({ body: 'no OpenPGP' }),
      /what signs it could not be read: .*OpenPGP/,
    ],
    ['that cannot be read', () => Promise.resolve({ status: 500 }), /what signs it could not be read: .*500/],
  ])('%s is refused, and nothing of it is kept', async (_what, answer, message) => {
    const scene = await openThrough(() => undefined, { atomic: 'store' });
    store.on(storeRoute(scene.image, 1), ...[await answer(scene)].flatMap((one) => one ?? []));
    expect(await scene.denied('v1')).toMatch(message);
    expect(await scene.kept()).toEqual(nothing);
  });

  test('has no more than a hundred of them read', async () => {
    const scene = await openThrough(() => undefined, { atomic: 'store' });
    const body = await otherSigner.sign(atomicPayload(scene.image.digest));
    for (let number = 1; number <= 150; number += 1) store.on(storeRoute(scene.image, number), { body });
    expect(await scene.get('manifests/v1')).toMatchObject({
      status: 403,
      text: expect.stringContaining('more than 100 atomic signatures'),
    });
    expect(store.requestsOf(storeRoute(scene.image, 101))).not.toEqual([]);
    expect(store.requestsOf(storeRoute(scene.image, 102))).toHaveLength(0);
  });

  test('of a policy that trusts no OpenPGP key is looked for nowhere', async () => {
    const scene = await openThrough((repository, image) => void signWithTag(repository, { image, key }));
    expect(await scene.get('manifests/v1')).toMatchObject({ status: 200 });
    expect(scene.upstream.requests.filter(({ path }) => path === '/v2/')).toEqual([]);
  });
});

test('a pull that takes too long is answered 503 with the reason, and the next one gets what was begun', async () => {
  const impatient = await startHarnessApi(stage.harness, { waitMaxMs: 50 });
  try {
    const scene = await openThrough((repository, image) => void signWithTag(repository, { image, key }));
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
    const answers = answersWithReferrers(scene.repository);
    scene.upstream.on(
      `GET /v2/${upstreamName}/referrers/${scene.image.digest}`,
      async (request, response) => {
        await held;
        if (typeof answers === 'function') await answers(request, response);
      },
    );
    const path = `/v2/${scene.name}/manifests/v1`;
    const late = await pull(impatient.url, { path });
    expect(late.status).toBe(503);
    expect(Number(late.headers['retry-after'])).toBeGreaterThan(0);
    const { errors } = JSON.parse(late.body.toString()) as { errors: { code: string; message: string }[] };
    expect(errors).toMatchObject([{ code: 'UNAVAILABLE', message: expect.stringContaining('"v1"') }]);
    expect(errors[0]?.message).toMatch(/is being fetched with its signatures.*Try again/);
    expectFitForPeople(errors[0]?.message ?? '');
    expect(await scene.kept()).toEqual(nothing);
    letGo();
    await until(async () => (await pull(impatient.url, { path })).status === 200);
    const asked = scene.upstream.requestsOf(`GET /v2/${upstreamName}/manifests/v1`);
    expect(asked).toHaveLength(1);
  } finally {
    await impatient.close();
  }
});
