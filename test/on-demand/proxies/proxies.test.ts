/** Pulls below the base path of a proxy, and by `?ns=`: what they make, and what they leave alone. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from 'kysely';
import { kysely } from '../../../src/db/sql.ts';
import { startHarnessApi } from '../../support/api/harness-api.ts';
import type { HarnessApi } from '../../support/api/harness-api.ts';
import { pull } from '../../support/api/pull.ts';
import type { PullAnswer } from '../../support/api/pull.ts';
import { openStageWithApi } from '../../support/sync/stage-with-api.ts';
import type { StageWithApi } from '../../support/sync/stage-with-api.ts';
import type { FakeUpstream } from '../../support/upstream/fake-upstream.ts';
import { until } from '../../support/until.ts';
import { proxySteps } from '../../support/upstream/proxied-registry.ts';

let stage: StageWithApi;
let api: HarnessApi;
/** A second process over the same database. */
let second: HarnessApi;
/** A process with logins. */
let guarded: HarnessApi;
const upstreams: FakeUpstream[] = [];

beforeAll(async () => {
  stage = await openStageWithApi();
  ({ api } = stage);
  second = await startHarnessApi(stage.harness);
  guarded = await startHarnessApi(stage.harness, { logins: { tokens: true, oidc: undefined } });
});

afterAll(async () => {
  await Promise.all([second?.close(), guarded?.close()]);
  await Promise.all(upstreams.map((upstream) => upstream.close()));
  await stage?.close();
});
const digestOf = ({ status, headers }: PullAnswer) => [status, headers['docker-content-digest']];
const codeOf = ({ status, body }: PullAnswer) => [
  status,
  (JSON.parse(body.toString()) as { errors: { code: string }[] }).errors[0]?.code,
];

const { openRegistry, createProxy, get, made } = proxySteps(() => ({ api, stage, upstreams }));

describe('by namespace', () => {
  test('images of one name in two registries come right, and clients fall back from other namespaces', async () => {
    const [hub, quay] = [await openRegistry('library/app'), await openRegistry('library/app')];
    const id = await createProxy({ basePath: 'docker.io', url: hub.upstream.url, namespaces: ['docker.io'] });
    await createProxy({ basePath: 'q', url: quay.upstream.url, namespaces: ['quay.io', 'quay.io:443'] });

    const head = await pull(api.url, { method: 'HEAD', path: '/v2/library/app/manifests/v1?ns=docker.io' });
    expect(digestOf(head)).toEqual([200, hub.digests['library/app']]);
    expect(head.headers['oci-namespace']).toBe('docker.io');
    expect(digestOf(await get('library/app/manifests/v1?ns=quay.io:443'))).toEqual([
      200,
      quay.digests['library/app'],
    ]);
    for (const path of [
      'library/app/manifests/v1?ns=docker.io',
      'docker.io/library/app/manifests/v1?ns=docker.io',
      'docker.io/library/app/manifests/v1',
      'docker.io/app/manifests/v1',
      'app/manifests/v1?ns=docker.io',
    ])
      expect([path, ...digestOf(await get(path))]).toEqual([path, 200, hub.digests['library/app']]);
    expect([hub.asked('library/app'), hub.asked('app'), quay.asked('library/app')]).toEqual([1, 0, 1]);
    expect([await made('docker.io'), await made('q')]).toEqual([
      ['docker.io/library/app'],
      ['q/library/app'],
    ]);

    const document = JSON.parse((await get('library/app/manifests/v1?ns=docker.io')).body.toString()) as {
      layers: { digest: string }[];
    };
    const blob = await get(`docker.io/app/blobs/${document.layers[0]?.digest}`);
    const byNamespace = await get(`library/app/blobs/${document.layers[0]?.digest}?ns=docker.io`);
    expect([blob.status, byNamespace.status, byNamespace.headers['oci-namespace']]).toEqual([
      200,
      200,
      'docker.io',
    ]);
    expect((await get('library/app/manifests/v2?ns=docker.io')).status).toBe(200);
    const tags = await get('library/app/tags/list?ns=docker.io&n=1');
    expect(JSON.parse(tags.body.toString())).toEqual({ name: 'library/app', tags: ['v1'] });
    expect(tags.headers.link).toBe('</v2/library/app/tags/list?ns=docker.io&n=1&last=v1>; rel="next"');
    expect((await get(`library/app/referrers/${hub.digests['library/app']}?ns=docker.io`)).status).toBe(200);

    for (const path of ['manifests/v1', 'tags/list', `referrers/${hub.digests['library/app']}`])
      expect(codeOf(await get(`library/app/${path}?ns=ghcr.io`))).toEqual([404, 'NAME_UNKNOWN']);

    const read = await api.data(
      `query ($id: ID!) { proxy(id: $id) { repositoryCount } repositories(first: 5, proxyId: $id) { nodes {
        name proxy { basePath } remote { url upstreamName policy } } } }`,
      { id },
    );
    const remote = { url: hub.upstream.url, upstreamName: 'library/app', policy: 'ON_DEMAND' };
    expect(read).toEqual({
      proxy: { repositoryCount: 1 },
      repositories: { nodes: [{ name: 'docker.io/library/app', proxy: { basePath: 'docker.io' }, remote }] },
    });
  });

  test('a made repository is synced by hand, and stays when its proxy goes', async () => {
    const hub = await openRegistry('team/app');
    const id = await createProxy({ basePath: 'ordinary', url: hub.upstream.url });
    await get('ordinary/team/app/manifests/v1');
    const { repository } = await api.data('{ repository(name: "ordinary/team/app") { id remote { id } } }');
    const { task } = await api.mutate('repositorySync', { repositoryId: repository.id }, 'task { id }');
    await until(async () => {
      const { node } = await api.data(`query ($id: ID!) { node(id: $id) { ... on Task { state } } }`, {
        id: task.id,
      });
      return node.state === 'COMPLETED';
    });
    expect((await api.mutate('proxyDelete', { id }, 'deletedId')).userErrors).toEqual([]);
    const before = hub.upstream.requests.length;
    // the sync has asked for it just now
    expect((await get('ordinary/team/app/manifests/v2')).status).toBe(200);
    expect(hub.upstream.requests).toHaveLength(before);
    expect(codeOf(await get('ordinary/team/other/manifests/v1'))).toEqual([404, 'NAME_UNKNOWN']);
  });
});

describe('what is made', () => {
  test('stays within globs and cap, and only of what the upstream has', async () => {
    const hub = await openRegistry('team/a', 'team/b', 'team/secret', 'other/x');
    const { url } = hub.upstream;
    const wish = {
      includeRepositories: ['team/*'],
      excludeRepositories: ['team/secret'],
      excludeTags: ['v2'],
    };
    const limits = { repositoriesAtMost: 1, tagTtlSeconds: 7, notFoundTtlSeconds: 3_600 };
    const id = await createProxy({ basePath: 'lim', url, ...wish, ...limits });
    for (const path of ['other/x/manifests/v1', 'team/secret/manifests/v1', 'team/a/manifests/v2'])
      expect(codeOf(await get(`lim/${path}`))).toEqual([404, 'NAME_UNKNOWN']);
    expect(hub.upstream.requests).toEqual([]);

    const absence = () => get('lim/team/none/manifests/v1');
    expect(codeOf(await absence())).toEqual([404, 'MANIFEST_UNKNOWN']);
    await absence();
    expect(hub.asked('team/none')).toBe(1);
    hub.upstream.on('GET /v2/team/hidden/manifests/v1', { status: 403 });
    expect(codeOf(await get('lim/team/hidden/manifests/v1'))).toEqual([404, 'MANIFEST_UNKNOWN']);
    hub.upstream.on('GET /v2/team/a/manifests/v1', { status: 500 });
    expect(codeOf(await get('lim/team/a/manifests/v1'))).toEqual([503, 'UNAVAILABLE']);
    expect(codeOf(await get('lim/team/a/tags/list'))).toEqual([404, 'NAME_UNKNOWN']);
    expect(await made('lim')).toEqual([]);
    // a change of the proxy forgets what it lacked
    await api.mutate('proxyUpdate', { id, notFoundTtlSeconds: 0 }, 'proxy { id }');
    await absence();
    await absence();
    expect(hub.asked('team/none')).toBe(3);

    hub.upstream.off('GET /v2/team/a/manifests/v1');
    expect(digestOf(await get('lim/team/a/manifests/v1'))).toEqual([200, hub.digests['team/a']]);
    expect(codeOf(await get('lim/team/b/manifests/v1'))).toEqual([404, 'NAME_UNKNOWN']);
    expect([await made('lim'), hub.asked('team/b')]).toEqual([['lim/team/a'], 0]);
    const [row] = (
      await sql`select pull_through, is_private, tag_ttl_seconds, not_found_ttl_seconds from distribution
        where base_path = 'lim/team/a'`.execute(kysely(stage.harness.em()))
    ).rows;
    expect(row).toEqual({
      pull_through: true,
      is_private: false,
      tag_ttl_seconds: 7,
      not_found_ttl_seconds: 0,
    });
    // a deleted one does not count, and is made again with the remote that it left
    const { repository } = await api.data('{ repository(name: "lim/team/a") { id } }');
    await api.mutate('repositoryDelete', { id: repository.id }, 'deletedId');
    expect((await get(`lim/team/a/manifests/${hub.digests['team/a']}`)).status).toBe(200);
  });

  test('is made once by clients of two processes', async () => {
    const hub = await openRegistry('team/app');
    await createProxy({ basePath: 'busy', url: hub.upstream.url });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        get('busy/team/app/manifests/v1', index % 2 === 0 ? api : second),
      ),
    );
    expect(answers.map(digestOf)).toEqual(Array.from(answers, () => [200, hub.digests['team/app']]));
    expect(await made('busy')).toEqual(['busy/team/app']);
    expect(hub.asked('team/app')).toBeLessThanOrEqual(3);
  });

  test('gives way to what people have there, and the longest base path decides', async () => {
    const [outer, inner] = [await openRegistry('team/app', 'in/app'), await openRegistry('app')];
    await createProxy({ basePath: 'own', url: outer.upstream.url, namespaces: ['docker.io:444'] });
    await createProxy({
      basePath: 'own/in',
      url: inner.upstream.url,
      fallbacks: [{ url: outer.upstream.url }],
    });
    await api.mutate('repositoryCreate', { name: 'own/team/app' }, 'repository { id }');
    expect(codeOf(await get('own/team/app/manifests/v1'))).toEqual([404, 'MANIFEST_UNKNOWN']);
    expect(digestOf(await get('own/in/app/manifests/v1'))).toEqual([200, inner.digests['app']]);
    expect(outer.upstream.requests).toEqual([]);
  });
});
