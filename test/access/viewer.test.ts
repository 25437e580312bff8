/** What the API tells callers about themselves, and the figures of what they may read. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pull } from '../support/api/pull.ts';
import { until } from '../support/until.ts';
import { startAccessScene } from './support/scene.ts';
import type { AccessScene, Caller, Things } from './support/scene.ts';

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

describe('the quotas of upstreams', () => {
  interface Quotas {
    readonly totalCount: number;
    readonly pageInfo: { readonly endCursor: string };
    readonly nodes: readonly { readonly host: string; readonly remote: { readonly id: string } }[];
  }
  const quotasOf = async (caller: Caller, page: string) => {
    const fields = 'host limit remaining windowSeconds resetsAt remote { id }';
    const query = `{ estate { upstreamQuotas(${page}) { totalCount pageInfo { endCursor } nodes { ${fields} } } } }`;
    return ((await ask(query, caller)) as { estate: { upstreamQuotas: Quotas } }).estate.upstreamQuotas;
  };

  test('are those of remotes that the caller may read, one for each account, while their window lasts', async () => {
    await scene.api.sql(
      `insert into announced_quota (scope, remote_id, host, request_limit, remaining, window_seconds, read_at, known_until)
       select q.scope, remote.id, q.host, q.most, q.remaining, 21600, now() - make_interval(secs => q.age), now() + make_interval(secs => q.known)
       from (values ('a', $1, 'b.test', 100, 7, 0, 60), ('a', $2, 'b.test', 100, 8, 30, 60), ('b', $2, 'a.test', 5000000000, 5000000000, 0, 60),
         ('c', $1, 'c.test', 1, 1, 0, -1)) as q(scope, name, host, most, remaining, age, known) join remote on remote.name = q.name`,
      [own.name, others.name],
    );
    expect(await quotasOf('reader', 'first: 10')).toMatchObject({
      totalCount: 1,
      nodes: [
        {
          host: 'b.test',
          limit: 100,
          remaining: 7,
          windowSeconds: 21_600,
          resetsAt: null,
          remote: { id: own.remoteId },
        },
      ],
    });
    const first = await quotasOf('root', 'first: 1');
    expect(first).toMatchObject({ totalCount: 2, nodes: [{ host: 'a.test', remaining: 2 ** 31 - 1 }] });
    const second = await quotasOf('root', `first: 10, after: "${first.pageInfo.endCursor}"`);
    expect(second.nodes).toMatchObject([{ host: 'b.test', remaining: 7 }]);
    expect(await quotasOf('stranger', 'first: 10')).toMatchObject({ totalCount: 0, nodes: [] });
  });
});

describe('the days of the estate', () => {
  interface Day {
    readonly day: string;
    readonly storedBytes: number;
    readonly pulls: number;
    readonly servedBytes: number;
  }
  const daysOf = async (caller: Caller, first = 3): Promise<readonly Day[]> => {
    const query = `{ estate { storage { storedBytes } days(first: ${first}) { day storedBytes pulls servedBytes } } }`;
    const { estate } = (await ask(query, caller)) as {
      estate: { storage: { storedBytes: number }; days: readonly Day[] };
    };
    // The newest day has what is stored now.
    expect(estate.days[0]?.storedBytes).toBe(estate.storage.storedBytes);
    return estate.days.toReversed();
  };

  test('have what was stored by the end of each', async () => {
    const [blob] = await scene.api.sql(
      `update blob set stored_at = now() - interval '1 day' where id = (select m.content_id from membership m
         join repository r on r.id = m.repository_id and r.name = $1 join blob b on b.id = m.content_id
         where m.kind = 'blob' and b.stored_at is not null order by b.id limit 1) returning size_bytes`,
      [own.name],
    );
    const days = await daysOf('reader');
    expect(days.map(({ day }) => day.slice(10))).toEqual(Array(3).fill('T00:00:00.000Z'));
    expect(days.map(({ day }) => Date.parse(day)).map((at, index, all) => at - (all[0] ?? 0))).toEqual(
      [0, 1, 2].map((back) => back * 86_400_000),
    );
    expect(days.map(({ storedBytes }) => storedBytes).slice(0, 2)).toEqual([0, Number(blob?.['size_bytes'])]);
    expect(days[2]?.storedBytes).toBeGreaterThan(days[1]?.storedBytes ?? 0);
  });

  test('count manifests and bytes that clients pull, for those who may read the repository', async () => {
    const headers = { authorization: `Bearer ${scene.tokens.root}` };
    const get = (method: string) =>
      pull(scene.api.url, { method, path: `/v2/${own.name}/manifests/${own.digest}`, headers });
    expect((await get('HEAD')).status).toBe(200);
    const manifest = await get('GET');
    expect(manifest.status).toBe(200);
    const bytes = manifest.body.byteLength;
    await until(async () => (await daysOf('reader')).at(-1)?.servedBytes === bytes);
    expect((await daysOf('reader')).map(({ pulls }) => pulls)).toEqual([0, 0, 1]);
    expect((await daysOf('stranger')).map(({ pulls, servedBytes }) => pulls + servedBytes)).toEqual([
      0, 0, 0,
    ]);
  });

  test.each([0, 101])('%i of them are refused', async (first) => {
    const { errors } = await scene.api.graphql(
      `{ estate { days(first: ${first}) { pulls } } }`,
      {},
      scene.tokens.root,
    );
    expect(errors?.[0]?.message).toContain('expected 1 to 100');
  });
});

describe('a search', () => {
  interface Hit {
    readonly kind: string;
    readonly tag: string | null;
    readonly digest: string | null;
    readonly repository: { readonly name: string } | null;
    readonly task: { readonly id: string } | null;
  }
  const search = async (text: string, caller: Caller): Promise<readonly Hit[]> => {
    const query = `{ search(text: ${JSON.stringify(text)}, first: 50) { kind tag digest repository { name } task { id } } }`;
    return ((await ask(query, caller)) as { search: readonly Hit[] }).search;
  };

  test('finds names, tags, digests and tasks of what the caller may read', async () => {
    const names = async (text: string, caller: Caller) =>
      (await search(text, caller)).map(({ repository }) => repository?.name);
    expect(await names(own.name.slice(1), 'reader')).toContain(own.name);
    expect(await names(others.name, 'reader')).not.toContain(others.name);
    expect(await names(others.name, 'root')).toContain(others.name);
    const tagged = { repository: { name: own.name }, task: null };
    expect(await search('plai', 'reader')).toContainEqual({
      kind: 'TAG',
      tag: 'plain',
      digest: expect.stringMatching(/^sha256:/) as string,
      ...tagged,
    });
    for (const text of [own.digest, own.digest.slice(0, 20), own.digest.slice(7, 19)])
      expect(await search(text, 'reader')).toContainEqual({
        kind: 'DIGEST',
        tag: expect.any(String) as string,
        digest: own.digest,
        ...tagged,
      });
    const number = Buffer.from(own.taskId, 'base64url').toString().split(':')[1] ?? '';
    expect((await search(number, 'reader'))[0]).toMatchObject({ kind: 'TASK', task: { id: own.taskId } });
    for (const text of ['plain', own.digest, number]) expect(await search(text, 'stranger')).toEqual([]);
  });

  test.each(['', ' ', '\0', '%', 'no such thing', '0', '9'.repeat(20)])('%j finds nothing', async (text) => {
    expect(await search(text, 'root')).toEqual([]);
  });

  test('a long text is refused', async () => {
    const { errors } = await scene.api.graphql(
      `{ search(text: "${'a'.repeat(256)}", first: 1) { kind } }`,
      {},
      scene.tokens.root,
    );
    expect(errors?.[0]?.message).toContain('256 characters; at most 255');
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
