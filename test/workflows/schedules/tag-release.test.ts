/** Tags that wait for the minimum age are listed and can be released (docs/selection.md, "Minimum age"). */
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kysely } from '../../../src/db/sql.ts';
import { readWaitingPages } from '../../../src/db/reads/tags/read-waiting-tags.ts';
import { releaseTag } from '../../../src/db/outcomes/tag-releases.ts';
import { toGlobalId } from '../../../src/operations/global-id.ts';
import { openStageWithApi } from '../../support/sync/stage-with-api.ts';
import type { StageWithApi } from '../../support/sync/stage-with-api.ts';

let stage: StageWithApi;
beforeAll(async () => {
  stage = await openStageWithApi();
});
afterAll(() => stage.close());

test('a released digest is taken at once, the others wait, and the release says who and why', async () => {
  const scene = await stage.open({ remote: { tagRules: { minimumAgeSeconds: 86_400 } } });
  const em = () => stage.harness.em();
  const { repositoryId } = scene.ids;
  const waiting = async () => {
    const page = { first: 10, after: undefined };
    const [found] = await readWaitingPages(em(), [{ repositoryId, seconds: 86_400 }], page);
    return found?.rows.map(({ name }) => name);
  };
  expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
  expect(await waiting()).toEqual(['good', 'multi']);
  const token = await sql<{ id: number }>`
    insert into access_token (name, hash, expires_at) values ('release-officer', ${Buffer.from(scene.seed)}, now()) returning id`.execute(
    kysely(em()),
  );
  const releasedBy = { kind: 'token', id: token.rows[0]?.id };
  const release = { repositoryId, name: 'good', reason: 'checked by hand', releasedBy };
  expect(await releaseTag(em(), release)).toBe(scene.repository.tags.get('good'));
  expect(await releaseTag(em(), { ...release, name: 'absent' })).toBeUndefined();
  const sync = await scene.sync({ overrides: { includeTags: ['good'] } });
  expect(sync.task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
  expect([...(await stage.harness.tags(repositoryId, 1)).keys()]).toEqual(['good']);
  expect(await waiting()).toEqual(['multi']);
  const id = toGlobalId('Repository', repositoryId);
  const { repository } = await stage.api.data(
    `query ($id: ID!) { repository(id: $id) { waitingTags(first: 1) { totalCount nodes { name } }
      tagReleases(first: 1) { totalCount nodes { name digest reason releasedBy releasedAt } pageInfo { hasNextPage } } } }`,
    { id },
  );
  expect(repository).toEqual({
    waitingTags: { totalCount: 1, nodes: [{ name: 'multi' }] },
    tagReleases: {
      totalCount: 1,
      nodes: [
        {
          name: 'good',
          digest: scene.repository.tags.get('good'),
          reason: 'checked by hand',
          releasedBy: 'release-officer',
          releasedAt: expect.any(String),
        },
      ],
      pageInfo: { hasNextPage: false },
    },
  });
});
