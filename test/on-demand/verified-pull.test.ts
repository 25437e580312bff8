/** Pull-through under a signature policy: what signs an image comes with it, and what is not verified is not kept. */
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { noLogins } from '../../src/access/login-settings.ts';
import { Distribution } from '../../src/db/schema/distributions.ts';
import { Repository } from '../../src/db/schema/repositories.ts';
import { SignaturePolicy } from '../../src/db/schema/signatures.ts';
import { kysely } from '../../src/db/sql.ts';
import { addImage, addIndex, createSampleRepository } from '../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../src/demo/sample-image.ts';
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
import { createCosignKey, signWithBundle, signWithTag } from '../support/signatures/real-signatures.ts';
import {
  answersWithReferrers,
  attach,
  companionName,
  signByTag,
} from '../support/signatures/signed-sample.ts';
import { until } from '../support/until.ts';

const key = createCosignKey();
const stranger = createCosignKey();

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

type Sign = (repository: SampleRepository, image: Descriptor) => void;

interface Wish {
  readonly hasReferrers?: boolean;
  readonly hasPolicy?: boolean;
  /** Whether several tenants share the server: logins are on. */
  readonly isShared?: boolean;
  /** Atomic signatures are trusted, and nothing else; looked for in the store, or by the extension of the upstream. */
  readonly atomic?: 'store' | 'extension';
}

let scenes = 0;

/** An empty repository with a policy; its upstream has `v1`, an image that `sign` signs or not. */
async function openThrough(
  sign: Sign,
  { hasReferrers = true, hasPolicy = true, isShared = false, atomic }: Wish = {},
) {
  scenes += 1;
  const repository = createSampleRepository();
  const image = addImage(repository, {
    seed: `verified-${process.pid}-${scenes}`,
    layers: [2_000],
    tag: 'v1',
  });
  sign(repository, image);
  const scene = await stage.open({
    repository,
    remote: { policy: 'ON_DEMAND', maxRetries: 0, ...(atomic === 'store' ? { sigstore: store.url } : {}) },
    ...(hasReferrers ? { upstream: { fallback: answersWithReferrers(repository) } } : {}),
  });
  const { repositoryId } = scene.ids;
  const em = stage.harness.em();
  const distribution = await em.findOneOrFail(Distribution, { repositoryId });
  distribution.pullThrough = true;
  await em.flush();
  const setPolicy = () =>
    stage.harness
      .em()
      .nativeUpdate(
        Repository,
        { id: repositoryId },
        { signaturePolicyId: atomic === undefined ? policyId : atomicPolicyId },
      );
  if (hasPolicy) await setPolicy();
  /** Asks again after a 503: a busy machine needs more time to check signatures than one pull has. */
  const get = async (path: string): Promise<{ status: number; text: string }> => {
    const { status, body } = await pull((isShared ? shared : api).url, {
      path: `/v2/${distribution.basePath}/${path}`,
    });
    return status === 503 ? get(path) : { status, text: body.toString() };
  };
  return {
    ...scene,
    image,
    get,
    setPolicy,
    layer: (JSON.parse(String(repository.manifests.get(image.digest)?.bytes)) as { layers: Descriptor[] })
      .layers[0]?.digest,
    denied: async (reference: string) => {
      const { status, text } = await get(`manifests/${reference}`);
      expect(status).toBe(403);
      const { errors } = JSON.parse(text) as { errors: { code: string; message: string }[] };
      expect(errors).toMatchObject([{ code: 'DENIED' }]);
      expectFitForPeople(errors[0]?.message ?? '');
      return errors[0]?.message;
    },
    /** What the extension of `/v2/` lists. */
    served: async () => {
      const path = `/extensions/v2/${distribution.basePath}/signatures/${image.digest}`;
      return (await pull(api.url, { path })).body.toString();
    },
    /** Versions, and rows of what is in them. */
    kept: async () => {
      const found = await sql<{ latest: number; members: number }>`
        select r.latest, (select count(*) from membership m where m.repository_id = r.id) as members
        from repository r where r.id = ${repositoryId}`.execute(kysely(stage.harness.em()));
      return found.rows[0];
    },
  };
}

const nothing = { latest: 0, members: 0 };

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
