/** cosign's tags and referrers follow the images that they belong to: whatever the filters say, in, with and out. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addIndex, moveTag, removeTag } from '../../../src/demo/sample-image.ts';
import { openStage, readVersions, upstreamName } from '../../support/sync/stage.ts';
import type { Scene, Stage } from '../../support/sync/stage.ts';
import {
  answersWithReferrers,
  attach,
  companionName,
  removeManifest,
  signByReferrer,
  signByTag,
} from '../../support/signatures/signed-sample.ts';
import { sample, isSibling } from '../../support/signatures/signed-index.ts';
import type { Signed } from '../../support/signatures/signed-index.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

async function openSigned(signed: Signed, remote: object = {}, hasApi = false): Promise<Scene> {
  const upstream = hasApi ? { fallback: answersWithReferrers(signed.repository) } : {};
  return stage.open({ repository: signed.repository, remote, upstream });
}

const tagsOf = async (scene: Scene, version: number) =>
  [...(await scene.harness.tags(scene.ids.repositoryId, version)).keys()].sort();
const manifestsOf = async (scene: Scene, version: number) =>
  scene.harness.content(scene.ids.repositoryId, version, 'manifest');

describe.each([
  ['a wildcard', ['v*', 'multi*']],
  ['exact names', ['v1', 'multi']],
  ['a wildcard, and signatures excluded', ['v*', 'multi*'], ['sha256-*']],
])('tags of cosign, with %s', (_, includeTags, excludeTags?: string[]) => {
  const filters = { includeTags, excludeTags: excludeTags ?? null };

  test.concurrent('come with the image, its index and the children, and not those of other images', async () => {
    const signed = sample();
    const { repository, image, index, child, other } = signed;
    for (const manifest of [image, index, child, other]) signByTag(repository, manifest);
    signByTag(repository, image, { suffix: '.att' });
    signByTag(repository, index, { suffix: '.sbom' });
    const scene = await openSigned(signed, filters);
    const outcome = await scene.sync();
    expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: 1, errorMessage: null });
    expect(outcome.warnings).toEqual([]);
    expect(await tagsOf(scene, 1)).toEqual(
      [
        'v1',
        'multi',
        companionName(image, '.sig'),
        companionName(image, '.att'),
        companionName(index, '.sig'),
        companionName(index, '.sbom'),
        companionName(child, '.sig'),
      ].sort(),
    );
    expect(outcome.summary?.present).toMatchObject({ tags: 7, signatures: 3 });
    expect(outcome.counts?.signaturesDone).toBe(3);
    const again = await scene.sync({ mirror: true });
    expect(again.task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
    expect(again.counts?.signaturesDone).toBe(3);
  });

  test.concurrent('a new signature on an old image makes a version; one that is gone leaves a mirror only', async () => {
    const signed = sample();
    const scene = await openSigned(signed, filters);
    expect((await scene.sync()).summary?.present.signatures).toBe(0);
    signByTag(signed.repository, signed.image);
    const added = await scene.sync();
    expect(added.task.createdVersion).toBe(2);
    expect(added.summary?.added).toEqual({ blobs: 2, manifests: 1, tags: 1, signatures: 1 });
    removeTag(signed.repository, companionName(signed.image, '.sig'));
    expect((await scene.sync()).task.createdVersion).toBe(null);
    const mirrored = await scene.sync({ mirror: true });
    expect(mirrored.task.createdVersion).toBe(3);
    expect(mirrored.summary?.removed).toEqual({ blobs: 2, manifests: 1, tags: 1, signatures: 1 });
  });

  test.concurrent('leave with their image in a mirror', async () => {
    const signed = sample();
    signByTag(signed.repository, signed.index);
    signByTag(signed.repository, signed.child);
    const scene = await openSigned(signed, filters);
    await scene.sync();
    removeTag(signed.repository, 'multi');
    const mirrored = await scene.sync({ mirror: true });
    expect(await tagsOf(scene, 2)).toEqual(['v1']);
    expect(mirrored.summary?.present).toMatchObject({ tags: 1, manifests: 1, signatures: 0 });
    expect(mirrored.summary?.removed).toMatchObject({ tags: 3, manifests: 5, signatures: 2 });
  });
});

test('an additive sync keeps the signature of an image whose tag has moved', async () => {
  const signed = sample();
  const signature = signByTag(signed.repository, signed.image);
  const scene = await openSigned(signed, { includeTags: ['v*'] });
  await scene.sync();
  moveTag(signed.repository, 'v1', signed.other);
  const outcome = await scene.sync();
  expect(outcome.summary?.present).toMatchObject({ tags: 2, signatures: 1 });
  expect(await manifestsOf(scene, 2)).toContain(signature.digest);
  expect(await tagsOf(scene, 2)).toContain(companionName(signed.image, '.sig'));
});

test('with every tag selected, a signature whose image is gone stays as long as upstream has its tag', async () => {
  const signed = sample();
  signByTag(signed.repository, signed.image);
  const scene = await openSigned(signed);
  expect((await scene.sync()).summary?.present).toMatchObject({ tags: 4, signatures: 1 });
  removeTag(signed.repository, 'v1');
  const mirrored = await scene.sync({ mirror: true });
  expect(await tagsOf(scene, 2)).toEqual([companionName(signed.image, '.sig'), 'multi', 'other'].sort());
  // it signs nothing that is here
  expect(mirrored.summary?.present.signatures).toBe(0);
  expect((await scene.sync({ mirror: true })).task.createdVersion).toBe(null);
});

test('a signature that is signed more than once moves its tag: one signature manifest, counted once', async () => {
  const signed = sample();
  signByTag(signed.repository, signed.image);
  const scene = await openSigned(signed, { includeTags: ['v*'] });
  await scene.sync();
  signByTag(signed.repository, signed.image, { seed: 'two' });
  const outcome = await scene.sync();
  expect(outcome.summary?.present).toMatchObject({ tags: 2, signatures: 1 });
  expect(outcome.summary).toMatchObject({ added: { signatures: 1 }, removed: { signatures: 1 } });
});

test('without the API, the fallback tag brings the referrers, and a lost one of them only a warning', async () => {
  const signed = sample();
  const { repository, image, index } = signed;
  const signature = signByReferrer(repository, image);
  addIndex(repository, { manifests: [signature], tag: companionName(image) });
  const lost = signByReferrer(repository, index);
  addIndex(repository, { manifests: [lost], tag: companionName(index) });
  repository.manifests.delete(lost.digest);
  const scene = await openSigned(signed, { includeTags: ['v1', 'multi'] });
  const outcome = await scene.sync();
  expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
  expect(await tagsOf(scene, 1)).toEqual(['multi', companionName(image), 'v1'].sort());
  expect(outcome.summary?.present.signatures).toBe(1);
  expect(outcome.warnings).toEqual([expect.stringContaining(companionName(index))]);
});

describe('referrers, by the API', () => {
  test.concurrent('come with images, indexes and children, to any depth; SBOMs are no signatures', async () => {
    const signed = sample();
    const { repository, image, index, child, other } = signed;
    const sbom = attach(repository, image, 'application/spdx+json');
    const ofSbom = signByReferrer(repository, sbom);
    const wanted = [
      sbom,
      ofSbom,
      signByReferrer(repository, ofSbom),
      signByReferrer(repository, index),
      signByReferrer(repository, child),
    ];
    signByReferrer(repository, other);
    const scene = await openSigned(signed, { includeTags: ['v1', 'multi'] }, true);
    const outcome = await scene.sync();
    expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: 1, errorMessage: null });
    expect(outcome.warnings).toEqual([]);
    expect(await manifestsOf(scene, 1)).toEqual(
      [image, index, child, ...wanted]
        .map(({ digest }) => digest)
        .concat([...repository.manifests.keys()].filter((digest) => isSibling(signed, digest)))
        .sort(),
    );
    expect(outcome.summary?.present).toMatchObject({ tags: 2, signatures: 4 });
    await readVersions(scene.harness, scene.ids.repositoryId);
    expect((await scene.sync({ mirror: true })).task.createdVersion).toBe(null);
  });

  test.concurrent('a new referrer creates a version; only a mirror sync removes one that upstream removed', async () => {
    const signed = sample();
    const scene = await openSigned(signed, {}, true);
    await scene.sync();
    const signature = signByReferrer(signed.repository, signed.image);
    const outer = signByReferrer(signed.repository, signature);
    const added = await scene.sync();
    expect(added.summary?.added).toMatchObject({ manifests: 2, signatures: 2, tags: 0 });
    removeManifest(signed.repository, signature);
    removeManifest(signed.repository, outer);
    expect((await scene.sync()).task.createdVersion).toBe(null);
    const mirrored = await scene.sync({ mirror: true });
    expect(mirrored.summary?.removed).toMatchObject({ manifests: 2, signatures: 2 });
  });

  test.concurrent('leave with their image, and stay with an image outside the subset', async () => {
    const signed = sample();
    const signature = signByReferrer(signed.repository, signed.image);
    signByReferrer(signed.repository, signature);
    signByReferrer(signed.repository, signed.other);
    const scene = await openSigned(signed, {}, true);
    await scene.sync();
    await scene.harness.updateRemote(scene.ids.remoteId, { includeTags: ['v*', 'multi'] });
    removeTag(signed.repository, 'v1');
    const mirrored = await scene.sync({ mirror: true });
    expect(mirrored.summary?.removed).toMatchObject({ manifests: 3, signatures: 2, tags: 1 });
    expect(mirrored.summary?.present).toMatchObject({ tags: 2, signatures: 1 });
  });
});

test('404 for the referrers of one image says nothing about those of others', async () => {
  const signed = sample();
  const { repository, image, index, other } = signed;
  signByReferrer(repository, other);
  const scene = await openSigned(signed, {}, true);
  for (const { digest } of [image, index])
    scene.upstream.on(`GET /v2/${upstreamName}/referrers/${digest}`, { status: 404 });
  const outcome = await scene.sync();
  expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
  expect(outcome.summary?.present).toMatchObject({ tags: 3, signatures: 1 });
});
