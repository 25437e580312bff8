import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toGlobalId } from '../../src/operations/global-id.ts';
import { startApi } from '../support/api/api-server.ts';
import type { ApiUnderTest } from '../support/api/api-server.ts';
import { insertRepository, insertTask, insertVersion } from '../support/api/content.ts';

/* How a repository becomes a mirror, stops being one, and goes. */

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

let sequence = 0;

async function newRemote(): Promise<number> {
  sequence += 1;
  const [remote] = await api.sql(
    "insert into remote (name, url, upstream_name) values ($1, 'https://registry.example', 'a/b') returning id",
    [`mirrors ${sequence}`],
  );
  return Number(remote?.['id']);
}

/** A repository with one version, which somebody pushed, and a remote. */
async function newPushed({ isMirrored = false } = {}) {
  sequence += 1;
  const repositoryId = await insertRepository(api, `mirrors/r${sequence}`);
  await insertVersion(api, repositoryId, 1);
  const remoteId = await newRemote();
  await api.sql('update repository set remote_id = $1, is_mirrored = $2 where id = $3', [
    remoteId,
    isMirrored,
    repositoryId,
  ]);
  return { repositoryId, remoteId, id: toGlobalId('Repository', repositoryId) };
}

const sync = (input: object) =>
  api.mutate(
    'repositorySync',
    input,
    'task { id state overrides { includeTags excludeTags policy downloadConcurrency } }',
  );

const detach = (id: string) =>
  api.mutate('repositoryDetach', { id }, 'repository { isMirrored remote { id } latestVersion { number } }');

const remove = (id: string) => api.mutate('repositoryDelete', { id, deleteRemote: true }, 'deletedId');

describe('a repository that was pushed to', () => {
  test('is not turned into a mirror unasked', async () => {
    const { id } = await newPushed();
    const refused = await sync({ repositoryId: id });
    expect(refused.task).toBeNull();
    expect(refused.userErrors).toMatchObject([{ code: 'WOULD_BECOME_MIRROR', field: ['repositoryId'] }]);
    expect(refused.userErrors[0].message).toMatch(/convertToMirror/);
    expect((await sync({ repositoryId: id, convertToMirror: true })).userErrors).toEqual([]);
  });

  test('can be synced dry', async () => {
    const { id } = await newPushed();
    expect((await sync({ repositoryId: id, dryRun: true })).userErrors).toEqual([]);
  });

  test('gets no schedule', async () => {
    const { id } = await newPushed();
    const answer = await api.mutate(
      'scheduleCreate',
      {
        repositoryId: id,
        intervalSeconds: 3600,
        paused: true,
      },
      'schedule { id }',
    );
    expect(answer.userErrors).toMatchObject([{ code: 'WOULD_BECOME_MIRROR', field: ['repositoryId'] }]);
  });
});

test('content from pull-through is not a push', async () => {
  const { id, repositoryId } = await newPushed();
  await api.sql('update distribution set pull_through = true where repository_id = $1', [repositoryId]);
  expect((await sync({ repositoryId: id })).userErrors).toEqual([]);
});

describe('repositoryDetach', () => {
  test('makes a mirror an ordinary repository with the same versions', async () => {
    const { id } = await newPushed({ isMirrored: true });
    expect(await detach(id)).toEqual({
      repository: { isMirrored: false, remote: null, latestVersion: { number: 1 } },
      userErrors: [],
    });
  });

  test('waits for tasks and schedules', async () => {
    const { id, repositoryId } = await newPushed({ isMirrored: true });
    await insertTask(api, repositoryId, 'RUNNING');
    const scheduled = await api.mutate(
      'scheduleCreate',
      {
        repositoryId: id,
        intervalSeconds: 3600,
        paused: true,
      },
      'schedule { id }',
    );
    const answer = await detach(id);
    expect(answer.repository).toBeNull();
    expect(answer.userErrors.map(({ code }: { code: string }) => code)).toEqual(['IN_USE', 'IN_USE']);
    expect(answer.userErrors[1].message).toContain(scheduled.schedule.id);
    await api.sql('delete from task where repository_id = $1', [repositoryId]);
    await api.mutate('scheduleDelete', { id: scheduled.schedule.id }, 'deletedId');
    expect((await detach(id)).userErrors).toEqual([]);
  });
});

describe('repositoryDelete with deleteRemote', () => {
  test('deletes both', async () => {
    const { id, remoteId } = await newPushed();
    expect(await remove(id)).toEqual({ deletedId: id, userErrors: [] });
    expect(await api.sql('select from remote where id = $1', [remoteId])).toEqual([]);
  });

  test('deletes neither where another repository uses the remote', async () => {
    const { id, repositoryId, remoteId } = await newPushed();
    const other = await insertRepository(api, `mirrors/other${sequence}`);
    await api.sql('update repository set remote_id = $1 where id = $2', [remoteId, other]);
    const answer = await remove(id);
    expect(answer).toMatchObject({
      deletedId: null,
      userErrors: [{ code: 'IN_USE', field: ['deleteRemote'] }],
    });
    expect(answer.userErrors[0].message).toContain(`mirrors/other${sequence}`);
    expect(await api.sql('select from repository where id = $1', [repositoryId])).toHaveLength(1);
  });
});

describe('overrides of a sync', () => {
  test('are kept with the task, and not with the remote', async () => {
    const { id, remoteId } = await newPushed({ isMirrored: true });
    const overrides = { includeTags: ['v1'], excludeTags: null, policy: 'ON_DEMAND', downloadConcurrency: 3 };
    const { task, userErrors } = await sync({ repositoryId: id, overrides });
    expect(userErrors).toEqual([]);
    expect(task.overrides).toEqual({ ...overrides, excludeTags: [] });
    const [remote] = await api.sql('select include_tags, policy from remote where id = $1', [remoteId]);
    expect(remote).toEqual({ include_tags: null, policy: 'IMMEDIATE' });
  });

  test('follow the rules of the remote', async () => {
    const { id } = await newPushed({ isMirrored: true });
    const answer = await sync({
      repositoryId: id,
      overrides: { includeTags: ['v1', 'a/b'], downloadConcurrency: 0 },
    });
    expect(answer.task).toBeNull();
    expect(answer.userErrors).toMatchObject([
      { code: 'INVALID', field: ['overrides', 'includeTags', '1'] },
      { code: 'INVALID', field: ['overrides', 'downloadConcurrency'] },
    ]);
  });

  test('are stored in the remote where that is asked for, once the sync is accepted', async () => {
    const { id, remoteId } = await newPushed({ isMirrored: true });
    await api.sql(
      `update remote set tag_rules = '{"semverSuffix": "alpine", "platforms": ["linux/amd64"]}' where id = $1`,
      [remoteId],
    );
    const stored = () => api.sql('select include_tags, policy from remote where id = $1', [remoteId]);
    const rules = { semverRanges: ['>=1'], semverSuffix: null, newestTags: { count: 3 } };
    const wish = { repositoryId: id, overrides: { includeTags: ['v1'], ...rules }, saveOverrides: true };
    expect((await sync({ ...wish, dryRun: true })).userErrors).toMatchObject([
      { code: 'INVALID', field: ['saveOverrides'] },
    ]);
    expect(await stored()).toEqual([{ include_tags: null, policy: 'IMMEDIATE' }]);
    const { task, userErrors } = await sync(wish);
    expect({ userErrors, overrides: task.overrides }).toEqual({ userErrors: [], overrides: null });
    expect(await stored()).toEqual([{ include_tags: ['v1'], policy: 'IMMEDIATE' }]);
    expect(await api.sql('select tag_rules from remote where id = $1', [remoteId])).toEqual([
      {
        tag_rules: {
          platforms: ['linux/amd64'],
          semverRanges: ['>=1'],
          newestTags: { count: 3, per: 'ALL' },
        },
      },
    ]);
    const again = await sync({ ...wish, overrides: { includeTags: ['v2'] } });
    expect(again.userErrors).toMatchObject([{ code: 'SYNC_ALREADY_RUNNING' }]);
    expect(await stored()).toEqual([{ include_tags: ['v1'], policy: 'IMMEDIATE' }]);
  });

  test('are absent where none were given', async () => {
    const { id } = await newPushed({ isMirrored: true });
    expect((await sync({ repositoryId: id, overrides: {} })).task.overrides).toBeNull();
  });
});
