/** What the API tells callers about themselves, and the figures of what they may read. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startAccessScene } from '../support/scene.ts';
import type { AccessScene, Caller, Things } from '../support/scene.ts';

let scene: AccessScene;
let own: Things;
let others: Things;
beforeAll(async () => {
  scene = await startAccessScene();
  own = await scene.makeThings('team');
  others = await scene.makeThings('other');
});
afterAll(() => scene?.close());

async function ask(query: string, caller: Caller): Promise<Record<string, unknown>> {
  const { data, errors } = await scene.api.graphql(query, {}, scene.tokens[caller]);
  expect(errors).toBeUndefined();
  return data as Record<string, unknown>;
}

test('viewer is the caller, with the highest role of each scope', async () => {
  await scene.makeToken('several', [
    { role: 'reader', scope: '*' },
    { role: 'pusher', scope: 'team/*' },
  ]);
  expect(await ask('{ viewer { kind name isAdmin roles { role scope } } }', 'maintainer')).toEqual({
    viewer: {
      kind: 'TOKEN',
      name: 'maintainer',
      isAdmin: false,
      roles: [{ role: 'MAINTAINER', scope: 'team/*' }],
    },
  });
  expect(await ask('{ viewer { isAdmin expiresAt } }', 'root')).toEqual({
    viewer: { isAdmin: true, expiresAt: expect.any(String) },
  });
  expect(await ask('{ viewer { isAdmin roles { role } } }', 'stranger')).toEqual({
    viewer: { isAdmin: false, roles: [] },
  });
});

const nodes = (things: Things) => `
  repository: node(id: "${things.repositoryId}") { ... on Repository { viewerCan } }
  remote: node(id: "${things.remoteId}") { ... on Remote { viewerCan } }
  distribution: node(id: "${things.distributionId}") { ... on Distribution { viewerCan } }
  schedule: node(id: "${things.scheduleId}") { ... on Schedule { viewerCan } }
  task: node(id: "${things.taskId}") { ... on Task { viewerCan } }
  policy: node(id: "${things.signaturePolicyId}") { ... on SignaturePolicy { viewerCan } }
  credential: node(id: "${things.credentialId}") { ... on Credential { viewerCan } }`;

const pages = (first: number) => `{ tasks(first: ${first}) { nodes { viewerCan } }
  schedules(first: ${first}) { nodes { viewerCan } } repositories(first: ${first}) { nodes { viewerCan } } }`;

describe('viewerCan', () => {
  test.each<[Caller, string[]]>([
    ['reader', ['READER']],
    ['pusher', ['READER', 'PUSHER']],
    ['maintainer', ['READER', 'PUSHER', 'MAINTAINER']],
    ['root', ['READER', 'PUSHER', 'MAINTAINER', 'ADMIN']],
  ])('of each kind of object, for a %s', async (caller, roles) => {
    const answer = await ask(`{ ${nodes(own)} }`, caller);
    expect(Object.keys(answer)).toHaveLength(7);
    for (const [kind, value] of Object.entries(answer))
      expect([kind, value]).toEqual([kind, { viewerCan: roles }]);
  });

  test('costs no statement for each row of a page', async () => {
    await ask(pages(1), 'root');
    const one = await scene.api.countStatements(() => ask(pages(1), 'root'));
    const many = await scene.api.countStatements(() => ask(pages(100), 'root'));
    expect(many).toBeLessThanOrEqual(one);
  });

  test('nothing of others is told', async () => {
    const answer = await ask(`{ ${nodes(others)} }`, 'admin');
    for (const value of Object.values(answer)) expect(value).toBeNull();
  });
});

describe('the estate', () => {
  const query = `{ estate { repositories fresh late failing syncing unscheduled storage { logicalBytes storedBytes savedBytes } }
    repositories(first: 100) { totalCount nodes { name freshness syncExpectedAt } } }`;

  interface Estate {
    readonly estate: Record<
      'repositories' | 'fresh' | 'late' | 'failing' | 'syncing' | 'unscheduled',
      number
    > & {
      readonly storage: Record<'logicalBytes' | 'storedBytes' | 'savedBytes', number>;
    };
    readonly repositories: {
      readonly totalCount: number;
      readonly nodes: readonly {
        readonly name: string;
        readonly freshness: string;
        readonly syncExpectedAt: string | null;
      }[];
    };
  }

  test('counts what the caller may read, as each repository says', async () => {
    const ofTeam = (await ask(query, 'reader')) as unknown as Estate;
    const ofAll = (await ask(query, 'root')) as unknown as Estate;
    for (const { estate, repositories } of [ofTeam, ofAll]) {
      expect(estate.repositories).toBe(repositories.totalCount);
      for (const state of ['fresh', 'late', 'failing', 'syncing', 'unscheduled'] as const) {
        const inState = repositories.nodes.filter(({ freshness }) => freshness.toLowerCase() === state);
        expect([state, estate[state]]).toEqual([state, inState.length]);
      }
    }
    expect(ofAll.estate.repositories).toBe(2 * ofTeam.estate.repositories);
    expect(ofTeam.repositories.nodes.every(({ name }) => name.startsWith('team/'))).toBe(true);
    expect((await ask('{ estate { repositories storage { storedBytes } } }', 'stranger'))['estate']).toEqual({
      repositories: 0,
      storage: { storedBytes: 0 },
    });
  });

  test('a blob that several repositories hold is stored once', async () => {
    const before = ((await ask(query, 'root')) as unknown as Estate).estate.storage;
    expect(before).toEqual({ ...before, savedBytes: before.logicalBytes - before.storedBytes });
    expect(before.storedBytes).toBeGreaterThan(0);
    const added = await scene.api.sql(
      `insert into membership (repository_id, kind, content_id, added_in)
       select (select id from repository where name = $1), 'blob', m.content_id, 1
       from membership m join repository r on r.id = m.repository_id and r.name = $2
       where m.kind = 'blob' returning (select size_bytes from blob where id = content_id and stored_at is not null)`,
      [`${others.name}-busy`, own.name],
    );
    const bytes = added.reduce((sum, row) => sum + Number(row['size_bytes'] ?? 0), 0);
    expect(bytes).toBeGreaterThan(0);
    const after = ((await ask(query, 'root')) as unknown as Estate).estate.storage;
    expect(after).toEqual({
      logicalBytes: before.logicalBytes + bytes,
      storedBytes: before.storedBytes,
      savedBytes: before.savedBytes + bytes,
    });
  });
});

const newest = (name: string) => ({
  estate: { recentVersions: [{ number: expect.any(Number), repository: { name } }] },
});

test('recentVersions has the newest of those that the caller may read', async () => {
  const query = '{ estate { recentVersions(first: 1) { number repository { name } } } }';
  await scene.api.sql(
    "update repository_version set created_at = now() + interval '1 minute' where repository_id = (select id from repository where name = $1)",
    [others.name],
  );
  expect(await ask(query, 'root')).toEqual(newest(others.name));
  expect(await ask(query, 'reader')).toEqual(newest(own.name));
  expect(await ask(query, 'stranger')).toEqual({ estate: { recentVersions: [] } });
});

interface Times {
  /** SQL of the interval and of the cron. */
  readonly times: string;
  /** SQL of the next runs that Temporal has announced; undefined: none. */
  readonly nextRuns?: string;
}

const hourly: Times = { times: '3600, null' };
const cron = (pause: string): Times => ({
  times: `null, '0 0 * * *'`,
  nextRuns: `array[now() + interval '1 minute', now() + interval '1 minute' + interval '${pause}']`,
});

describe('freshness', () => {
  const state = '(select id from repository where name = $1)';

  /** A repository that has been synced so many minutes ago, hourly by its schedule. */
  async function makeScheduled(
    name: string,
    schedule: Times | undefined,
    minutes: number,
    taskState = 'COMPLETED',
  ) {
    await scene.api.sql('insert into repository (name) values ($1)', [name]);
    await scene.api.sql(
      `insert into task (name, state, repository_id, workflow_id, manifests_total, finished_at, error_code)
       values ('repository.sync', $2, ${state}, 'none', 1, now() - make_interval(mins => $3),
         case when $2 = 'FAILED' then 'UPSTREAM_ERROR' end)`,
      [name, taskState, minutes],
    );
    if (schedule === undefined) return;
    await scene.api.sql(
      `insert into schedule (repository_id, interval_seconds, cron, time_zone, jitter_seconds, catchup_window_seconds, mirror,
         allow_private, paused, created_at) select ${state}, ${schedule.times}, 'UTC', 60, 60, false, true, false, now() - interval '1 year'`,
      [name],
    );
    if (schedule.nextRuns !== undefined)
      await scene.api.sql(
        `insert into schedule_group (specification, next_run_ats)
         select specification, ${schedule.nextRuns} from schedule where repository_id = ${state} on conflict do nothing`,
        [name],
      );
  }
  test.each<[string, Times | undefined, number, string, string]>([
    ['fresh', hourly, 50, 'COMPLETED', 'FRESH'],
    ['within-the-grace', hourly, 65, 'COMPLETED', 'FRESH'],
    ['late', hourly, 70, 'COMPLETED', 'LATE'],
    ['failed', hourly, 1, 'FAILED', 'FAILING'],
    ['runs', hourly, 1, 'RUNNING', 'SYNCING'],
    ['unscheduled', undefined, 10_000, 'COMPLETED', 'UNSCHEDULED'],
    ['failed-unscheduled', undefined, 10, 'FAILED', 'FAILING'],
    ['cron-fresh', cron('1 day'), 1_500, 'COMPLETED', 'FRESH'],
    ['cron-late', cron('1 day'), 1_700, 'COMPLETED', 'LATE'],
    ['unknown-pause', { times: "null, '0 1 * * *'" }, 1_700, 'COMPLETED', 'FRESH'],
  ])('%s', async (name, schedule, minutes, taskState, expected) => {
    const full = `freshness/${name}`;
    await makeScheduled(full, schedule, minutes, taskState);
    const listed = (await ask(
      `{ repositories(first: 100, name: "freshness/*", freshness: ${expected}) { totalCount nodes { name freshness syncExpectedAt } } }`,
      'root',
    )) as unknown as { repositories: { totalCount: number; nodes: { name: string; freshness: string }[] } };
    expect(listed.repositories.nodes).toContainEqual(
      expect.objectContaining({ name: full, freshness: expected }),
    );
    expect(listed.repositories.totalCount).toBe(listed.repositories.nodes.length);
    expect(listed.repositories.nodes.every(({ freshness }) => freshness === expected)).toBe(true);
  });
});
