/** What a Tidemark tells another one: the changes since a state. */
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { kysely } from '../../../src/db/sql.ts';
import { addImage } from '../../../src/demo/sample-image.ts';
import { signByReferrer } from '../../support/signatures/signed-sample.ts';
import { changesPath, useChains } from '../../support/sync/chains.ts';

const chains = useChains();

async function ask(
  name: string,
  query: Record<string, string>,
): Promise<{ status: number; body: never; link: string | null }> {
  const answer = await fetch(`${chains.url()}${changesPath(name)}?${new URLSearchParams(query).toString()}`);
  return { status: answer.status, body: (await answer.json()) as never, link: answer.headers.get('link') };
}

async function expectRefused(
  name: string,
  query: Record<string, string>,
  status: number,
  code: string,
): Promise<void> {
  const { status: answered, body } = await ask(name, query);
  expect([answered, body]).toMatchObject([status, { errors: [{ code }] }]);
}

test('the changes since a state are told in pages: tags that came, moved and went, and subjects of referrers', async () => {
  const { repository, publish } = await chains.open('changes/pages');
  await publish();
  const since = await chains.stateOf('changes/pages');
  expect(since).toMatch(/^1-[0-9a-f]{32}$/);
  expect(await ask('changes/pages', { since })).toMatchObject({
    status: 200,
    body: { name: 'changes/pages', since, state: since, tags: [], subjects: [] },
    link: null,
  });
  const kept = addImage(repository, { seed: 'changes/pages-a', layers: [100], tag: 'a' });
  const moved = addImage(repository, { seed: 'changes-moved', layers: [100], tag: 'b' });
  repository.tags.delete('c');
  const added = addImage(repository, { seed: 'changes-added', layers: [100], tag: 'd' });
  for (const image of [kept, moved]) signByReferrer(repository, image);
  await publish();
  const state = await chains.stateOf('changes/pages');
  const seen: object[] = [];
  let query: Record<string, string> | undefined = { since, n: '1' };
  while (query !== undefined) {
    const { body, link } = (await ask('changes/pages', query)) as {
      body: { state: string; tags: object[]; subjects: string[] };
      link: string | null;
    };
    expect(body.state).toBe(state);
    expect(body.tags.length + body.subjects.length).toBe(1);
    seen.push(...body.tags, ...body.subjects.map((digest) => ({ digest })));
    const next = /<([^>]*)>/.exec(link ?? '')?.[1];
    query = next === undefined ? undefined : Object.fromEntries(new URL(next, chains.url()).searchParams);
  }
  const { mediaType } = moved;
  expect(seen).toEqual([
    { name: 'b', change: 'MOVED', digest: moved.digest, mediaType },
    { name: 'c', change: 'REMOVED' },
    { name: 'd', change: 'ADDED', digest: added.digest, mediaType },
    ...[kept.digest, moved.digest].toSorted().map((digest) => ({ digest })),
  ]);
});

test('a state that is not that of an earlier kept version is refused', async () => {
  const { repository, near, publish } = await chains.open('changes/refused');
  await publish();
  const first = await chains.stateOf('changes/refused');
  addImage(repository, { seed: 'refused-second', layers: [100], tag: 'b' });
  await publish();
  const second = await chains.stateOf('changes/refused');
  await expectRefused('changes/refused', {}, 400, 'STATE_INVALID');
  await expectRefused('changes/refused', { since: 'x' }, 400, 'STATE_INVALID');
  // the number of a version, and a state of another one
  await expectRefused('changes/refused', { since: `1-${second.slice(2)}` }, 410, 'STATE_UNKNOWN');
  await expectRefused('changes/refused', { since: second, until: first }, 410, 'STATE_UNKNOWN');
  // the distribution serves an earlier version again
  const { repositoryId } = near.ids;
  await sql`update distribution set version = 1 where repository_id = ${repositoryId}`.execute(
    kysely(chains.em()),
  );
  expect(await chains.stateOf('changes/refused')).toBe(first);
  await expectRefused('changes/refused', { since: second }, 410, 'STATE_UNKNOWN');
  await sql`update distribution set version = null where repository_id = ${repositoryId}`.execute(
    kysely(chains.em()),
  );
  // a restored backup has the same numbers
  await sql`update repository_version set created_at = created_at + interval '1 second' where repository_id = ${repositoryId} and number = 1`.execute(
    kysely(chains.em()),
  );
  await expectRefused('changes/refused', { since: first }, 410, 'STATE_UNKNOWN');
  await sql`delete from repository_version where repository_id = ${repositoryId} and number = 1`.execute(
    kysely(chains.em()),
  );
  await expectRefused('changes/refused', { since: first }, 410, 'STATE_UNKNOWN');
  expect((await fetch(`${chains.url()}${changesPath('none/here')}?since=${first}`)).status).toBe(404);
  expect((await fetch(`${chains.url()}${changesPath('changes/refused')}`, { method: 'PUT' })).status).toBe(
    405,
  );
});
