import { afterAll, beforeAll, expect, test } from 'vitest';
import { addImage, createSampleRepository, moveTag, removeTag } from '../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../src/demo/sample-image.ts';
import { hang, json } from '../support/upstream/fake-upstream.ts';
import { sampleAnswers } from '../support/upstream/sample-answers.ts';
import { expectKept, openStage, readVersions, upstreamName } from '../support/sync/stage.ts';
import type { Stage } from '../support/sync/stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

const listRoute = `GET /v2/${upstreamName}/tags/list`;
const manifestRoute = (method: 'GET' | 'HEAD', tag: string): string =>
  `${method} /v2/${upstreamName}/manifests/${tag}`;

/** Tags `t00`, `t01`, … of one image. */
function manyTags(seed: string, count: number): SampleRepository {
  const repository = createSampleRepository();
  const image = addImage(repository, { seed, layers: [300] });
  for (let at = 0; at < count; at += 1) moveTag(repository, `t${String(at).padStart(2, '0')}`, image);
  return repository;
}

test.concurrent('fault 32: names that are no tags are left out and counted; case and odd names are kept', async () => {
  const scene = await stage.open({ repository: manyTags('fault-32', 0) });
  const image = addImage(scene.repository, { seed: 'fault-32', layers: [300] });
  const good = ['V1', 'v1', '_under', 'a'.repeat(128), `sha256-${'0'.repeat(64)}.sig`, '1..2'];
  const bad = [
    'a'.repeat(129),
    '.dot',
    '-dash',
    'a/b',
    '..',
    'täg',
    'nul\u0000',
    '',
    'a b',
    '../../etc/passwd',
  ];
  for (const tag of good) moveTag(scene.repository, tag, image);
  scene.upstream.on(listRoute, json({ name: upstreamName, tags: [...bad, ...good] }));
  const outcome = await scene.sync();
  expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: 1, tagsTotal: good.length });
  expect([...(await stage.harness.tags(scene.ids.repositoryId, 1)).keys()].sort()).toEqual([...good].sort());
  expect(outcome.warnings).toEqual([
    expect.stringMatching(new RegExp(`${bad.length} names that are not valid tags`)),
  ]);
  expect(scene.upstream.requests.filter(({ path }) => /passwd|%00|\.dot/.test(path))).toEqual([]);
});

test.concurrent('fault 33: a tag that is listed on two pages is stored once', async () => {
  const scene = await stage.open({ repository: manyTags('fault-33', 3) });
  const next = { link: `</v2/${upstreamName}/tags/list?page=2>; rel="next"` };
  scene.upstream.on(listRoute, json({ tags: ['t00', 't01'] }, next), json({ tags: ['t01', 't02'] }));
  const outcome = await scene.sync();
  expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: 1, tagsTotal: 3 });
  expect(outcome.summary?.present.tags).toBe(3);
  expect([...(await stage.harness.tags(scene.ids.repositoryId, 1)).keys()]).toEqual(['t00', 't01', 't02']);
});

test.concurrent('fault 34: of a tag that moves between HEAD and GET the version has what was fetched', async () => {
  const scene = await stage.openSynced();
  addImage(scene.repository, { seed: `${scene.seed}-second`, layers: [300], tag: 'good' });
  const serve = sampleAnswers(scene.repository);
  let third = '';
  scene.upstream.on(manifestRoute('GET', 'good'), async (request, response) => {
    third = addImage(scene.repository, { seed: `${scene.seed}-third`, layers: [300], tag: 'good' }).digest;
    if (typeof serve === 'function') await serve(request, response);
  });
  expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
  expect((await stage.harness.tags(scene.ids.repositoryId, 2)).get('good')).toBe(third);
  await readVersions(stage.harness, scene.ids.repositoryId);
});

test.concurrent('fault 35: a tag that vanishes after the list is a warning; a mirror lets it go once it is not listed either', async () => {
  const scene = await stage.openSynced({ repository: manyTags('fault-35', 3) });
  const notThere = json({ errors: [{ code: 'MANIFEST_UNKNOWN' }] }, {}, 404);
  scene.upstream.on(listRoute, json({ tags: ['t00', 't01', 't02', 'ghost'] }));
  for (const method of ['HEAD', 'GET'] as const) {
    scene.upstream.on(manifestRoute(method, 't01'), notThere);
    scene.upstream.on(manifestRoute(method, 'ghost'), notThere);
  }
  const additive = await scene.sync();
  expect(additive.task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
  // what is said of both is said once
  expect(additive.warnings).toHaveLength(1);
  const [, ...names] =
    /tag (\S+) vanished.* holds for 1 more: (\S+)\.$/.exec(additive.warnings[0] ?? '') ?? [];
  expect(new Set(names)).toEqual(new Set(['ghost', 't01']));
  expect((await scene.sync({ mirror: true })).task).toMatchObject({
    state: 'COMPLETED',
    createdVersion: null,
  });
  scene.upstream.on(listRoute, json({ tags: ['t00', 't02'] }));
  const mirror = await scene.sync({ mirror: true });
  expect(mirror.task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
  expect([...(await stage.harness.tags(scene.ids.repositoryId, 2)).keys()]).toEqual(['t00', 't02']);
});

test.concurrent('fault 35: an exact name that is 404 is a warning that names close tags, and goes in a mirror sync', async () => {
  const scene = await stage.openSynced();
  await stage.harness.updateRemote(scene.ids.remoteId, { includeTags: ['god', 'multi'] });
  const outcome = await scene.sync();
  expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
  expect(outcome.warnings).toEqual([
    expect.stringContaining('select less than at the last sync: 1 tag (good)'),
    expect.stringMatching(/"god".*404.*Close to it: good/),
  ]);
  await stage.harness.updateRemote(scene.ids.remoteId, { includeTags: ['good', 'multi'] });
  removeTag(scene.repository, 'good');
  const mirror = await scene.sync({ mirror: true });
  expect(mirror.task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
  expect([...(await stage.harness.tags(scene.ids.repositoryId, 2)).keys()]).toEqual(['multi']);
});

test.concurrent('fault 28: a Link to another origin is not followed', async () => {
  const scene = await stage.openSynced();
  const link = '<http://127.0.0.1:1/v2/library/app/tags/list?n=1>; rel="next"';
  scene.upstream.on(listRoute, json({ tags: ['good'] }, { link }));
  await expectKept(scene, await scene.sync({ mirror: true }), {
    code: 'UPSTREAM_LINK_REFUSED',
    says: ['127.0.0.1:1'],
  });
});

test.concurrent('fault 31: exact names are fetched without the list, however long it is', async () => {
  const scene = await stage.open({ remote: { includeTags: ['good'] } });
  scene.upstream.on(listRoute, hang);
  expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
  expect(scene.upstream.requestsOf(listRoute)).toEqual([]);
});
