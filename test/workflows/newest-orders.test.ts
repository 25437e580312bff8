import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kysely } from '../../src/db/sql.ts';
import { addArtifact, addImage, addIndex, createSampleRepository } from '../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../src/demo/sample-image.ts';
import { toGlobalId } from '../../src/operations/global-id.ts';
import type { Scene } from '../support/sync/stage.ts';
import { openStageWithApi } from '../support/sync/stage-with-api.ts';
import type { StageWithApi } from '../support/sync/stage-with-api.ts';

let stage: StageWithApi;
beforeAll(async () => {
  stage = await openStageWithApi();
});
afterAll(() => stage.close());

const mirror = true;
/** Of these samples no more than half may leave at once, so that none needs the confirmation. */
const newest = (order: 'CREATED' | 'FIRST_SEEN', count = 2) =>
  ({ newestTags: { count, per: 'ALL', order } }) as const;

function add(repository: SampleRepository, tag: string, created?: string | null) {
  return addImage(repository, {
    seed: `newest-order-${tag}-${created}`,
    layers: [200],
    tag,
    ...(created !== undefined && { created }),
  });
}

async function tagNames(scene: Scene, version: number): Promise<string[]> {
  return [...(await stage.harness.tags(scene.ids.repositoryId, version)).keys()];
}

function requestsOf(scene: Scene): string[] {
  return scene.upstream.requests.map(
    ({ method, path }) => `${method} ${path.replace('/v2/library/app', '')}`,
  );
}

describe.concurrent('by the time of creation', () => {
  test('the newest images stay, by their configs and not by their names; a mirror lets the others go', async () => {
    const repository = createSampleRepository();
    add(repository, '9.0', '2001-01-01T00:00:00Z');
    add(repository, 'nightly', '2003-06-01T10:00:00.123456789+02:00');
    add(repository, '1.0', '2003-01-01T00:00:00Z');
    add(repository, 'undated', null);
    addArtifact(repository, {
      seed: 'newest-order-chart',
      configMediaType: 'application/vnd.cncf.helm.config.v1+json',
      tag: 'chart',
    });
    const scene = await stage.open({ repository, remote: { tagRules: newest('CREATED') } });
    const first = await scene.sync({ mirror });
    expect(await tagNames(scene, first.latest)).toEqual(['1.0', 'nightly']);
    expect((await scene.sync({ mirror })).task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
    // the same tag, moved to a newer image
    add(repository, '9.0', '2004-01-01T00:00:00Z');
    const moved = await scene.sync({ mirror });
    expect(await tagNames(scene, moved.latest)).toEqual(['9.0', 'nightly']);
  });

  test('an index is as old as its newest image', async () => {
    const repository = createSampleRepository();
    const parts = ['2000-01-01T00:00:00Z', '2005-01-01T00:00:00Z'].map((created, n) =>
      addImage(repository, { seed: `newest-order-part-${n}`, layers: [200], created }),
    );
    addIndex(repository, { manifests: parts, tag: 'index' });
    add(repository, 'image', '2004-01-01T00:00:00Z');
    const scene = await stage.open({ repository, remote: { tagRules: newest('CREATED', 1) } });
    expect(await tagNames(scene, (await scene.sync({ mirror })).latest)).toEqual(['index']);
  });

  test('a config is read once for a digest; an unchanged tag costs a HEAD', async () => {
    const repository = createSampleRepository();
    const { digest } = add(repository, 'old', '2001-01-01T00:00:00Z');
    repository.tags.set('old-too', digest);
    add(repository, 'new', '2002-01-01T00:00:00Z');
    const scene = await stage.openSynced({ repository, remote: { tagRules: newest('CREATED', 1) } });
    expect(scene.before[0]?.tags).toEqual({ new: repository.tags.get('new') });
    await scene.sync({ mirror });
    const asked = requestsOf(scene).filter(
      (line) => line.includes('/manifests/') || line.includes('/blobs/'),
    );
    expect([...new Set(asked)].sort()).toEqual(
      ['new', 'old', 'old-too'].map((tag) => `HEAD /manifests/${tag}`),
    );
  });

  test('the kept tag stays when the upstream cannot deliver what tells its age', async () => {
    const repository = createSampleRepository();
    add(repository, 'a', '2001-01-01T00:00:00Z');
    const scene = await stage.open({ repository, remote: { tagRules: newest('CREATED', 1) } });
    await scene.sync({ mirror });
    const kept = repository.tags.get('a');
    const earlier = new Set(repository.blobs.keys());
    add(repository, 'a', '2002-01-01T00:00:00Z');
    for (const digest of repository.blobs.keys()) if (!earlier.has(digest)) repository.blobs.delete(digest);
    add(repository, 'b', '2003-01-01T00:00:00Z');
    const result = await scene.sync({ mirror });
    expect(result.task.state).toBe('COMPLETED');
    expect(Object.fromEntries(await stage.harness.tags(scene.ids.repositoryId, result.latest))).toEqual({
      a: kept,
      b: repository.tags.get('b'),
    });
  });
});

describe.concurrent('by the time when a sync first saw the tag', () => {
  test('later tags push out earlier ones, whatever their names and dates; only the list is asked for them', async () => {
    const repository = createSampleRepository();
    for (const tag of ['3.0', '2.0', '1.0']) add(repository, tag, '2010-01-01T00:00:00Z');
    const scene = await stage.open({ repository, remote: { tagRules: newest('FIRST_SEEN') } });
    // of tags that one sync has seen first, the higher version is newer
    expect(await tagNames(scene, (await scene.sync({ mirror })).latest)).toEqual(['2.0', '3.0']);
    add(repository, '0.1', '1990-01-01T00:00:00Z');
    const second = await scene.sync({ mirror });
    expect(await tagNames(scene, second.latest)).toEqual(['0.1', '3.0']);
    expect(requestsOf(scene).filter((line) => line.includes('/manifests/1.0'))).toEqual([]);
    expect((await scene.sync({ mirror })).task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
  });

  test('a tag of an earlier version is as old as that version', async () => {
    const repository = createSampleRepository();
    add(repository, 'b-early');
    const scene = await stage.openSynced({ repository });
    await sql`update repository_version set created_at = now() - interval '1 day' where repository_id = ${scene.ids.repositoryId}`.execute(
      kysely(stage.harness.em()),
    );
    add(repository, 'a-late');
    await stage.harness.updateRemote(scene.ids.remoteId, { tagRules: newest('FIRST_SEEN', 1) });
    const result = await scene.sync({ mirror, confirmRemoval: true });
    expect(await tagNames(scene, result.latest)).toEqual(['a-late']);
    const { repository: answer } = await stage.api.data(
      `query ($id: ID!) { repository(id: $id) { explainTag(name: "b-early") { outcome rule }
        remote { newestTags { count order per } } } }`,
      { id: toGlobalId('Repository', scene.ids.repositoryId) },
    );
    expect(answer).toMatchObject({ explainTag: { outcome: 'REMOVED' } });
    expect(answer.remote.newestTags).toEqual({ count: 1, order: 'FIRST_SEEN', per: 'ALL' });
  });
});
