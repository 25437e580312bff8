/** Side look-ups (the ping, referrers, companion tags, removals of a mirror) that cannot be answered: issue 13, A and B. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Repository } from '../../src/db/schema/repositories.ts';
import { SignaturePolicy } from '../../src/db/schema/signatures.ts';
import { addImage, createSampleRepository, removeTag } from '../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../src/demo/sample-image.ts';
import { reset } from '../support/upstream/fake-upstream.ts';
import type { Answer } from '../support/upstream/fake-upstream.ts';
import { createCosignKey } from '../support/signatures/real-signatures.ts';
import { sampleAnswers } from '../support/upstream/sample-answers.ts';
import {
  answersWithReferrers,
  companionName,
  signByReferrer,
  signByTag,
} from '../support/signatures/signed-sample.ts';
import { give } from '../support/upstream/wrong-answers.ts';
import { openStage, upstreamName } from '../support/sync/stage.ts';
import type { Scene, Stage } from '../support/sync/stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

const key = createCosignKey();
let seeds = 0;

function images(count: number): SampleRepository {
  const repository = createSampleRepository();
  for (let at = 0; at < count; at += 1) {
    seeds += 1;
    addImage(repository, { seed: `side-${process.pid}-${seeds}`, layers: [50], tag: `v${at}` });
  }
  return repository;
}

/** Answers what the pattern names with `wrong`, while `isWrong()`, and all else well. */
function breaking(serve: Answer, pattern: RegExp, wrong: Answer, isWrong = () => true): Answer {
  return (request, response) =>
    give(isWrong() && pattern.test(request.url ?? '') ? wrong : serve, request, response);
}

async function requireSignature(scene: Scene): Promise<void> {
  const em = scene.harness.em();
  const policy = em.create(SignaturePolicy, { name: scene.seed, keys: [key.pem], onFailure: 'SKIP_TAG' });
  await em.flush();
  const repository = await em.findOneOrFail(Repository, { id: scene.ids.repositoryId });
  repository.signaturePolicyId = policy.id;
  await em.flush();
}

const sides = [
  { name: 'the ping', pattern: /^\/v2\/$/ },
  { name: 'referrers', pattern: /\/referrers\// },
  { name: 'companion tags', pattern: /\/manifests\/sha256-/ },
];
const answers: { name: string; wrong: Answer; says: RegExp }[] = [
  { name: '500', wrong: { status: 500 }, says: /500/ },
  { name: '503', wrong: { status: 503 }, says: /503/ },
  { name: '429', wrong: { status: 429 }, says: /429/ },
  { name: 'a reset', wrong: reset, says: /ECONNRESET/ },
];

describe.each(sides)('$name', ({ name: side, pattern }) => {
  test.concurrent.each(answers)(
    'answered $name is a warning, and the image is mirrored',
    async ({ wrong, says }) => {
      const repository = images(1);
      const fallback = breaking(answersWithReferrers(repository), pattern, wrong);
      const scene = await stage.open({ repository, upstream: { fallback }, remote: { includeTags: ['v0'] } });
      const outcome = await scene.sync();
      expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: 1, errorMessage: null });
      expect([...(await stage.harness.tags(scene.ids.repositoryId, 1)).keys()]).toEqual(['v0']);
      expect(outcome.warnings.join('\n')).toMatch(says);
    },
  );

  test.concurrent('under a policy the image is not verified, and the reason is the request that failed', async () => {
    const repository = images(1);
    const fallback = breaking(answersWithReferrers(repository), pattern, { status: 503 });
    const scene = await stage.open({ repository, upstream: { fallback }, remote: { includeTags: ['v0'] } });
    await requireSignature(scene);
    const outcome = await scene.sync();
    // of a first sync that takes nothing
    expect(outcome.task).toMatchObject({ state: 'FAILED', errorCode: 'NOTHING_SELECTED' });
    const request =
      side === 'the ping' ? '/v2/' : side === 'referrers' ? '/referrers/' : '/manifests/sha256-';
    expect(outcome.warnings.find((warning) => warning.includes('is not verified'))).toMatch(
      new RegExp(`"v0".*GET http.*${request.replaceAll('/', '\\/')}.* 503`),
    );
  });
});

test('of hundreds that all fail most are not asked; one warning counts them, and a mirror keeps what it has', async () => {
  const repository = images(300);
  for (const [tag, digest] of [...repository.tags].slice(0, 3))
    signByReferrer(repository, {
      digest,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      size: tag.length,
    });
  let isWrong = false;
  const fallback = breaking(
    answersWithReferrers(repository),
    /\/referrers\//,
    { status: 503 },
    () => isWrong,
  );
  const scene = await stage.open({ repository, upstream: { fallback } });
  expect((await scene.sync()).summary?.present.signatures).toBe(3);
  isWrong = true;
  scene.upstream.requests.length = 0;
  const outcome = await scene.sync({ mirror: true });
  expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
  expect(outcome.summary?.present.signatures).toBe(3);
  const asked = scene.upstream.requests.filter(({ path }) => path.includes('/referrers/'));
  // each has one retry, and those in flight come to their end
  expect(asked.length).toBeLessThan(120);
  expect(outcome.warnings.length).toBeLessThanOrEqual(21);
  expect(outcome.warnings.at(-1)).toMatch(/Companions of \d+ more manifests could not be looked up/);
});

const listed = (...tags: string[]): Answer => ({
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ name: upstreamName, tags }),
});

describe('a mirror removes only what upstream neither lists nor serves', () => {
  const listRoute = `GET /v2/${upstreamName}/tags/list`;

  test.concurrent('a tag that the list lacks and GET finds is kept, with a warning', async () => {
    const scene = await stage.openSynced({ repository: images(3) });
    scene.upstream.on(listRoute, listed('v0', 'v2'));
    const outcome = await scene.sync({ mirror: true });
    expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
    expect(outcome.warnings).toEqual([expect.stringMatching(/still serves 1 tag .*v1.*does not list/)]);
    removeTag(scene.repository, 'v1');
    const gone = await scene.sync({ mirror: true });
    expect(gone.task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
    expect(gone.warnings).toEqual([]);
  });

  test.concurrent('one that cannot be asked for is kept, with the reason', async () => {
    const scene = await stage.openSynced({ repository: images(3) });
    removeTag(scene.repository, 'v1');
    scene.upstream.on(`GET /v2/${upstreamName}/manifests/v1`, { status: 502 });
    const outcome = await scene.sync({ mirror: true });
    expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
    expect(outcome.warnings).toEqual([
      expect.stringMatching(/unknown whether the upstream still has 1 tag .*v1.*502/),
    ]);
  });

  test.concurrent('a signature that an empty list of referrers hides is kept', async () => {
    const repository = images(2);
    const digest = repository.tags.get('v0');
    if (digest === undefined) throw new Error('no tag');
    const image = { digest, mediaType: 'application/vnd.oci.image.manifest.v1+json', size: 1 };
    signByReferrer(repository, image);
    const scene = await stage.open({ repository, upstream: { fallback: answersWithReferrers(repository) } });
    expect((await scene.sync()).summary?.present.signatures).toBe(1);
    scene.upstream.on(`GET /v2/${upstreamName}/referrers/${digest}`, {
      headers: { 'content-type': 'application/vnd.oci.image.index.v1+json' },
      body: JSON.stringify({ schemaVersion: 2, manifests: [] }),
    });
    const outcome = await scene.sync({ mirror: true });
    expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
    expect(outcome.summary?.present.signatures).toBe(1);
  });

  test.concurrent('a signature tag selected by the filters that cannot be read is kept', async () => {
    const repository = images(1);
    const digest = repository.tags.get('v0') ?? '';
    signByTag(repository, { digest: digest as never, mediaType: '', size: 1 });
    const scene = await stage.open({ repository });
    await scene.sync();
    const name = companionName({ digest }, '.sig');
    for (const method of ['HEAD', 'GET'])
      scene.upstream.on(`${method} /v2/${upstreamName}/manifests/${name}`, { status: 403 });
    const outcome = await scene.sync({ mirror: true });
    expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
    expect(outcome.warnings).toEqual([expect.stringContaining(name)]);
    expect(outcome.summary?.present.signatures).toBe(1);
  });
});

test('a registry that serves the subject under its fallback tag gets no phantom tag (GitLab, oras-go#1396)', async () => {
  const scene = await stage.open({ remote: { includeTags: ['multi', 'good'] } });
  const serve = sampleAnswers(scene.repository);
  for (const digest of scene.repository.manifests.keys())
    for (const method of ['HEAD', 'GET'])
      scene.upstream.on(
        `${method} /v2/${upstreamName}/manifests/${companionName({ digest })}`,
        (request, response) => {
          request.url = `/v2/${upstreamName}/manifests/${digest}`;
          return give(serve, request, response);
        },
      );
  for (const mirror of [false, true]) {
    const outcome = await scene.sync({ mirror });
    expect(outcome.task.state).toBe('COMPLETED');
    expect([...(await stage.harness.tags(scene.ids.repositoryId, 1)).keys()].sort()).toEqual([
      'good',
      'multi',
    ]);
  }
});
