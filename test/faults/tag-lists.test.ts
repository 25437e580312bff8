import { afterAll, beforeAll, expect, test } from 'vitest';
import { addImage, createSampleRepository, moveTag, removeTag } from '../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../src/demo/sample-image.ts';
import { cutIntoParts, mostParts } from '../../src/workflows/parts.ts';
import { json, reset } from '../support/upstream/fake-upstream.ts';
import type { Answer } from '../support/upstream/fake-upstream.ts';
import { expectKept, openStage, readVersions, upstreamName } from '../support/sync/stage.ts';
import type { Scene, Stage } from '../support/sync/stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

const listRoute = `GET /v2/${upstreamName}/tags/list`;

/** Tags `t00`, `t01`, … of one image. */
function manyTags(seed: string, count: number): SampleRepository {
  const repository = createSampleRepository();
  const image = addImage(repository, { seed, layers: [300] });
  for (let at = 0; at < count; at += 1) moveTag(repository, `t${String(at).padStart(2, '0')}`, image);
  return repository;
}

function drop(scene: Scene, count: number): void {
  for (const tag of [...scene.repository.tags.keys()].slice(0, count)) removeTag(scene.repository, tag);
}

const massRemoval = { code: 'MASS_REMOVAL_REFUSED', namesRequest: false };

test.concurrent('fault 30: a mirror sync of an empty list is refused, and done with confirmRemoval', async () => {
  const scene = await stage.openSynced({ repository: manyTags('fault-30-empty', 3) });
  scene.upstream.on(listRoute, json({ name: upstreamName, tags: [] }));
  const refused = await scene.sync({ mirror: true });
  await expectKept(scene, refused, {
    ...massRemoval,
    says: [/3 of the repository's 3 tags/, 'confirmRemoval'],
  });
  const additive = await scene.sync();
  expect(additive.task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
  // what is still served is not gone, whatever the list says
  const kept = await scene.sync({ mirror: true, confirmRemoval: true });
  expect(kept.task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
  expect(kept.warnings.join('\n')).toContain('still serves');
  drop(scene, 3);
  const confirmed = await scene.sync({ mirror: true, confirmRemoval: true });
  expect(confirmed.task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
  expect(confirmed.summary?.present).toEqual({ tags: 0, manifests: 0, blobs: 0, signatures: 0 });
  expect((await readVersions(stage.harness, scene.ids.repositoryId))[0]).toEqual(scene.before[0]);
});

test.concurrent('fault 30: a tag list that is 404 is never taken for an empty one', async () => {
  const scene = await stage.openSynced({ repository: manyTags('fault-30-404', 3) });
  scene.upstream.on(listRoute, json({ errors: [{ code: 'NAME_UNKNOWN' }] }, {}, 404));
  const outcome = await scene.sync({ mirror: true, confirmRemoval: true });
  await expectKept(scene, outcome, { code: 'REPOSITORY_NOT_FOUND', says: ['404'] });
});

const catalog = json({ repositories: ['library/ap', 'library/apps', 'other/thing'] });
const absent = json({ errors: [{ code: 'NAME_UNKNOWN' }] }, {}, 404);
const absences: readonly {
  readonly name: string;
  readonly includeTags: string[] | null;
  readonly catalog: Answer;
  readonly says: RegExp;
}[] = [
  { name: 'listed tags', includeTags: null, catalog, says: /Close to it: library\/ap, library\/apps\.$/ },
  {
    name: 'exact tags',
    includeTags: ['v1', 'v2'],
    catalog,
    says: /no repository "library\/app".*Close to it: library\/ap, library\/apps\. Check/,
  },
  { name: 'no catalog', includeTags: null, catalog: absent, says: /credentials\.$/ },
  { name: 'a catalog that is none', includeTags: ['v1'], catalog: { body: '[1' }, says: /are 404\. Check/ },
  { name: 'a catalog that breaks', includeTags: null, catalog: reset, says: /credentials\.$/ },
];
test.concurrent.for(absences)(
  'a first sync of a repository that is not there is REPOSITORY_NOT_FOUND: $name',
  async ({ includeTags, says, ...answers }) => {
    const scene = await stage.open({
      upstream: { fallback: absent },
      remote: { includeTags, maxRetries: 0 },
    });
    scene.upstream.on('GET /v2/_catalog', answers.catalog);
    const { task } = await scene.sync();
    expect(task).toMatchObject({ state: 'FAILED', errorCode: 'REPOSITORY_NOT_FOUND' });
    expect(task.errorMessage).toMatch(says);
  },
);

const removals = [
  { name: 'six of ten', tags: 10, gone: 6, refused: true },
  { name: 'five of ten, which is half', tags: 10, gone: 5, refused: false },
  { name: 'six of eleven', tags: 11, gone: 6, refused: true },
  { name: 'eight of nine, which are few', tags: 9, gone: 8, refused: false },
  { name: 'nine of nine', tags: 9, gone: 9, refused: true },
];
test.concurrent.for(removals)(
  'fault 30: removing $name: refused $refused',
  async ({ tags, gone, refused }) => {
    const scene = await stage.openSynced({ repository: manyTags(`fault-30-${tags}-${gone}`, tags) });
    drop(scene, gone);
    const outcome = await scene.sync({ mirror: true });
    if (refused) {
      const says = [new RegExp(`${gone} of the repository's ${tags} tags`)];
      await expectKept(scene, outcome, { ...massRemoval, says });
      const confirmed = await scene.sync({ mirror: true, confirmRemoval: true });
      expect(confirmed.task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
      expect(confirmed.summary?.removed.tags).toBe(gone);
    } else {
      expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: 2 });
      expect(outcome.summary?.removed.tags).toBe(gone);
    }
  },
);

test.concurrent('fault 27: pages without end are UPSTREAM_PAGINATION_LOOP', async () => {
  const scene = await stage.openSynced();
  const link = `</v2/${upstreamName}/tags/list?n=1000>; rel="next"`;
  scene.upstream.on(listRoute, json({ tags: ['good'] }, { link }));
  await expectKept(scene, await scene.sync({ mirror: true }), { code: 'UPSTREAM_PAGINATION_LOOP' });
});

test('fault 31: 200,000 tags are no more activities than 30,000', () => {
  for (const count of [30_000, 30_001, 200_000]) {
    const parts = cutIntoParts(count, mostParts.walks);
    expect(parts).toHaveLength(mostParts.walks);
    expect(parts.map(({ from }) => from)).toEqual([0, ...parts.slice(0, -1).map(({ to }) => to)]);
    expect(parts.at(-1)?.to).toBe(count);
  }
});

const tagsOfBig = 20_000;
test('fault 31: 20,000 tags leave a history of few events and small payloads', async () => {
  const repository = createSampleRepository();
  const image = addImage(repository, { seed: 'fault-31', layers: [300] });
  for (let at = 0; at < tagsOfBig; at += 1) moveTag(repository, `v${at}`, image);
  const scene = await stage.open({ repository, remote: { downloadConcurrency: 60 } });
  const outcome = await scene.sync();
  expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: 1, tagsTotal: tagsOfBig });
  expect(outcome.summary?.present).toMatchObject({ tags: tagsOfBig, manifests: 1, blobs: 2 });
  const handle = stage.harness.client.workflow.getHandle(outcome.task.workflowId);
  const { events } = await handle.fetchHistory();
  expect(events?.length).toBeLessThanOrEqual(500);
  const sizes = (events ?? []).map((event) => JSON.stringify(event).length);
  // JSON of bytes is longer than they are: under the limit here is under it there
  expect(Math.max(...sizes)).toBeLessThan(256 * 1024);
});
