/** What is served where. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addArtifact, addImage, createSampleRepository } from '../../../src/demo/sample-image.ts';
import { pull } from '../../support/api/pull.ts';
import { startPullScene } from '../../support/api/pull-scene.ts';
import type { PullScene } from '../../support/api/pull-scene.ts';

let scene: PullScene;
beforeAll(async () => {
  scene = await startPullScene();
});
afterAll(() => scene?.close());

async function status(path: string): Promise<number> {
  return (await pull(scene.api.url, { path })).status;
}

async function tags(name: string): Promise<unknown> {
  const { body } = await pull(scene.api.url, { path: `/v2/${name}/tags/list` });
  return (JSON.parse(body.toString()) as { tags?: unknown }).tags;
}

function image(tag: string) {
  const sample = createSampleRepository();
  addImage(sample, { seed: tag, layers: [], tag });
  return sample;
}

async function createRepository(name: string) {
  const { data } = await scene.api.graphql(
    'mutation ($name: String!) { repositoryCreate(input: { name: $name }) { repository { id } userErrors { field code message } } }',
    { name },
  );
  return data.repositoryCreate as {
    repository: { id: string } | null;
    userErrors: { code: string; message: string }[];
  };
}

async function update(id: string, name: string) {
  const { data } = await scene.api.graphql(
    'mutation ($id: ID!, $name: String!) { repositoryUpdate(input: { id: $id, name: $name }) { userErrors { field code message } } }',
    { id, name },
  );
  return data.repositoryUpdate.userErrors as { code: string; message: string }[];
}

/** A distribution beside the one at the repository's own name; mutations for these come later. */
async function distribute(
  basePath: string,
  repository: string,
  version: number | null = null,
): Promise<void> {
  await scene.api.sql(
    'insert into distribution (base_path, repository_id, version) select $1, id, $3 from repository where name = $2',
    [basePath, repository, version],
  );
}

test('a repository is served at its own name from its creation, goes where it is renamed to, and is gone when deleted', async () => {
  const { repository } = await createRepository('new/one');
  expect(await tags('new/one')).toEqual([]);
  expect(await update(repository?.id ?? '', 'new/two')).toEqual([]);
  expect(await status('/v2/new/one/tags/list')).toBe(404);
  expect(await tags('new/two')).toEqual([]);
  const { data } = await scene.api.graphql(
    'mutation ($id: ID!) { repositoryDelete(input: { id: $id }) { deletedId userErrors { message } } }',
    { id: repository?.id },
  );
  expect(data.repositoryDelete).toEqual({ deletedId: repository?.id, userErrors: [] });
  expect(await status('/v2/new/two/tags/list')).toBe(404);
});

test('the latest version is served, without what it removed; a pinned one stays', async () => {
  await scene.publish('follow/app', image('one'));
  await distribute('stable/app', 'follow/app', 1);
  expect(await tags('follow/app')).toEqual(['one']);
  const first = image('one');
  const [digest] = first.manifests.keys();
  await scene.publish('follow/app', image('two'));
  expect(await tags('follow/app')).toEqual(['two']);
  expect(await status(`/v2/follow/app/manifests/${digest}`)).toBe(404);
  expect(await tags('stable/app')).toEqual(['one']);
  expect(await status(`/v2/stable/app/manifests/${digest}`)).toBe(200);
  for (const blob of first.blobs.keys()) expect(await status(`/v2/stable/app/blobs/${blob}`)).toBe(200);
});

test('fault 121: a digest that a mirror has lost is served from a version that is kept; a pinned distribution serves its own', async () => {
  const sample = createSampleRepository();
  const lost = addImage(sample, { seed: 'kept', layers: [400], tag: 'now' });
  const referrer = addArtifact(sample, { seed: 'kept', artifactType: 'application/x.kept', subject: lost });
  await scene.publish('kept/app', sample);
  await scene.api.sql('update repository set is_mirrored = true where name = $1', ['kept/app']);
  const next = createSampleRepository();
  addImage(next, { seed: 'kept-next', layers: [500], tag: 'now' });
  await scene.publish('kept/app', next);
  await distribute('kept/pinned', 'kept/app', 2);
  const paths = [
    ...[lost, referrer].map(({ digest }) => `manifests/${digest}`),
    ...[...sample.blobs.keys()].map((blob) => `blobs/${blob}`),
  ];
  const statuses = (name: string) => Promise.all(paths.map((path) => status(`/v2/${name}/${path}`)));
  const referrers = async (name: string) => {
    const { body } = await pull(scene.api.url, { path: `/v2/${name}/referrers/${lost.digest}` });
    return (JSON.parse(body.toString()) as { manifests: { digest: string }[] }).manifests.map(
      (one) => one.digest,
    );
  };
  expect(await statuses('kept/app')).toEqual(paths.map(() => 200));
  expect(await referrers('kept/app')).toEqual([referrer.digest]);
  const tag = await pull(scene.api.url, { path: '/v2/kept/app/manifests/now' });
  expect(tag.headers['docker-content-digest']).toBe(next.tags.get('now'));
  expect(await statuses('kept/pinned')).toEqual(paths.map(() => 404));
  expect(await referrers('kept/pinned')).toEqual([]);
  await scene.api.sql(
    'delete from repository_version v using repository r where r.id = v.repository_id and r.name = $1 and v.number = 1',
    ['kept/app'],
  );
  expect(await statuses('kept/app')).toEqual(paths.map(() => 404));
  expect(await referrers('kept/app')).toEqual([]);
});

test('a version that a distribution is pinned to cannot go, unless its repository goes', async () => {
  await scene.publish('pinned/app', image('one'));
  await distribute('pinned/stable', 'pinned/app', 1);
  await expect(
    scene.api.sql(
      'delete from repository_version v using repository r where r.id = v.repository_id and r.name = $1',
      ['pinned/app'],
    ),
  ).rejects.toThrow('foreign key');
  await expect(distribute('pinned/none', 'pinned/app', 7)).rejects.toThrow('foreign key');
  await scene.api.sql('delete from repository where name = $1', ['pinned/app']);
  expect(await status('/v2/pinned/stable/tags/list')).toBe(404);
});

test('a name where a distribution of another repository is served is taken', async () => {
  await scene.publish('taken/app', image('one'));
  await distribute('taken/path', 'taken/app');
  const created = await createRepository('taken/path');
  expect(created).toMatchObject({ repository: null, userErrors: [{ code: 'ALREADY_EXISTS' }] });
  expect(created.userErrors[0]?.message).toContain('distribution');
  const { repository } = await createRepository('taken/free');
  expect(await update(repository?.id ?? '', 'taken/path')).toMatchObject([{ code: 'ALREADY_EXISTS' }]);
  expect(await tags('taken/free')).toEqual([]);
});

test('two repositories created at once with one name: one is, and has its distribution', async () => {
  const both = await Promise.all([createRepository('race/app'), createRepository('race/app')]);
  expect(both.filter(({ repository }) => repository !== null)).toHaveLength(1);
  expect(both.flatMap(({ userErrors }) => userErrors.map(({ code }) => code))).toEqual(['ALREADY_EXISTS']);
  expect(await tags('race/app')).toEqual([]);
});

test('a private distribution is as good as absent while there are no logins', async () => {
  await scene.publish('private/app', image('one'));
  await scene.api.sql('update distribution set is_private = true where base_path = $1', ['private/app']);
  expect(await status('/v2/private/app/tags/list')).toBe(404);
  const { body } = await pull(scene.api.url, { path: '/v2/_catalog' });
  expect(body.toString()).not.toContain('private/app');
});
