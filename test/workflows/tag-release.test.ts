/** Tags that wait for the minimum age are listed and can be released (docs/selection.md, "Minimum age"). */
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { everybody } from '../../src/access/viewer.ts';
import { kysely } from '../../src/db/sql.ts';
import { readWaitingTags } from '../../src/db/reads/read-waiting-tags.ts';
import { releaseTag } from '../../src/db/outcomes/tag-releases.ts';
import { openStage } from '../faults/scene.ts';
import type { Stage } from '../faults/scene.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

test('a released digest is taken at once, the others wait, and the release says who and why', async () => {
  const scene = await stage.open({ remote: { tagRules: { minimumAgeSeconds: 86_400 } } });
  const em = () => stage.harness.em();
  const { repositoryId } = scene.ids;
  const waiting = async () => {
    const page = { first: 10, after: undefined };
    const { rows } = await readWaitingTags(em(), { repositoryId, seconds: 86_400 }, page);
    return rows.map(({ name }) => name);
  };
  expect((await scene.sync()).task).toMatchObject({ state: 'COMPLETED', createdVersion: null });
  expect(await waiting()).toEqual(['good', 'multi']);
  const release = { repositoryId, name: 'good', reason: 'checked by hand', releasedBy: everybody.identity };
  expect(await releaseTag(em(), release)).toBe(scene.repository.tags.get('good'));
  expect(await releaseTag(em(), { ...release, name: 'absent' })).toBeUndefined();
  const sync = await scene.sync({ overrides: { includeTags: ['good'] } });
  expect(sync.task).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
  expect([...(await stage.harness.tags(repositoryId, 1)).keys()]).toEqual(['good']);
  expect(await waiting()).toEqual(['multi']);
  const kept =
    await sql`select name, reason, released_by as "releasedBy" from tag_release where repository_id = ${repositoryId}`.execute(
      kysely(em()),
    );
  expect(kept.rows).toEqual([{ name: 'good', reason: 'checked by hand', releasedBy: everybody.identity }]);
});
