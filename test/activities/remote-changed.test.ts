import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Remote } from '../../src/db/schema/remotes.ts';
import { addImage, createSampleRepository } from '../../src/demo/sample-image.ts';
import { openStage, readVersions, upstreamName } from '../support/sync/stage.ts';
import type { Scene, Stage } from '../support/sync/stage.ts';
import { sampleAnswers } from '../support/upstream/sample-answers.ts';
import { until } from '../support/until.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

/** A repository of four tags with a version 1, whose remote now selects two of them. */
async function openFiltered(seed: string, isLong = false) {
  const repository = createSampleRepository();
  for (const tag of ['v1', 'v2', 'dev1', 'dev2'])
    addImage(repository, { seed: `${seed}-${tag}`, layers: [200], tag });
  const scene = await stage.openSynced({ repository });
  // what is asked for by digest takes steps of its own: a short sync is through before it would look at its remote again
  const digests = isLong ? [repository.tags.get('v2') ?? ''] : [];
  await stage.harness.updateRemote(scene.ids.remoteId, { includeTags: ['v*', ...digests] });
  return scene;
}

/** A mirror sync during which, once its tags are listed, the remote changes. */
async function syncWhileChanging(scene: Scene, change: Partial<Remote>) {
  const route = `HEAD /v2/${upstreamName}/manifests/v1`;
  const gate = Promise.withResolvers<undefined>();
  const answer = sampleAnswers(scene.repository);
  scene.upstream.on(route, (request, response) => {
    if (typeof answer !== 'function') throw new Error('the sample answers are no function');
    return gate.promise.then(() => answer(request, response));
  });
  const task = await stage.harness.start(scene.ids, { mirror: true });
  await until(() => scene.upstream.requestsOf(route).length > 0);
  await stage.harness.updateRemote(scene.ids.remoteId, change);
  gate.resolve(undefined);
  return stage.harness.finish(task);
}

test('a mirror sync keeps the filters that it began with: tags that it never listed are not taken for gone', async () => {
  const scene = await openFiltered('filters');
  const outcome = await syncWhileChanging(scene, { includeTags: null });
  expect(outcome.task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
  expect([...(await stage.harness.tags(scene.ids.repositoryId, 1)).keys()]).toHaveLength(4);
  expect(await readVersions(stage.harness, scene.ids.repositoryId)).toEqual(scene.before);
});

test('a sync whose remote names another upstream in the middle fails, for one version must not come from two', async () => {
  const scene = await openFiltered('upstream', true);
  const outcome = await syncWhileChanging(scene, { upstreamName: 'library/other' });
  expect(outcome.task).toMatchObject({ state: 'FAILED', errorCode: 'REMOTE_CHANGED', createdVersion: null });
  expect(outcome.task.errorMessage).toMatch(/library\/app.*library\/other.*sync again/);
  expect(await readVersions(stage.harness, scene.ids.repositoryId)).toEqual(scene.before);
});
