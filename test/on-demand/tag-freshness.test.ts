/** Distributions with `pullThrough` and `tagTtlSeconds`: when the upstream is asked about a tag, and what is served if it does not answer. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Distribution } from '../../src/db/schema/distributions.ts';
import type { Remote } from '../../src/db/schema/remotes.ts';
import { addImage, createSampleRepository, removeTag } from '../../src/demo/sample-image.ts';
import { digestBytes } from '../../src/oci/digest-bytes.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { staleTagServed } from '../../src/telemetry/events.ts';
import { pull } from '../support/api/pull.ts';
import type { PullAnswer } from '../support/api/pull.ts';
import { startHarnessApi } from '../support/api/harness-api.ts';
import type { HarnessApi } from '../support/api/harness-api.ts';
import { openStage, upstreamName } from '../support/sync/stage.ts';
import type { Stage } from '../support/sync/stage.ts';
import { until } from '../support/until.ts';

let stage: Stage;
/** Two processes whose clients wait as long as it takes, and one whose clients do not wait. */
let patient: HarnessApi[];
let hasty: HarnessApi;

beforeAll(async () => {
  stage = await openStage();
  patient = await Promise.all([1, 2].map(() => startHarnessApi(stage.harness, { tagWaitMs: 300_000 })));
  hasty = await startHarnessApi(stage.harness, { tagWaitMs: 1 });
});

afterAll(async () => {
  await Promise.all([...(patient ?? []), hasty].map((api) => api?.close()));
  await stage?.close();
});

let scenes = 0;

/** An empty repository; its upstream has `v1`. Nothing becomes old by itself while a test runs. */
async function openThrough({ layers = [900], ...remote }: Partial<Remote> & { layers?: number[] } = {}) {
  scenes += 1;
  const repository = createSampleRepository();
  const seed = `fresh-${process.pid}-${scenes}`;
  const image = addImage(repository, { seed, layers, tag: 'v1' });
  const scene = await stage.open({ repository, remote: { policy: 'ON_DEMAND', maxRetries: 0, ...remote } });
  const em = scene.harness.em();
  const { repositoryId } = scene.ids;
  const distribution = await em.findOneOrFail(Distribution, { repositoryId });
  Object.assign(distribution, { pullThrough: true, tagTtlSeconds: 36_000, notFoundTtlSeconds: 36_000 });
  await em.flush();
  const name = distribution.basePath;
  const change = (sql: string) => em.execute(`${sql} where repository_id = ${repositoryId}`);
  return {
    ...scene,
    name,
    image,
    /** Moves the tag at the upstream. */
    move: () => addImage(repository, { seed: `${seed}-moved`, layers: [10], tag: 'v1' }).digest,
    manifest: (reference: string, api = patient[0]) =>
      pull(api?.url ?? '', { path: `/v2/${name}/manifests/${reference}` }),
    blob: (digest: Digest) => pull(patient[0]?.url ?? '', { path: `/v2/${name}/blobs/${digest}` }),
    /** Twenty clients of two processes at once. */
    manyPulls: () =>
      Promise.all(
        Array.from({ length: 20 }, (_, at) =>
          pull(patient[at % 2]?.url ?? '', { path: `/v2/${name}/manifests/v1` }),
        ),
      ),
    asked: (method: string, reference = 'v1') =>
      scene.upstream.requestsOf(`${method} /v2/${upstreamName}/manifests/${reference}`).length,
    /** The time of all tags is over, and so are pauses after failures. */
    expire: () => change(`update tag_check set checked_at = checked_at - interval '1 day', retry_at = null`),
    /** The pause after a failure does not end while a test runs. */
    lengthenPause: () => change(`update tag_check set retry_at = retry_at + interval '1 day'`),
    forgetMisses: () => change('update upstream_miss set expires_at = now()'),
    answers: (method: string, status: number) =>
      scene.upstream.on(`${method} /v2/${upstreamName}/manifests/v1`, { status }),
  };
}

const seen = ({ status, headers }: PullAnswer) => ({
  status,
  digest: headers['docker-content-digest'],
  isStale: headers['warning'] === '110 - "Response is Stale"',
});
const fresh = (digest: string) => ({ status: 200, digest, isStale: false });
const stale = (digest: string) => ({ status: 200, digest, isStale: true });

test('the upstream is asked once a lifetime by all processes, and a tag that has moved is a new version', async () => {
  const scene = await openThrough();
  const requests = () => [scene.asked('GET'), scene.asked('HEAD')];
  expect(seen(await scene.manifest('v1'))).toEqual(fresh(scene.image.digest));
  const moved = scene.move();
  for (const answer of await scene.manyPulls()) expect(seen(answer)).toEqual(fresh(scene.image.digest));
  expect(requests()).toEqual([1, 0]);
  await scene.expire();
  for (const answer of await scene.manyPulls()) expect(seen(answer)).toEqual(fresh(moved));
  expect(requests()).toEqual([2, 1]);
  await scene.expire();
  for (const answer of await scene.manyPulls()) expect(seen(answer)).toEqual(fresh(moved));
  expect(requests()).toEqual([2, 2]);
  expect([...(await scene.harness.tags(scene.ids.repositoryId, 2))]).toEqual([['v1', moved]]);
  expect(seen(await scene.manifest(scene.image.digest))).toEqual(fresh(scene.image.digest));
});

test('fault 122: an upstream that does not answer: the stored tag is served with a warning, and the question goes on', async () => {
  const scene = await openThrough();
  await scene.manifest('v1');
  const moved = scene.move();
  const opened = Promise.withResolvers<void>();
  scene.upstream.on(`HEAD /v2/${upstreamName}/manifests/v1`, async (_request, response) => {
    await opened.promise;
    const { bytes, mediaType } = scene.repository.manifests.get(moved) ?? { bytes: '', mediaType: '' };
    response.writeHead(200, {
      'content-type': mediaType,
      'content-length': bytes.length,
      'docker-content-digest': moved,
    });
    response.end();
  });
  await scene.expire();
  const reasons: string[] = [];
  const unsubscribe = staleTagServed.subscribe(({ reason }) => void reasons.push(reason));
  // the patient process is told by the hasty one that waiting is no use
  for (const api of [hasty, hasty, patient[1]])
    expect(seen(await scene.manifest('v1', api))).toEqual(stale(scene.image.digest));
  unsubscribe();
  expect(reasons).toEqual(['slow', 'slow', 'slow']);
  opened.resolve();
  // the version is committed before the answer is noted: for that moment the new image is served with the warning
  const isMoved = ({ digest, isStale }: ReturnType<typeof seen>) => digest === moved && !isStale;
  await until(async () => isMoved(seen(await scene.manifest('v1', hasty))));
  expect(seen(await scene.manifest('v1'))).toEqual(fresh(moved));
  expect(scene.asked('HEAD')).toBe(1);
});

test('fault 122: an upstream that fails or throttles is not asked again at once; once it is back, the tag is confirmed', async () => {
  const scene = await openThrough();
  await scene.manifest('v1');
  for (const status of [503, 429]) {
    scene.answers('HEAD', status);
    scene.answers('GET', status);
    await scene.expire();
    const before = scene.upstream.requests.length;
    expect(seen(await scene.manifest('v1'))).toEqual(stale(scene.image.digest));
    await scene.lengthenPause();
    const asked = scene.upstream.requests.length;
    expect(asked).toBeGreaterThan(before);
    for (const answer of await scene.manyPulls()) expect(seen(answer)).toEqual(stale(scene.image.digest));
    expect(scene.upstream.requests).toHaveLength(asked);
  }
  for (const method of ['HEAD', 'GET']) scene.upstream.off(`${method} /v2/${upstreamName}/manifests/v1`);
  await scene.harness.em().execute('delete from host_throttle');
  await scene.expire();
  expect(seen(await scene.manifest('v1'))).toEqual(fresh(scene.image.digest));
});

test('fault 123: a tag that the upstream no longer has stays, with a warning; what it never had is asked for once a lifetime', async () => {
  const scene = await openThrough();
  await scene.manifest('v1');
  removeTag(scene.repository, 'v1');
  await scene.expire();
  for (const answer of await scene.manyPulls()) expect(seen(answer)).toEqual(stale(scene.image.digest));
  expect([scene.asked('HEAD'), scene.asked('GET')]).toEqual([1, 2]);

  const unknown = `sha256:${'0'.repeat(64)}`;
  for (const reference of ['v2', unknown]) {
    for (const api of patient) expect((await scene.manifest(reference, api)).status).toBe(404);
    expect(scene.asked('GET', reference)).toBe(1);
  }
  const { digest } = addImage(scene.repository, { seed: `${scene.name}-v2`, layers: [10], tag: 'v2' });
  expect((await scene.manifest('v2')).status).toBe(404);
  await scene.forgetMisses();
  expect(seen(await scene.manifest('v2'))).toEqual(fresh(digest));
});

test('an immutable tag is never asked for again', async () => {
  const scene = await openThrough({ tagRules: { immutableTags: ['v*'] } });
  await scene.manifest('v1');
  scene.move();
  await scene.expire();
  expect(seen(await scene.manifest('v1'))).toEqual(fresh(scene.image.digest));
  expect(scene.asked('HEAD')).toBe(0);
});

test('fifty clients that pull a cold image of ten layers cost one request for the manifest and each blob', async () => {
  const scene = await openThrough({ layers: Array.from({ length: 10 }, (_, at) => 20_000 + at) });
  const pullAll = async () => {
    const { body } = await scene.manifest('v1');
    const { config, layers } = JSON.parse(body.toString()) as Record<'config', { digest: Digest }> & {
      layers: { digest: Digest }[];
    };
    const digests = [config, ...layers].map(({ digest }) => digest);
    const blobs = await Promise.all(digests.map((digest) => scene.blob(digest)));
    expect(blobs.map((blob) => digestBytes(blob.body))).toEqual(digests);
    return digests;
  };
  const [digests = []] = await Promise.all(Array.from({ length: 50 }, pullAll));
  expect(digests).toHaveLength(11);
  expect(scene.asked('GET')).toBe(1);
  for (const digest of digests)
    expect(scene.upstream.requests.filter(({ path }) => path.includes(digest))).toHaveLength(1);
});

test('a sync is an answer for the tags that it has asked for, also one that changes nothing', async () => {
  const scene = await openThrough();
  addImage(scene.repository, { seed: `${scene.seed}-broken`, layers: [20], tag: 'v2' });
  await scene.sync();
  const checks = () =>
    scene.harness.em().execute(
      `select name, checked_at > now() - interval '1 hour' as fresh, problem from tag_check
          where repository_id = ${scene.ids.repositoryId} order by name`,
    );
  const confirmed = ['v1', 'v2'].map((name) => ({ name, fresh: true, problem: null }));
  expect(await checks()).toEqual(confirmed);
  const before = scene.upstream.requests.length;
  expect(seen(await scene.manifest('v1'))).toEqual(fresh(scene.image.digest));
  expect(scene.upstream.requests).toHaveLength(before);

  // one that ends with its look, and one that goes through its stages
  for (const wish of [{}, { mirror: true }]) {
    await scene.expire();
    expect((await scene.sync(wish)).task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
    expect(await checks()).toEqual(confirmed);
  }
  // a tag that a sync has not settled is asked for
  await scene.expire();
  scene.upstream.on(`HEAD /v2/${upstreamName}/manifests/v2`, { status: 404 });
  scene.upstream.on(`GET /v2/${upstreamName}/manifests/v2`, { status: 500 });
  await scene.harness
    .em()
    .execute(`update remote set tag_rules = '{"tagFailures": "SKIP_TAG"}' where id = ${scene.ids.remoteId}`);
  await scene.sync();
  expect(await checks()).toEqual([confirmed[0], { name: 'v2', fresh: false, problem: null }]);
});

test('a sync records no answers where no distribution has a time for tags', async () => {
  const scene = await openThrough();
  await scene.harness
    .em()
    .execute(
      `update distribution set tag_ttl_seconds = null where repository_id = ${scene.ids.repositoryId}`,
    );
  await scene.sync();
  await scene.sync();
  const [row] = await scene.harness
    .em()
    .execute(`select count(*)::int as count from tag_check where repository_id = ${scene.ids.repositoryId}`);
  expect(row).toEqual({ count: 0 });
});
