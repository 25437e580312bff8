/** Syncs under a signature policy: what is verified comes, what is not stays as it was. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Repository } from '../../../src/db/schema/repositories.ts';
import { SignaturePolicy } from '../../../src/db/schema/signatures.ts';
import {
  addImage,
  addIndex,
  createSampleRepository,
  moveTag,
  removeTag,
} from '../../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../../src/demo/sample-image.ts';
import type { Descriptor } from '../../../src/oci/manifest/descriptor.ts';
import { openStage } from '../../support/sync/stage.ts';
import type { Stage } from '../../support/sync/stage.ts';
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
