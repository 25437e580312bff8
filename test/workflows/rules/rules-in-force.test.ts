import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kysely } from '../../../src/db/sql.ts';
import { TagSeen } from '../../../src/db/schema/repositories.ts';
import { TaskTag } from '../../../src/db/schema/tasks.ts';
import type { SyncArguments } from '../../../src/db/schema/tasks.ts';
import type { FurtherRules } from '../../../src/selection/tag-rules.ts';
import { toGlobalId } from '../../../src/operations/global-id.ts';
import { addImage, createSampleRepository } from '../../../src/demo/sample-image.ts';
import { verifyBlobs } from '../../support/sync/stage.ts';
import type { Scene } from '../../support/sync/stage.ts';
import { openStageWithApi } from '../../support/sync/stage-with-api.ts';
import type { StageWithApi } from '../../support/sync/stage-with-api.ts';
import { companionName, signByTag } from '../../support/signatures/signed-sample.ts';

let stage: StageWithApi;
beforeAll(async () => {
  stage = await openStageWithApi();
});
afterAll(() => stage.close());

function imagesOf(seed: string, tags: readonly string[]) {
  const repository = createSampleRepository();
  for (const tag of tags) addImage(repository, { seed: `${seed}-${tag}`, layers: [200], tag });
  return repository;
}

async function tagNames(scene: Scene, version: number): Promise<string[]> {
  return [...(await stage.harness.tags(scene.ids.repositoryId, version)).keys()];
}

describe.concurrent('rules beside names and wildcards', () => {
  const versions = ['latest', '1.0', '1.1.0', '1.1.3', '1.2.0-rc.1', '2.0.0', '2.1.0', '2.1.0-alpine'];

  test('patterns and ranges include, patterns exclude; --tags replaces them for one sync', async () => {
    const tagRules = { includeTagPatterns: ['lat.*'], semverRanges: ['1.x'], excludeTagPatterns: ['.*\\.3'] };
    const scene = await stage.open({ repository: imagesOf('rules', versions), remote: { tagRules } });
    const first = await scene.sync();
    expect(first.warnings).toEqual([]);
    expect(await tagNames(scene, first.latest)).toEqual(['1.0', '1.1.0', 'latest']);
    const named = await scene.sync({ overrides: { includeTags: ['2.1.0', '1.1.3'] } });
    expect(await tagNames(scene, named.latest)).toEqual(['1.0', '1.1.0', '2.1.0', 'latest']);
  });

  test('rules that match nothing are named in warnings', async () => {
    const tagRules = { includeTagPatterns: ['v.*', 'lat'], semverRanges: ['>=3', '>=2'] };
    const scene = await stage.open({ repository: imagesOf('rules-none', versions), remote: { tagRules } });
    expect((await scene.sync()).warnings).toEqual([
      `"v.*" in includeTagPatterns matches none of the upstream's 8 tags.`,
      `"lat" in includeTagPatterns matches none of the upstream's 8 tags.`,
      `">=3" in semverRanges matches none of the upstream's 8 tags.`,
    ]);
  });

  test('a mirror has the newest of each group, exact names, and their companions; older ones leave', async () => {
    const repository = imagesOf('newest', versions);
    const image = addImage(repository, { seed: 'newest-1.1.4', layers: [200], tag: '1.1.4' });
    signByTag(repository, image);
    const companion = companionName(image, '.sig');
    const scene = await stage.open({
      repository,
      remote: { includeTags: ['latest', '*'], tagRules: { newestTags: { count: 1, per: 'MAJOR' } } },
    });
    const mirror = true;
    const first = await scene.sync({ mirror });
    expect(await tagNames(scene, first.latest)).toEqual(['1.1.4', '2.1.0', 'latest', companion]);
    expect((await scene.sync({ mirror })).task.createdVersion).toBeNull();

    addImage(repository, { seed: 'newest-1.2', layers: [200], tag: '1.2.0' });
    const kept = await scene.sync();
    expect(await tagNames(scene, kept.latest)).toEqual(['1.1.4', '1.2.0', '2.1.0', 'latest', companion]);
    const moved = await scene.sync({ mirror });
    expect(moved.warnings).toEqual([]);
    expect(await tagNames(scene, moved.latest)).toEqual(['1.2.0', '2.1.0', 'latest']);
  });
});

describe.concurrent('immutable tags', () => {
  test('900 of them cost only the list of tags, and the ping of the registry', async () => {
    const repository = imagesOf('immutable', ['v0']);
    const digest = repository.tags.get('v0');
    if (digest === undefined) throw new Error('the sample has no tag v0');
    for (let n = 1; n < 900; n += 1) repository.tags.set(`v${n}`, digest);
    const scene = await stage.openSynced({ repository, remote: { tagRules: { immutableTags: ['*'] } } });
    const again = await scene.sync({ mirror: true });
    expect(again.task).toMatchObject({ state: 'COMPLETED', createdVersion: null, tagsTotal: 900 });
    expect(again.counts).toMatchObject({ tagsDone: 900 });
    expect(scene.upstream.requests.map(({ path }) => path)).toEqual([
      '/v2/library/app/tags/list?n=1000',
      '/v2/',
    ]);
  });

  test('one that moves stays, a removed one leaves, and others move; without the rule it moves', async () => {
    const scene = await stage.openSynced({
      repository: imagesOf('frozen', ['v1', 'v2', 'v3', 'latest']),
      remote: { tagRules: { immutableTags: ['v*'] } },
    });
    const { repository, before } = scene;
    const old = new Map(repository.tags);
    for (const tag of ['v1', 'latest'])
      addImage(repository, { seed: `${scene.seed}-${tag}-moved`, layers: [200], tag });
    repository.tags.delete('v2');
    const moved = await scene.sync({ mirror: true });
    expect(Object.fromEntries(await stage.harness.tags(scene.ids.repositoryId, moved.latest))).toEqual({
      ...before[0]?.tags,
      v2: undefined,
      latest: repository.tags.get('latest'),
    });
    expect((await stage.harness.tags(scene.ids.repositoryId, moved.latest)).get('v1')).toBe(old.get('v1'));
    await stage.harness.updateRemote(scene.ids.remoteId, { tagRules: {} });
    const { latest } = await scene.sync({ mirror: true });
    expect((await stage.harness.tags(scene.ids.repositoryId, latest)).get('v1')).toBe(
      repository.tags.get('v1'),
    );
  });

  test('a lost layer of one is fetched again', async () => {
    const scene = await stage.openSynced({
      repository: imagesOf('immutable-lost', ['v1']),
      remote: { tagRules: { immutableTags: ['v1'] } },
    });
    const [blob = ''] = scene.before[0]?.blobs ?? [];
    await rm(join(stage.harness.folder, 'blobs', ...blob.split(':')));
    expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
    await verifyBlobs(stage.harness, scene.before[0]?.blobs ?? []);
  });
});

async function passDay(scene: Scene): Promise<void> {
  await sql`update tag_seen set first_seen_at = first_seen_at - interval '1 day' where repository_id = ${scene.ids.repositoryId}`.execute(
    kysely(stage.harness.em()),
  );
}

/** The first of them, or the one after it. */
async function waitingTags(scene: Scene, place: 'first' | 'after' = 'first') {
  const id = toGlobalId('Repository', scene.ids.repositoryId);
  const read = async (after: string | null) => {
    const { repository } = await stage.api.data(
      `query ($id: ID!, $after: String) { repository(id: $id) { waitingTags(first: 1, after: $after) {
        totalCount nodes { name digest firstSeenAt dueAt } pageInfo { hasNextPage endCursor } } } }`,
      { id, after },
    );
    return repository.waitingTags;
  };
  const first = await read(null);
  return place === 'first' ? first : await read(first.pageInfo.endCursor);
}

async function outcomes(scene: Scene, options: Partial<SyncArguments> = {}) {
  const { task } = await scene.sync(options);
  expect(task.state).toBe('COMPLETED');
  const rows = await stage.harness.em().find(TaskTag, { taskId: task.id }, { orderBy: { name: 'asc' } });
  return rows.map(({ name, outcome }) => `${name} ${outcome}`);
}

describe.concurrent('the minimum age', () => {
  const day = 86_400;
  const aged: FurtherRules = { minimumAgeSeconds: day };

  test('a moved tag keeps its digest, and its content is not fetched, until it is due', async () => {
    const scene = await stage.openSynced({ repository: imagesOf('aged', ['v1', 'v2']) });
    const { repository } = scene;
    await stage.harness.updateRemote(scene.ids.remoteId, { tagRules: aged });
    const moved = addImage(repository, { seed: 'aged-moved', layers: [200], tag: 'v1' });
    scene.upstream.requests.length = 0;
    expect(await outcomes(scene, { mirror: true })).toEqual(['v1 TOO_YOUNG']);
    expect(await outcomes(scene, { mirror: true })).toEqual(['v1 TOO_YOUNG']);
    expect(scene.upstream.requests.filter(({ path }) => path.includes(moved.digest))).toEqual([]);
    expect(
      scene.upstream.requests.filter(({ method, path }) => method === 'GET' && path.includes('v1')),
    ).toEqual([]);

    await passDay(scene);
    addImage(repository, { seed: 'aged-moved-again', layers: [200], tag: 'v1' });
    expect(await outcomes(scene)).toEqual(['v1 TOO_YOUNG']);
    await passDay(scene);
    expect(await outcomes(scene, { dryRun: true })).toEqual(['v1 MOVED']);
    expect(await outcomes(scene)).toEqual(['v1 MOVED']);
    expect((await stage.harness.tags(scene.ids.repositoryId, 2)).get('v1')).toBe(repository.tags.get('v1'));
    expect(await outcomes(scene)).toEqual([]);
    expect(await stage.harness.em().count(TagSeen, { repositoryId: scene.ids.repositoryId })).toBe(0);
  });

  test('a new tag is absent until it is due; MOVED takes it at once', async () => {
    const scene = await stage.open({
      repository: imagesOf('young', ['v1', 'v2']),
      remote: { tagRules: aged },
    });
    expect(await outcomes(scene, { dryRun: true })).toEqual(['v1 TOO_YOUNG', 'v2 TOO_YOUNG']);
    expect(await stage.harness.em().count(TagSeen, { repositoryId: scene.ids.repositoryId })).toBe(0);
    expect(await outcomes(scene)).toEqual(['v1 TOO_YOUNG', 'v2 TOO_YOUNG']);
    const [one, two] = [await waitingTags(scene), await waitingTags(scene, 'after')];
    expect(one).toMatchObject({
      totalCount: 2,
      nodes: [{ name: 'v1', digest: scene.repository.tags.get('v1') }],
    });
    expect(two).toMatchObject({ totalCount: 2, nodes: [{ name: 'v2' }], pageInfo: { hasNextPage: false } });
    const [{ firstSeenAt, dueAt }] = one.nodes;
    expect(Date.parse(dueAt) - Date.parse(firstSeenAt)).toBe(day * 1_000);
    await passDay(scene);
    expect(await outcomes(scene, { overrides: { includeTags: ['v1'] } })).toEqual(['v1 ADDED']);
    expect(await waitingTags(scene)).toMatchObject({ totalCount: 1, nodes: [{ name: 'v2' }] });
    expect(await outcomes(scene)).toEqual(['v2 ADDED']);
    expect(await waitingTags(scene)).toMatchObject({ totalCount: 0, nodes: [] });
    await stage.harness.updateRemote(scene.ids.remoteId, { tagRules: { ...aged, minimumAgeFor: 'MOVED' } });
    for (const tag of ['v2', 'v3'])
      addImage(scene.repository, { seed: `young-${tag}-later`, layers: [200], tag });
    expect(await outcomes(scene)).toEqual(['v2 TOO_YOUNG', 'v3 ADDED']);
  });

  test('lost content of a present tag is fetched at once', async () => {
    const scene = await stage.openSynced({ repository: imagesOf('aged-lost', ['v1']) });
    await stage.harness.updateRemote(scene.ids.remoteId, { tagRules: aged });
    await sql`update manifest set raw = null where digest = ${scene.repository.tags.get('v1')}`.execute(
      kysely(stage.harness.em()),
    );
    expect(await outcomes(scene)).toEqual([]);
    expect(scene.upstream.requests.some(({ method, path }) => method === 'GET' && path.endsWith('/v1'))).toBe(
      true,
    );
  });

  test('a tag that waits does not push an older one out of the newest', async () => {
    const scene = await stage.openSynced({
      repository: imagesOf('aged-newest', ['1.0', '1.1']),
      remote: { tagRules: { newestTags: { count: 1, per: 'ALL' } } },
    });
    const wish = { mirror: true, confirmRemoval: true };
    const tagRules: FurtherRules = { ...aged, newestTags: { count: 1, per: 'ALL' } };
    await stage.harness.updateRemote(scene.ids.remoteId, { tagRules });
    for (const tag of ['1.2', '1.3']) addImage(scene.repository, { seed: `aged-${tag}`, layers: [200], tag });
    expect(await outcomes(scene, wish)).toEqual(['1.3 TOO_YOUNG']);
    addImage(scene.repository, { seed: 'aged-1.4', layers: [200], tag: '1.4' });
    expect(await outcomes(scene, wish)).toEqual(['1.3 TOO_YOUNG', '1.4 TOO_YOUNG']);
    await sql`update tag_seen set first_seen_at = first_seen_at - interval '1 day' where name = '1.3' and repository_id = ${scene.ids.repositoryId}`.execute(
      kysely(stage.harness.em()),
    );
    expect(await outcomes(scene, wish)).toEqual(['1.1 REMOVED', '1.3 ADDED', '1.4 TOO_YOUNG']);
    await passDay(scene);
    expect(await outcomes(scene, wish)).toEqual(['1.3 REMOVED', '1.4 ADDED']);
    expect(await outcomes(scene, wish)).toEqual([]);
  });
});
