import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { findRunningServer } from '../../src/processes/server-file.ts';
import { until } from '../support/until.ts';
import { openWebhookEndpoint } from '../support/webhooks/endpoint.ts';
import { openJourney, words } from './journeys/journey.ts';
import type { Journey } from './journeys/journey.ts';
import { testOperations } from './journeys/operations.ts';
import { testVersions } from './journeys/versions.ts';

/* What a platform engineer does, with the real program and without GraphQL. */

// each command is a process of its own, which a busy machine starts slowly
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let journey: Journey;
beforeAll(async () => {
  journey = await openJourney();
});
afterAll(() => journey?.close());

test('a dry run, a typo and a missing repository leave nothing behind', async () => {
  const { launcher, upstream, run, sync, synced, json } = journey;
  expect(await synced('--dry-run')).toMatchObject({ stdout: expect.stringContaining('add 4 tags') });
  expect(await sync('--tags', 'v9')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('NOTHING_SELECTED'),
  });
  expect(await run('sync', 'team/ap', '--upstream', upstream.url)).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/REPOSITORY_NOT_FOUND: .* Close to it: team\/app\./),
  });
  // as pasted from what "start" has said
  const pasted = `${(await findRunningServer(launcher.dataDir))?.apiUrl}/graphql`;
  expect((await json('repositories', '--server', pasted)).repositories.totalCount).toBe(0);
  expect((await json('remotes')).remotes.totalCount).toBe(0);
});

describe.sequential('from the first sync on', () => {
  test('options of one sync are not stored, and --save stores them and says so', async () => {
    const { run, succeed, sync, synced, json } = journey;
    expect(await synced()).toMatchObject({ stdout: expect.stringContaining('team/app version 1') });
    await succeed('remote', 'update', 'team/app', '--fallback', 'http://127.0.0.1:9');
    const { stderr } = await synced('--tags', 'v1');
    expect(stderr).toMatch(/^Served by http:\S+\/team\/app: the tags, 0 manifests, 0 blobs, 0 B$/m);
    const shown = words(await succeed('task', 'show', /^Task (\S+)$/m.exec(stderr)?.[1] ?? ''));
    expect(shown).toMatch(/^only tags v1$[^]*^served by http:\S+\/team\/app: the tags/m);
    await succeed('remote', 'update', 'team/app', '--fallback', '');
    const { remote } = await json('remote', 'show', 'team/app');
    expect(remote.includeTags).toBeNull();
    const { repository: before } = await json('repository', 'show', 'team/app');
    expect(await sync('--tags', 'v77')).toMatchObject({ code: 3 });
    await sync('--tags', 'v77*');
    const { repository: after } = await json('repository', 'show', 'team/app');
    expect(after.lastSyncedAt).toBe(before.lastSyncedAt);
    expect(await sync('--tags', 'v1,v77')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('Not in team/app, though asked for: v77.'),
    });
    await synced('--semver', '>=1', '--newest', '3', '--dry-run');
    const { tasks: last } = await json('tasks', '--repository', 'team/app', '--first', '1');
    expect(words(await run('task', 'show', String(last.nodes[0]?.id)))).toMatch(
      /other rules --newest, --semver/,
    );
    expect((await json('remote', 'show', 'team/app')).remote).toMatchObject({ semverRanges: null });
    expect(await synced('--exclude-tags', 'dev', '--save')).toMatchObject({
      stderr: expect.stringMatching(
        /Saved in the remote: --exclude-tags: null → \["dev"\][^]*select less than at the last sync: 1 tag \(dev\)/,
      ),
    });
    await succeed('remote', 'update', 'team/app', '--username', 'robot');
    await succeed('remote', 'update', 'team/app', '--username', '', '--follow-layer-urls');
    expect((await json('remote', 'show', 'team/app')).remote).toMatchObject({
      excludeTags: ['dev'],
      username: null,
      followLayerUrls: true,
    });
  });

  test('a remote is tested without a pull', async () => {
    const { upstream, run, succeed, json } = journey;
    expect((await json('remote', 'test', 'team/app')).test).toMatchObject({
      passed: true,
      login: 'NONE',
      tagsOnFirstPage: 4,
      headManifests: true,
    });
    const rules = [
      '--semver',
      '>=1',
      '--tag-pattern',
      'v\\d+',
      '--newest',
      '2/minor',
      '--platform',
      'linux/amd64',
    ];
    await succeed('remote', 'create', 'lost', upstream.url, 'team/none', ...rules);
    expect(words(await succeed('remote', 'show', 'lost'))).toMatch(
      /^tag patterns v\\d\+$[^]*^versions >=1$[^]*^platforms linux\/amd64$[^]*^newest 2 of each minor version$/m,
    );
    await succeed('remote', 'update', 'lost', '--newest', '0');
    expect((await json('remote', 'show', 'lost')).remote).toMatchObject({
      newestTags: null,
      semverRanges: ['>=1'],
    });
    const places = ['https://mirror.example,name=team/copy', 'https://last.example,tls-verify=no'];
    await succeed('remote', 'update', 'lost', ...places.flatMap((place) => ['--fallback', place]));
    expect(words(await succeed('remote', 'show', 'lost'))).toMatch(
      /^fallback https:\/\/mirror\.example\/team\/copy$[^]*^fallback https:\/\/last\.example\/team\/none \(TLS checks off\)$/m,
    );
    const wrong = await run('remote', 'update', 'lost', '--fallback', 'https://a.example,nam=b');
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('--fallback has "nam=b"') });
    await succeed('remote', 'update', 'lost', '--fallback', '');
    expect((await json('remote', 'show', 'lost')).remote.fallbacks).toEqual([]);
    const lost = await run('remote', 'test', 'lost');
    expect(lost.code).toBe(1);
    expect(words(lost)).toMatch(/list of tags FAILED REPOSITORY_NOT_FOUND: /);
    await succeed('remote', 'delete', 'lost');
  });

  test('a proxy makes a repository at its first pull', async () => {
    const { launcher, upstream, succeed, json } = journey;
    const options = [
      '--namespace',
      'up.example',
      '--include',
      'team/*',
      '--at-most',
      '5',
      '--tag-ttl',
      '60',
      '--cache',
      '5GiB',
    ];
    await succeed('proxy', 'create', 'up', upstream.url, ...options);
    const { apiUrl } = (await findRunningServer(launcher.dataDir)) ?? {};
    const pulled = await fetch(`${apiUrl}/v2/team/app/manifests/dev?ns=up.example`);
    expect([pulled.status, pulled.headers.get('oci-namespace')]).toEqual([200, 'up.example']);
    expect(words(await succeed('proxy', 'show', 'up'))).toMatch(
      /^namespaces up\.example$[^]*^at most 5$[^]*^repositories 1$[^]*^tags are fresh for 60 s$[^]*^cache 0 B, at most 5\.0 GiB$\n^private while logins are on$/m,
    );
    await succeed(
      'proxy',
      'update',
      'up',
      '--base-path',
      'other',
      '--namespace',
      '',
      '--private',
      '--cache',
      '0',
    );
    const { proxies } = await json('proxies');
    expect(proxies.nodes).toMatchObject([
      { basePath: 'other', namespaces: [], private: true, cacheBytes: null },
    ]);
    const { repositories } = await json('repositories', '--proxy', 'other');
    expect(repositories.nodes).toMatchObject([{ name: 'up/team/app', latestVersion: { number: 1 } }]);
    await succeed('repository', 'delete', 'up/team/app', '--with-remote');
  });

  test('a name that is not there is answered with close ones', async () => {
    const { run } = journey;
    expect(await run('repository', 'show', 'team/ap')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('There is no repository "team/ap"; close: team/app.'),
    });
  });

  test('options that need --save are refused without it', async () => {
    const { sync } = journey;
    expect(await sync('--username', 'robot')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Add --save'),
    });
  });

  testVersions(() => journey);
  testOperations(() => journey);
});

test('an absent object is reported with the next step, and exit codes distinguish usage errors from failures', async () => {
  const { run } = journey;
  expect(await run('repository', 'show', 'team/none')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('"tidemark repositories" lists them'),
  });
  expect(await run('repositories', '--first', 'x')).toMatchObject({ code: 2 });
});

test('a webhook is created, tested, and told of what happens; its secret alone is printed', async () => {
  const { succeed, json } = journey;
  const endpoint = await openWebhookEndpoint();
  const created = await succeed('webhook', 'create', 'ci', endpoint.url, '--repository', 'hooked');
  expect(created.stdout).toMatch(/^whsec_[A-Za-z0-9+/]{43}=\n$/);
  expect(created.stderr).toContain('shown once');
  expect(await succeed('webhook', 'test', 'ci')).toMatchObject({
    stdout: expect.stringContaining('the endpoint answered 204'),
  });
  await succeed('repository', 'create', 'hooked');
  await until(() => endpoint.received.length === 2);
  const { deliveries } = await json('webhook', 'deliveries', 'ci');
  expect(deliveries.nodes).toMatchObject([
    { event: 'repository.created', repositoryName: 'hooked' },
    { event: 'ping', state: 'DELIVERED', httpStatus: 204 },
  ]);
  await succeed(
    'webhook',
    'update',
    'ci',
    '--event',
    'repository.sync.*',
    '--format',
    'harbor',
    '--no-enabled',
  );
  expect((await json('webhooks')).webhooks.nodes).toMatchObject([
    { name: 'ci', events: ['repository.sync.*'], format: 'HARBOR', enabled: false },
  ]);
  await succeed('webhook', 'delete', 'ci');
  await endpoint.close();
});
