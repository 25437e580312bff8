/** Syncs and looks that take only the difference from another Tidemark, and what makes them read the whole list. */
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { kysely } from '../../../src/db/sql.ts';
import { addImage, addIndex } from '../../../src/demo/sample-image.ts';
import { companionName, signByTag } from '../../support/signatures/signed-sample.ts';
import { chainTags, changesPath, useChains } from '../../support/sync/chains.ts';
import { insertSchedule } from '../../support/sync/insert-schedule.ts';
import { forward } from '../../support/upstream/forward.ts';
import { json } from '../../support/upstream/fake-upstream.ts';

const chains = useChains();

test('an unchanged repository costs a request and a sample; a look at two of a host, one sample', async () => {
  const chain = await chains.open('changes/same');
  await chain.publish();
  await chain.sync();
  const whole = await chains.lastTask(chain.far);
  const same = await chain.sync();
  expect(same.filter((request) => !/^HEAD \/manifests\/[abc]$/.test(request))).toEqual([
    'GET /_tidemark/tags/changes',
  ]);
  expect(same).toHaveLength(2);
  expect(await chains.lastTask(chain.far)).toEqual({ ...whole, difference: true });
  const other = await chains.opened.stage.open({
    remote: { url: chain.far.upstream.url, upstreamName: 'changes/same' },
  });
  await chains.opened.direct.run(other.ids, true);
  const schedules = [chain.far, other].map(({ ids: { repositoryId } }) =>
    insertSchedule(chains.em(), { repositoryId, mirror: true }),
  );
  chain.far.upstream.requests.length = 0;
  expect(await chains.opened.direct.look(...(await Promise.all(schedules)))).toBe(true);
  expect(chain.far.upstream.requests.map(({ method }) => method).toSorted()).toEqual(['GET', 'GET', 'HEAD']);
});

test('a changed tag is fetched, a removed one confirmed; nothing else is requested but companions and the sample', async () => {
  const chain = await chains.open('changes/some');
  const { repository } = chain;
  for (let n = 0; n < 40; n += 1) addImage(repository, { seed: `some-${n}`, layers: [100], tag: `t${n}` });
  await chain.publish();
  await chain.sync();
  const before = await chains.lastTask(chain.far);
  addImage(repository, { seed: 'some-moved', layers: [100], tag: 'a' });
  repository.tags.delete('b');
  await chain.publish();
  const asked = await chain.sync();
  // the sample may be of a tag that has changed
  const others = asked.filter(
    (request) => !/^(?:HEAD \/manifests\/(?:b|c|t\d+)|GET \/(?:blobs\/.*|manifests\/a))$/.test(request),
  );
  expect([...new Set(others.map((request) => request.replace(/sha256:.*/, '')))].toSorted()).toEqual([
    'GET /_tidemark/tags/changes',
    'GET /manifests/b',
    'GET /referrers/',
    'HEAD /manifests/a',
  ]);
  expect(asked.length).toBeLessThanOrEqual(10);
  expect(await chains.lastTask(chain.far)).toEqual({
    ...before,
    difference: true,
    tags: 42,
    manifests: 42,
    blobs: (before?.blobs ?? 0) - 2,
  });
});

test('companions that the filters exclude are found by a difference, and leave with their image', async () => {
  const chain = await chains.open('changes/companions', { includeTags: ['a', 'v*'] });
  const { repository } = chain;
  const image = addImage(repository, { seed: 'companions-child', layers: [100] });
  addIndex(repository, { manifests: [image], tag: 'v1' });
  await chain.publish();
  await chain.sync();
  signByTag(repository, image);
  await chain.publish();
  await chain.sync();
  const name = companionName(image, '.sig');
  const readTags = async () => {
    const { repositoryId } = chain.far.ids;
    const found = await sql<{
      name: string;
    }>`select name from tag_membership where repository_id = ${repositoryId} and removed_in is null order by name`.execute(
      kysely(chains.em()),
    );
    return found.rows.map((row) => row.name);
  };
  expect(await readTags()).toEqual(['a', name, 'v1']);
  addImage(repository, { seed: 'companions-moved', layers: [100], tag: 'v1' });
  await chain.publish();
  await chain.sync();
  expect(await readTags()).toEqual(['a', 'v1']);
  expect((await chains.lastTask(chain.far))?.difference).toBe(true);
});

test('the whole list is read where the upstream does not know the state, and once a day', async () => {
  const chain = await chains.open('changes/gone');
  await chain.publish();
  await chain.sync();
  addImage(chain.repository, { seed: 'gone-moved', layers: [100], tag: 'a' });
  await chain.publish();
  await sql`delete from repository_version where repository_id = ${chain.near.ids.repositoryId} and number = 1`.execute(
    kysely(chains.em()),
  );
  const asked = await chain.sync();
  expect(asked).toContain('GET /tags/list');
  expect(await chains.lastTask(chain.far)).toMatchObject({
    state: 'COMPLETED',
    difference: false,
    warnings: [],
  });
  expect(await chain.sync()).not.toContain('GET /tags/list');
  await sql`update task set listed_at = listed_at - interval '25 hours' where repository_id = ${chain.far.ids.repositoryId}`.execute(
    kysely(chains.em()),
  );
  expect(await chain.sync()).toContain('GET /tags/list');
  expect(await chain.sync()).not.toContain('GET /tags/list');
});

test('an older Tidemark, which announces no state, is asked for the whole list', async () => {
  const chain = await chains.open('changes/older', {}, forward(chains.url, 'tidemark-state'));
  await chain.publish();
  await chain.sync();
  const asked = await chain.sync();
  expect(asked).toContain('GET /tags/list');
  expect(asked).not.toContain('GET /_tidemark/tags/changes');
});

test('a difference that leaves a change out is found by the sample: the whole list is read, with a warning, and so for a day', async () => {
  const chain = await chains.open('changes/lies');
  await chain.publish();
  await chain.sync();
  const since = await chains.stateOf('changes/lies');
  for (const tag of chainTags) addImage(chain.repository, { seed: `lies-moved-${tag}`, layers: [100], tag });
  await chain.publish();
  const state = await chains.stateOf('changes/lies');
  chain.far.upstream.on(
    `GET ${changesPath('changes/lies')}`,
    json({ name: 'changes/lies', since, state, tags: [], subjects: [] }),
  );
  expect(await chain.sync()).toContain('GET /tags/list');
  const { warnings = [], ...task } = (await chains.lastTask(chain.far)) ?? {};
  expect(task).toMatchObject({ state: 'COMPLETED', difference: false });
  expect(warnings.join()).toMatch(/names sha256:.* for the tag [abc], but the registry serves sha256:/);
  for (const tag of chainTags)
    expect(
      (await fetch(`${chains.url()}/v2/${chain.far.name}/manifests/${tag}`)).headers.get(
        'docker-content-digest',
      ),
    ).toBe(chain.repository.tags.get(tag));
  // the warning, and then the memory of the lie
  await chain.sync();
  expect(await chain.sync()).not.toContain('GET /_tidemark/tags/changes');
});

test.for([
  ['another document', json({ tags: [] })],
  [
    'an entry that is no tag',
    json({ state: `9-${'0'.repeat(32)}`, tags: [{ name: '..', change: 'REMOVED' }], subjects: [] }),
  ],
  ['no answer but an error', { status: 500 }],
] as const)('the whole list is read after %s', async ([what, answer]) => {
  const name = `changes/${what.replaceAll(' ', '-')}`;
  const chain = await chains.open(name);
  await chain.publish();
  await chain.sync();
  chain.far.upstream.on(`GET ${changesPath(name)}`, answer);
  expect(await chain.sync()).toContain('GET /tags/list');
  expect(await chains.lastTask(chain.far)).toMatchObject({ state: 'COMPLETED', warnings: [] });
});

test('removals of most tags are refused by a difference as by the whole list', async () => {
  const chain = await chains.open('changes/mass');
  const { repository, far } = chain;
  for (let n = 0; n < 12; n += 1) addImage(repository, { seed: `mass-${n}`, layers: [100], tag: `t${n}` });
  await chain.publish();
  await chain.sync();
  for (let n = 0; n < 12; n += 1) repository.tags.delete(`t${n}`);
  await chain.publish();
  const { task } = await far.sync({ mirror: true });
  expect(task).toMatchObject({ state: 'FAILED', errorCode: 'MASS_REMOVAL_REFUSED' });
});

test('a difference of one tag that cannot be fetched leaves the tag out, as beside a whole list', async () => {
  const chain = await chains.open('changes/fails', { maxRetries: 0, tagRules: { tagFailures: 'SKIP_TAG' } });
  await chain.publish();
  await chain.sync();
  addImage(chain.repository, { seed: 'fails-moved', layers: [100], tag: 'a' });
  await chain.publish();
  const manifests = '/v2/changes/fails/manifests/a';
  chain.far.upstream.on(`HEAD ${manifests}`, { status: 405 });
  chain.far.upstream.on(`GET ${manifests}`, { body: 'no manifest' });
  await chain.sync();
  const { warnings = [], ...task } = (await chains.lastTask(chain.far)) ?? {};
  expect(task).toMatchObject({ state: 'COMPLETED', difference: true });
  expect(warnings.join()).toContain('The tag "a" was skipped');
});
