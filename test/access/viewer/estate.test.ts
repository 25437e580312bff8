/** What the API tells callers about themselves, and the figures of what they may read. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pull } from '../../support/api/pull.ts';
import { until } from '../../support/until.ts';
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
