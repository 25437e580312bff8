/** Syncs under a signature policy: what is verified comes, what is not stays as it was. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Repository } from '../../../src/db/schema/repositories.ts';
import { SignaturePolicy } from '../../../src/db/schema/signatures.ts';
import { addImage, addIndex, createSampleRepository } from '../../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../../src/demo/sample-image.ts';
import type { Descriptor } from '../../../src/oci/manifest/descriptor.ts';
import { openStage, upstreamName } from '../../support/sync/stage.ts';
import type { Stage } from '../../support/sync/stage.ts';
import { atomicPayload, createSigner } from '../../support/signatures/atomic-signature.ts';
import { openFakeUpstream } from '../../support/upstream/fake-upstream.ts';
import { signWithBundle, signWithTag } from '../../support/signatures/real-signatures.ts';
import { companionName } from '../../support/signatures/signed-sample.ts';
import { key, stranger, tagsOf, policyScenes } from '../../support/signatures/policy-scenes.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());
let seeds = 0;

function image(repository: SampleRepository, tag?: string): Descriptor {
  seeds += 1;
  const seed = `signature-policy-${process.pid}-${seeds}`;
  return addImage(repository, { seed, layers: [500], ...(tag === undefined ? {} : { tag }) });
}

const { open } = policyScenes(() => ({ stage }));

test('a signed index is verified without some of its images; one that is not verified keeps what it has', async () => {
  const repository = createSampleRepository();
  const [amd64, arm64] = ['amd64', 'arm64'].map((architecture) =>
    addImage(repository, {
      seed: `sparse-${architecture}`,
      layers: [500],
      platform: { os: 'linux', architecture },
    }),
  ) as [Descriptor, Descriptor];
  const index = addIndex(repository, { manifests: [amd64, arm64], tag: 'multi' });
  const { digest } = signWithTag(repository, { image: index, key });
  const scene = await open(repository, { remote: { tagRules: { platforms: ['linux/amd64'] } } });
  const { repositoryId, remoteId } = scene.ids;
  const content = (version: number) => stage.harness.content(repositoryId, version, 'manifest');
  expect(await scene.sync()).toMatchObject({ task: { createdVersion: 1 }, warnings: [] });
  expect(await content(1)).toEqual([amd64.digest, index.digest, digest].sort());
  const em = scene.harness.em();
  const user = await em.findOneOrFail(Repository, { id: repositoryId });
  const { signaturePolicyId } = user;
  const other = em.create(SignaturePolicy, { name: `${scene.seed}-other`, keys: [stranger.pem] });
  await em.flush();
  user.signaturePolicyId = other.id;
  await em.flush();
  await stage.harness.updateRemote(remoteId, { tagRules: {} });
  expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
  user.signaturePolicyId = signaturePolicyId ?? null;
  await em.flush();
  expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
  expect(await content(2)).toEqual([amd64.digest, arm64.digest, index.digest, digest].sort());
});

test('an image that only refers to a signed one is not verified by that', async () => {
  const repository = createSampleRepository();
  const good = image(repository, 'good');
  signWithTag(repository, { image: good, key });
  const { mediaType, digest, size } = good;
  seeds += 1;
  addImage(repository, {
    seed: `evil-${process.pid}-${seeds}`,
    layers: [500],
    subject: { mediaType, digest, size },
    tag: 'evil',
  });
  const scene = await open(repository);
  await scene.sync();
  expect(Object.keys(await tagsOf(scene, 1)).sort()).toEqual(['good', companionName(good, '.sig')].sort());
});

test('fault 59: a signature whose payload names another manifest verifies neither', async () => {
  const repository = createSampleRepository();
  const one = image(repository, 'one');
  const two = image(repository, 'two');
  signWithTag(repository, { image: one, key, claims: two.digest });
  signWithBundle(repository, { image: one, key, claims: two.digest });
  const scene = await open(repository);
  const { warnings } = await scene.sync();
  expect(await tagsOf(scene, 1)).toEqual({});
  expect(warnings).toEqual([
    expect.stringContaining(`it was made for ${two.digest}, which is another manifest`),
    expect.stringContaining('"two"'),
  ]);
});

describe('atomic signatures', () => {
  test.each(['SKIP_TAG', 'FAIL_SYNC'] as const)(
    'fault 63: one that cannot be fetched is none, and the reason is said: %s',
    async (onFailure) => {
      const repository = createSampleRepository();
      const app = image(repository, 'app');
      const signer = await createSigner();
      const store = await openFakeUpstream({ fallback: { status: 403, body: 'no' } });
      const scene = await open(repository, {
        onFailure,
        remote: { sigstore: store.url },
        policy: {
          keys: [],
          openPgpKeys: [signer.publicKey],
          dockerReference: 'registry.example/library/app',
        },
      });
      const refused = await scene.sync();
      const said = [refused.task.errorMessage ?? '', ...refused.warnings].join('\n');
      expect(said).toMatch(
        new RegExp(`The tag "app" \\(${app.digest}\\).*Signatures of ${app.digest} were left out:.*403`),
      );
      expect(refused.task).toMatchObject(
        onFailure === 'SKIP_TAG'
          ? { state: 'FAILED', errorCode: 'NOTHING_SELECTED' }
          : { state: 'FAILED', errorCode: 'SIGNATURE_REQUIRED' },
      );
      expect(refused.latest).toBe(0);
      // the store has come back
      store.on(`GET /${upstreamName}@${app.digest.replace(':', '=')}/signature-1`, {
        body: await signer.sign(atomicPayload(app.digest)),
      });
      store.on(`GET /${upstreamName}@${app.digest.replace(':', '=')}/signature-2`, { status: 404 });
      await scene.sync();
      await store.close();
      expect(await tagsOf(scene, 1)).toEqual({ app: app.digest });
    },
  );

  test('verify the manifests that they name, if they name the repository', async () => {
    const repository = createSampleRepository();
    const app = image(repository, 'app');
    const other = image(repository, 'other');
    const signer = await createSigner();
    const store = await openFakeUpstream({ fallback: { status: 404 } });
    for (const { digest } of [app, other])
      store.on(`GET /${upstreamName}@${digest.replace(':', '=')}/signature-1`, {
        body: await signer.sign(atomicPayload(digest)),
      });
    const policy = {
      keys: [],
      openPgpKeys: [signer.publicKey],
      dockerReference: 'registry.example/library/app',
    };
    const scene = await open(repository, { remote: { sigstore: store.url }, policy });
    const outcome = await scene.sync();
    expect(outcome.warnings).toEqual([]);
    expect(await tagsOf(scene, 1)).toEqual({ app: app.digest, other: other.digest });
    // the same under a policy that goes by the upstream's own name, which these signatures do not have
    const strict = await open(repository, {
      remote: { sigstore: store.url },
      policy: { ...policy, dockerReference: null },
    });
    const refused = await strict.sync();
    await store.close();
    expect(await tagsOf(strict, 1)).toEqual({});
    expect(refused.warnings[0]).toContain(
      `it is for "registry.example/library/app:v1", and not for "${new URL(strict.upstream.url).host}/${upstreamName}"`,
    );
  });
});
