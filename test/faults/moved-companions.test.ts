/** Signatures that one odd answer would move or remove: issue 13, B. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addImage, addIndex, createSampleRepository } from '../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../src/demo/sample-image.ts';
import type { Descriptor } from '../../src/oci/manifest/descriptor.ts';
import { createSigner } from '../support/signatures/atomic-signature.ts';
import type { Answer } from '../support/upstream/fake-upstream.ts';
import { answersWithReferrers, companionName, signByTag } from '../support/signatures/signed-sample.ts';
import { wrongAnswers } from '../support/upstream/wrong-answers.ts';
import { openStage, upstreamName } from '../support/sync/stage.ts';
import type { Scene, Stage } from '../support/sync/stage.ts';
import { openSignedScene } from './signed-scene.ts';

let stage: Stage;
let signer: Awaited<ReturnType<typeof createSigner>>;
beforeAll(async () => {
  [stage, signer] = await Promise.all([openStage(), createSigner()]);
});
afterAll(() => stage.close());

let seeds = 0;

interface Signed {
  readonly scene: Scene;
  readonly repository: SampleRepository;
  readonly image: Descriptor;
  readonly signature: Descriptor;
  readonly tag: string;
  /** Answers all requests for the signature's tag, until it is called again. */
  answer(method: 'HEAD' | 'GET', ...answers: Answer[]): void;
}

async function openSigned(includeTags: string[]): Promise<Signed> {
  seeds += 1;
  const repository = createSampleRepository();
  const image = addImage(repository, { seed: `moved-${process.pid}-${seeds}`, layers: [50], tag: 'v1' });
  const signature = signByTag(repository, image);
  const tag = companionName(image, '.sig');
  const upstream = { fallback: answersWithReferrers(repository) };
  const scene = await stage.open({ repository, upstream, remote: { includeTags } });
  expect((await scene.sync()).summary?.present).toMatchObject({ tags: 2, signatures: 1 });
  const answer: Signed['answer'] = (method, ...answers) =>
    scene.upstream.on(`${method} /v2/${upstreamName}/manifests/${tag}`, ...answers);
  return { scene, repository, image, signature, tag, answer };
}

function documentOf({ repository }: Signed, { digest, mediaType }: Descriptor): Answer {
  return { headers: { 'content-type': mediaType }, body: repository.manifests.get(digest)?.bytes ?? '' };
}

describe.each([
  { name: 'a signature tag that the filters select', includeTags: [] },
  { name: 'a signature tag that comes with its image', includeTags: ['v1'] },
])('$name', ({ includeTags }) => {
  const odd = ['200, an index of nothing', '200, {}', '200, nothing', '200, a web page', '403'];
  test.concurrent.each(odd)('is kept where GET is answered %s', async (name) => {
    const signed = await openSigned(includeTags);
    signed.answer('HEAD', { status: 405 });
    signed.answer('GET', wrongAnswers[name] ?? {});
    const outcome = await signed.scene.sync({ mirror: true });
    expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
    expect(outcome.warnings.join('\n')).toContain(signed.tag);
  });

  test.concurrent('is kept where two requests are answered with different manifests', async () => {
    const signed = await openSigned(includeTags);
    const other = signByTag(createSampleRepository(), signed.image, { seed: 'two' });
    const elsewhere = createSampleRepository();
    signByTag(elsewhere, signed.image, { seed: 'two' });
    signed.answer('HEAD', { status: 405 });
    signed.answer(
      'GET',
      documentOf({ ...signed, repository: elsewhere }, other),
      documentOf({ ...signed, repository: elsewhere }, other),
      documentOf(signed, signed.signature),
    );
    const outcome = await signed.scene.sync({ mirror: true });
    expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
    expect(outcome.warnings.join('\n')).toMatch(/answered with different manifests.*stays as it is/);
  });

  test.concurrent('that moved is taken', async () => {
    const signed = await openSigned(includeTags);
    const moved = signByTag(signed.repository, signed.image, { seed: 'two' });
    const outcome = await signed.scene.sync({ mirror: true });
    expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
    expect(outcome.warnings).toEqual([]);
    expect((await stage.harness.tags(signed.scene.ids.repositoryId, 2)).get(signed.tag)).toBe(moved.digest);
  });
});

test('an index of the subject’s own children under its fallback tag is no index of referrers', async () => {
  const repository = createSampleRepository();
  const child = addImage(repository, { seed: `phantom-${process.pid}`, layers: [50] });
  const image = addIndex(repository, { manifests: [child], tag: 'v1' });
  addIndex(repository, { manifests: [child, child], tag: companionName(image) });
  const scene = await stage.open({ repository, remote: { includeTags: ['v1'] } });
  for (const mirror of [false, true]) {
    const outcome = await scene.sync({ mirror });
    expect(outcome.task.state).toBe('COMPLETED');
    expect([...(await stage.harness.tags(scene.ids.repositoryId, 1)).keys()]).toEqual(['v1']);
  }
});

describe('an atomic signature', () => {
  test.concurrent.each(['signature store', 'extension'] as const)(
    'is kept where one answer of the %s lacks it',
    async (variant) => {
      let left = 0;
      const { scene } = await openSignedScene(stage, variant, {
        signer,
        interfere: ({ path }) => {
          if (left === 0 || !/^\/sigs\/|^\/extensions\//.test(path)) return undefined;
          left -= 1;
          return wrongAnswers[variant === 'extension' ? '200, no signatures' : '404'];
        },
      });
      expect((await scene.sync()).summary?.present.signatures).toBe(2);
      left = 1;
      const outcome = await scene.sync({ mirror: true });
      expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
      expect(left).toBe(0);
    },
  );

  test.concurrent('is kept where the store misses each name once', async () => {
    const missed = new Set<string>();
    let isMissing = false;
    const { scene } = await openSignedScene(stage, 'signature store', {
      signer,
      interfere: ({ path }) => {
        if (!isMissing || !path.startsWith('/sigs/') || missed.has(path)) return undefined;
        missed.add(path);
        return wrongAnswers['404'];
      },
    });
    expect((await scene.sync()).summary?.present.signatures).toBe(2);
    isMissing = true;
    const outcome = await scene.sync({ mirror: true });
    expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
    expect(missed.size).toBeGreaterThan(1);
  });

  test.concurrent('is kept behind a gap in the store', async () => {
    let isGap = false;
    const { scene } = await openSignedScene(stage, 'signature store', {
      signer,
      interfere: ({ path }) => (isGap && path.endsWith('/signature-1') ? wrongAnswers['404'] : undefined),
    });
    await scene.sync();
    isGap = true;
    const outcome = await scene.sync({ mirror: true });
    expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
    expect(outcome.summary?.present.signatures).toBe(1);
  });
});
