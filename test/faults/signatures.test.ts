/** Rows 59 to 62 of docs/faults.md, of referrers and cosign's tags; atomic signatures are in test/workflows. */
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addIndex, addManifest } from '../../src/demo/sample-image.ts';
import type { Descriptor } from '../../src/oci/manifest/descriptor.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/manifest/media-type.ts';
import type { Answer } from '../support/upstream/fake-upstream.ts';
import {
  answersWithReferrers,
  bundleType,
  companionName,
  referrersIndex,
  signByReferrer,
  signByTag,
} from '../support/signatures/signed-sample.ts';
import { openStage, upstreamName } from '../support/sync/stage.ts';
import type { Scene, Stage } from '../support/sync/stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

interface SignedScene extends Scene {
  readonly good: Descriptor;
}

/** The scene's repository behind a registry with the referrers API, or without it. */
async function open(
  options: { readonly hasApi?: boolean; readonly remote?: object } = {},
): Promise<SignedScene> {
  const scene = await stage.open({ remote: options.remote ?? {} });
  const digest = scene.repository.tags.get('good') ?? ('' as Digest);
  const document = scene.repository.manifests.get(digest);
  const good = { digest, mediaType: mediaTypes.ociManifest, size: document?.bytes.length ?? 0 };
  if (options.hasApi !== false)
    for (const known of scene.repository.manifests.keys())
      scene.upstream.on(referrersRoute(known), answersWithReferrers(scene.repository));
  return { ...scene, good };
}

function referrersRoute(digest: string): string {
  return `GET /v2/${upstreamName}/referrers/${digest}`;
}

const completed = { state: 'COMPLETED', createdVersion: 1, errorMessage: null };

test('fault 59: what the upstream lists as a referrer and refers to another manifest is not attached', async () => {
  const scene = await open();
  const multi = scene.repository.tags.get('multi') ?? ('' as Digest);
  const forged = signByReferrer(scene.repository, { ...scene.good, digest: multi });
  const lonely = addManifest(scene.repository, { schemaVersion: 2, manifests: [] }, mediaTypes.ociIndex);
  scene.upstream.on(referrersRoute(scene.good.digest), referrersIndex([forged, lonely]));
  scene.upstream.on(referrersRoute(multi), referrersIndex([]));
  const outcome = await scene.sync();
  expect(outcome.task).toMatchObject(completed);
  expect(outcome.summary?.present).toMatchObject({ signatures: 0, manifests: 4 });
  expect(outcome.warnings).toHaveLength(2);
  expect(outcome.warnings.join()).toMatch(
    new RegExp(`${forged.digest}.*refers to ${multi}. It was not attached`),
  );
  expect(outcome.warnings.join()).toContain('refers to nothing. It was not attached');
});

describe('fault 60: a signature that cannot be read is a warning, and its image is mirrored', () => {
  const damage: Record<string, Answer> = {
    'is no JSON': { headers: { 'content-type': mediaTypes.ociManifest }, body: '{"schemaVersion": 2,' },
    'is a web page': { headers: { 'content-type': 'text/html' }, body: '<html>' },
    'is larger than a manifest may be': {
      headers: { 'content-type': mediaTypes.ociManifest },
      body: Buffer.alloc(4 * 1024 * 1024 + 1, 0x20),
    },
    'is forbidden': { status: 403 },
  };
  describe.each(Object.entries(damage))('the tag %s', (_, answer) => {
    test.concurrent.each([
      ['selected by the filters', null],
      ['that follows', ['good']],
    ])('%s', async (_name, includeTags) => {
      const scene = await open({ hasApi: false, remote: { includeTags } });
      signByTag(scene.repository, scene.good);
      const name = companionName(scene.good, '.sig');
      scene.upstream.on(`GET /v2/${upstreamName}/manifests/${name}`, answer);
      const outcome = await scene.sync();
      expect(outcome.task).toMatchObject(completed);
      expect(outcome.summary?.present.signatures).toBe(0);
      expect(outcome.warnings).toEqual([expect.stringContaining(name)]);
    });
  });

  test('a mirror keeps the signature that it has', async () => {
    const scene = await open({ hasApi: false, remote: { includeTags: ['good'] } });
    signByTag(scene.repository, scene.good);
    await scene.sync();
    signByTag(scene.repository, scene.good, { seed: 'two' });
    const name = companionName(scene.good, '.sig');
    scene.upstream.on(`GET /v2/${upstreamName}/manifests/${name}`, damage['is a web page'] ?? {});
    const outcome = await scene.sync({ mirror: true });
    expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
    expect(outcome.warnings).toHaveLength(1);
    expect(outcome.summary?.present.signatures).toBe(1);
  });

  test('2,500 referrers of one image come all', async () => {
    const scene = await open();
    for (let number = 0; number < 2_500; number += 1) {
      signByReferrer(scene.repository, scene.good, String(number));
      if (number % 250 === 0) await setImmediate();
    }
    const all = await scene.sync();
    expect(all.task).toMatchObject(completed);
    expect(all.summary?.present.signatures).toBe(2_500);
  });
});

describe('fault 61: a registry without the referrers API', () => {
  test.concurrent.each([400, 404, 405, 406, 501])(
    'that answers %i: the fallback tag counts',
    async (status) => {
      const scene = await open({ hasApi: false, remote: { includeTags: ['good'] } });
      const signature = signByReferrer(scene.repository, scene.good);
      addIndex(scene.repository, { manifests: [signature], tag: companionName(scene.good) });
      scene.upstream.on(referrersRoute(scene.good.digest), { status });
      const outcome = await scene.sync();
      expect(outcome.task).toMatchObject(completed);
      expect(outcome.warnings).toEqual([]);
      expect(outcome.summary?.present).toMatchObject({ tags: 2, signatures: 1 });
    },
  );

  test('a fallback tag that names no index lists no referrers', async () => {
    const scene = await open({ hasApi: false, remote: { includeTags: ['good'] } });
    const signature = signByReferrer(scene.repository, scene.good);
    scene.repository.tags.set(companionName(scene.good), signature.digest);
    const outcome = await scene.sync();
    expect(outcome.task).toMatchObject(completed);
    expect(outcome.summary?.present).toMatchObject({ tags: 1, manifests: 1, signatures: 0 });
  });

  test('a registry with the API is not asked for fallback tags', async () => {
    const scene = await open({ remote: { includeTags: ['good'] } });
    await scene.sync();
    const fallback = `/v2/${upstreamName}/manifests/${companionName(scene.good)}`;
    expect(scene.upstream.requests.filter(({ path }) => path === fallback)).toEqual([]);
  });
});

describe('fault 62: lists of referrers', () => {
  test('come in pages, by Link', async () => {
    const scene = await open();
    const [one, two] = ['one', 'two'].map((seed) => signByReferrer(scene.repository, scene.good, seed));
    const route = referrersRoute(scene.good.digest);
    const link = `<${route.slice('GET '.length)}?last=1>; rel="next"`;
    scene.upstream.on(route, referrersIndex([one ?? {}], { link }));
    scene.upstream.on(`${route}?last=1`, referrersIndex([two ?? {}]));
    const outcome = await scene.sync();
    expect(outcome.warnings).toEqual([]);
    expect(outcome.summary?.present.signatures).toBe(2);
  });

  test.each<[string, (route: string) => Answer]>([
    ['in a circle', (route) => referrersIndex([], { link: `<${route}>; rel="next"` })],
    ['that leads elsewhere', () => referrersIndex([], { link: '<https://elsewhere.example/x>; rel="next"' })],
    [
      'without end',
      (route) => (request, response) => {
        const page = Number(/\d+$/.exec(request.url ?? '')?.[0] ?? 0) + 1;
        response.setHeader('link', `<${route}?page=${page}>; rel="next"`);
        response.setHeader('content-type', mediaTypes.ociIndex);
        response.end(JSON.stringify({ schemaVersion: 2, manifests: [] }));
      },
    ],
    [
      'larger than 4 MiB',
      () => ({ headers: { 'content-type': mediaTypes.ociIndex }, body: Buffer.alloc(4_194_305, 0x20) }),
    ],
    ['that is no index', () => ({ headers: { 'content-type': mediaTypes.ociIndex }, body: '[]' })],
    [
      'with what is no digest',
      () => referrersIndex([{ mediaType: bundleType, digest: '../../etc/passwd', size: 1 }]),
    ],
  ])('%s: a warning, and what is there stays', async (_, answer) => {
    const scene = await open();
    signByReferrer(scene.repository, scene.good);
    expect((await scene.sync()).summary?.present.signatures).toBe(1);
    const route = referrersRoute(scene.good.digest);
    scene.upstream.on(route, answer(route.slice('GET '.length)));
    const outcome = await scene.sync({ mirror: true });
    expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
    expect(outcome.warnings).toEqual([expect.stringContaining(scene.good.digest)]);
  });

  test('a referrer that is listed and not there is a warning; without an artifact type it comes', async () => {
    const scene = await open();
    const lost = signByReferrer(scene.repository, scene.good, 'lost');
    scene.repository.manifests.delete(lost.digest);
    const here = signByReferrer(scene.repository, scene.good, 'here');
    scene.upstream.on(
      referrersRoute(scene.good.digest),
      referrersIndex([lost, { mediaType: here.mediaType, digest: here.digest, size: here.size }]),
    );
    const outcome = await scene.sync();
    expect(outcome.summary?.present.signatures).toBe(1);
    expect(outcome.warnings).toEqual([expect.stringContaining(lost.digest)]);
  });

  test('two manifests that are listed as referrers of each other end', async () => {
    const scene = await open();
    const [one, two] = ['one', 'two'].map((seed) => signByReferrer(scene.repository, scene.good, seed));
    for (const [from, to] of [
      [one, two],
      [two, one],
    ])
      scene.upstream.on(referrersRoute(from?.digest ?? ''), referrersIndex([to ?? {}]));
    const outcome = await scene.sync();
    expect(outcome.task).toMatchObject(completed);
    expect(outcome.summary?.present.signatures).toBe(2);
    expect(outcome.warnings).toHaveLength(2);
  });

  test('a registry in trouble is asked again', async () => {
    const scene = await open();
    signByReferrer(scene.repository, scene.good);
    const route = referrersRoute(scene.good.digest);
    scene.upstream.on(route, { status: 503 }, answersWithReferrers(scene.repository));
    const outcome = await scene.sync();
    expect(outcome.task).toMatchObject(completed);
    expect(outcome.summary?.present.signatures).toBe(1);
  });
});
