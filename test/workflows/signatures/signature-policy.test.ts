/** Syncs under a signature policy: what is verified comes, what is not stays as it was. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Remote } from '../../../src/db/schema/remotes.ts';
import { Repository } from '../../../src/db/schema/repositories.ts';
import { SignaturePolicy } from '../../../src/db/schema/signatures.ts';
import type { SignatureFailure } from '../../../src/db/schema/signatures.ts';
import {
  addImage,
  addIndex,
  createSampleRepository,
  moveTag,
  removeTag,
} from '../../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../../src/demo/sample-image.ts';
import type { Descriptor } from '../../../src/oci/manifest/descriptor.ts';
import { openStage, upstreamName } from '../../support/sync/stage.ts';
import type { Scene, Stage } from '../../support/sync/stage.ts';
import { atomicPayload, createSigner } from '../../support/signatures/atomic-signature.ts';
import { openFakeUpstream } from '../../support/upstream/fake-upstream.ts';
import { createCosignKey, signWithBundle, signWithTag } from '../../support/signatures/real-signatures.ts';
import { answersWithReferrers, companionName } from '../../support/signatures/signed-sample.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

const key = createCosignKey();
const stranger = createCosignKey();
let seeds = 0;

function image(repository: SampleRepository, tag?: string): Descriptor {
  seeds += 1;
  const seed = `signature-policy-${process.pid}-${seeds}`;
  return addImage(repository, { seed, layers: [500], ...(tag === undefined ? {} : { tag }) });
}

interface Wish {
  readonly on?: 'repository' | 'remote';
  readonly onFailure?: SignatureFailure;
  readonly policy?: Partial<SignaturePolicy>;
  readonly remote?: Partial<Remote>;
}

async function open(
  repository: SampleRepository,
  { on = 'repository', onFailure = 'SKIP_TAG', ...wish }: Wish = {},
): Promise<Scene> {
  const scene = await stage.open({
    repository,
    upstream: { fallback: answersWithReferrers(repository) },
    ...(wish.remote === undefined ? {} : { remote: wish.remote }),
  });
  const em = scene.harness.em();
  const policy = em.create(SignaturePolicy, { name: scene.seed, keys: [key.pem], onFailure, ...wish.policy });
  await em.flush();
  const user =
    on === 'remote'
      ? await em.findOneOrFail(Remote, { id: scene.ids.remoteId })
      : await em.findOneOrFail(Repository, { id: scene.ids.repositoryId });
  user.signaturePolicyId = policy.id;
  await em.flush();
  return scene;
}

async function tagsOf({ harness, ids }: Scene, version: number): Promise<Record<string, string>> {
  return Object.fromEntries(await harness.tags(ids.repositoryId, version));
}

describe.each(['repository', 'remote'] as const)('a policy on the %s', (on) => {
  test('brings what is signed, in whichever form, and leaves out what is not, with the reason', async () => {
    const repository = createSampleRepository();
    const tagged = image(repository, 'tagged');
    const bundled = image(repository, 'bundled');
    const unsigned = image(repository, 'unsigned');
    const foreign = image(repository, 'foreign');
    const sig = signWithTag(repository, { image: tagged, key });
    signWithBundle(repository, { image: bundled, key });
    signWithTag(repository, { image: foreign, key: stranger });
    const scene = await open(repository, { on });
    const outcome = await scene.sync();
    expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: 1, errorMessage: null });
    expect(await tagsOf(scene, 1)).toEqual({
      tagged: tagged.digest,
      bundled: bundled.digest,
      [companionName(tagged, '.sig')]: sig.digest,
    });
    expect(outcome.summary?.present.signatures).toBe(2);
    expect(outcome.warnings).toEqual([
      `The tag "foreign" (${foreign.digest}) is not verified: none of the trusted keys made the signature. It was left out.`,
      `The tag "unsigned" (${unsigned.digest}) is not verified: it has no signature. It was left out.`,
    ]);
    expect(await stage.harness.content(scene.ids.repositoryId, 1, 'manifest')).not.toContain(unsigned.digest);
    // nothing has changed: the same answer, and no version
    expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
  });
});

test('the policy of the repository takes the place of its remote’s', async () => {
  const repository = createSampleRepository();
  const app = image(repository, 'app');
  signWithTag(repository, { image: app, key });
  const scene = await open(repository, { on: 'remote', policy: { keys: [stranger.pem] } });
  const em = scene.harness.em();
  const own = em.create(SignaturePolicy, { name: `${scene.seed}-own`, keys: [key.pem] });
  await em.flush();
  (await em.findOneOrFail(Repository, { id: scene.ids.repositoryId })).signaturePolicyId = own.id;
  await em.flush();
  await scene.sync();
  expect(await tagsOf(scene, 1)).toMatchObject({ app: app.digest });
});

describe.each([false, true])('mirror: %s', (mirror) => {
  test('a tag that moved to an unsigned image keeps its old one, with the signature', async () => {
    const repository = createSampleRepository();
    const old = image(repository, 'app');
    const sig = signWithTag(repository, { image: old, key });
    const scene = await open(repository);
    await scene.sync({ mirror });
    const before = await tagsOf(scene, 1);
    const fresh = image(repository);
    moveTag(repository, 'app', fresh);
    removeTag(repository, companionName(old, '.sig'));
    const outcome = await scene.sync({ mirror });
    expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
    expect(outcome.warnings).toEqual([
      `The tag "app" (${fresh.digest}) is not verified: it has no signature. It stays at ${old.digest}, as it was.`,
    ]);
    expect(await tagsOf(scene, 1)).toEqual(before);
    expect(before).toEqual({ app: old.digest, [companionName(old, '.sig')]: sig.digest });

    // once it is signed it comes
    signWithTag(repository, { image: fresh, key });
    expect((await scene.sync({ mirror })).task).toMatchObject({ createdVersion: 2 });
    expect(await tagsOf(scene, 2)).toMatchObject({ app: fresh.digest });
  });
});

describe('an index', () => {
  test('that is signed brings its children; a child that is signed does not bring the index', async () => {
    const repository = createSampleRepository();
    const children = [image(repository), image(repository)];
    const signedIndex = addIndex(repository, { manifests: children, tag: 'signed' });
    const [child] = children;
    if (child === undefined) throw new Error('no child');
    moveTag(repository, 'child', child);
    const others = [image(repository)];
    addIndex(repository, { manifests: others, tag: 'unsigned' });
    for (const other of others) signWithTag(repository, { image: other, key });
    signWithTag(repository, { image: signedIndex, key });
    const scene = await open(repository);
    const { warnings } = await scene.sync();
    expect(Object.keys(await tagsOf(scene, 1)).sort()).toEqual(
      ['child', 'signed', companionName(signedIndex, '.sig')].sort(),
    );
    expect(warnings).toEqual([expect.stringContaining('"unsigned"')]);
  });
});

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

describe('FAIL_SYNC', () => {
  test('changes nothing, and names a tag and why', async () => {
    const repository = createSampleRepository();
    const good = image(repository, 'good');
    signWithTag(repository, { image: good, key });
    const scene = await open(repository, { onFailure: 'FAIL_SYNC' });
    expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
    const before = await tagsOf(scene, 1);
    const bad = image(repository, 'bad');
    const { task, latest } = await scene.sync();
    expect(task).toMatchObject({ state: 'FAILED', errorCode: 'SIGNATURE_REQUIRED' });
    expect(task.errorMessage).toContain(`The tag "bad" (${bad.digest}): it has no signature.`);
    expect(latest).toBe(1);
    expect(await tagsOf(scene, 1)).toEqual(before);
  });
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

test('one warning names like tags and counts them, and another one those beyond fifty', async () => {
  const repository = createSampleRepository();
  const unsigned = image(repository);
  for (let n = 100; n < 170; n += 1) moveTag(repository, `tag-${n}`, unsigned);
  const scene = await open(repository);
  const { warnings } = await scene.sync();
  expect(warnings).toEqual([
    expect.stringMatching(
      /^The tag "tag-100" .* The same holds for 49 more: tag-101, .*, tag-110 and 39 others\.$/,
    ),
    '20 more tags are not verified. Each was left out, or stays as it was.',
  ]);
});

test('a verified manifest is checked again only after the policy’s keys change', async () => {
  const repository = createSampleRepository();
  const app = image(repository, 'app');
  signWithTag(repository, { image: app, key });
  const scene = await open(repository);
  await scene.sync();
  const em = scene.harness.em();
  // a verdict that no check would give shows whether there was one
  await em.execute(`update signature_verdict set verified_by = null, reason = 'as it was kept'
    where policy_id = (select id from signature_policy where name = '${scene.seed}')`);
  const { warnings } = await scene.sync();
  expect(warnings).toEqual([
    `The tag "app" (${app.digest}) is not verified: as it was kept. The repository already has it and keeps it.`,
  ]);
  await em.execute(`update signature_policy set revision = 2 where name = '${scene.seed}'`);
  expect((await scene.sync()).warnings).toEqual([]);
});
