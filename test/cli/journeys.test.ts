import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { addImage, createSampleRepository, moveTag, removeTag } from '../../src/demo/sample-image.ts';
import { startSampleUpstream } from '../../src/demo/sample-upstream.ts';
import type { SampleUpstream } from '../../src/demo/sample-upstream.ts';
import { findRunningServer } from '../../src/processes/server-file.ts';
import { openLauncher } from '../support/program/launcher.ts';
import type { Ended, Launcher } from '../support/program/launcher.ts';

/* What a platform engineer does, with the real program and without GraphQL. */

// each command is a process of its own, which a busy machine starts slowly
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const app = createSampleRepository();
const [, v2] = ['v1', 'v2', 'latest', 'dev'].map((tag) =>
  addImage(app, { seed: `journey-${tag}`, layers: [300], tag }),
);

let launcher: Launcher;
let upstream: SampleUpstream;
beforeAll(async () => {
  launcher = await openLauncher();
  upstream = await startSampleUpstream({ repositories: new Map([['team/app', app]]) });
  const server = launcher.launch('start');
  await server.says('Stop with Ctrl-C');
});
afterAll(async () => {
  await launcher.close();
  await upstream.close();
});

const run = (...args: string[]) => launcher.run(...args);
const succeed = (...args: string[]) => launcher.succeed(...args);
const sync = (...args: string[]) => run('sync', 'team/app', '--upstream', upstream.url, ...args);
const synced = (...args: string[]) => succeed('sync', 'team/app', '--upstream', upstream.url, ...args);
const words = (ended: Ended) => ended.stdout.replaceAll(/ +/g, ' ');

async function json(...args: string[]) {
  const ended = await succeed(...args, '--json');
  expect(ended.stderr).toBe('');
  const value = JSON.parse(ended.stdout);
  expect(value.format).toBe(1);
  return value;
}

test('a dry run, a typo and a missing repository leave nothing behind', async () => {
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
    expect(await run('repository', 'show', 'team/ap')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('There is no repository "team/ap"; close: team/app.'),
    });
  });

  test('options that need --save are refused without it', async () => {
    expect(await sync('--username', 'robot')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Add --save'),
    });
  });

  test('a tag that moved is found in its history, in the diff and in the tags', async () => {
    if (v2 !== undefined) moveTag(app, 'latest', v2);
    removeTag(app, 'v1');
    expect(await synced('--mirror')).toMatchObject({ stdout: expect.stringContaining('version 2') });
    expect(await synced('--tags', 'v2', '--mirror')).toMatchObject({
      stderr: expect.stringContaining(
        '2 tags outside of the filter were kept; --prune-filtered removes them.',
      ),
    });
    const history = await run('tag', 'history', 'team/app', 'latest');
    expect(words(history)).toMatch(/2 \S+ \S+ MOVED sha256:\S+ sha256:\S+ \S+\n ?1 .* ADDED - sha256/);
    const { tasks } = await json('tasks', '--repository', 'team/app');
    const made = tasks.nodes.find(
      (task: { createdVersion: { number: number } | null }) => task.createdVersion?.number === 2,
    );
    expect(words(await run('task', 'tags', String(made?.id)))).toMatch(
      /TAG OUTCOME FROM TO REASON\n ?latest MOVED sha256:\S+ sha256:\S+ -\n ?v1 REMOVED sha256:\S+ - -/,
    );
    expect(words(await run('explain', 'team/app', 'v1'))).toMatch(
      /outcome UNCHANGED\ndecided by upstream\ndigest -\nwhy There is no include rule/,
    );
    expect(words(await run('diff', 'team/app', '1', '2'))).toMatch(/latest MOVED .*\nv1 REMOVED/);
    const { tags } = await json('tags', 'team/app', '--version', '1', '--match', 'v*');
    expect(tags.nodes.map(({ name }: { name: string }) => name)).toEqual(['v1', 'v2']);
  });

  test('a version is promoted and rolled back', async () => {
    await succeed('distribution', 'create', 'prod/app', 'team/app', '--version', '1');
    expect(words(await run('promote', 'prod/app'))).toContain(
      'prod/app serves the latest version of team/app',
    );
    expect(words(await run('promote', 'prod/app', '--version', '1'))).toContain('serves version 1');
    expect(words(await run('distribution', 'history', 'prod/app'))).toMatch(
      /team\/app latest team\/app version 1/,
    );
    expect(await run('promote', 'staging/app', '--version', '1')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('With --repository <name>, promote creates it.'),
    });
    expect(
      words(await run('promote', 'staging/app', '--repository', 'team/app', '--version', '1')),
    ).toContain('staging/app serves version 1 of team/app');
    await succeed('distribution', 'update', 'prod/app', '--tag-ttl', '5m', '--not-found-ttl', '0');
    const shown = await json('distribution', 'show', 'prod/app');
    expect(shown.distribution).toMatchObject({ tagTtlSeconds: 300, notFoundTtlSeconds: 0 });
    await succeed('distribution', 'update', 'prod/app', '--no-tag-ttl');
    const { distribution } = await json('distribution', 'show', 'prod/app');
    expect(distribution).toMatchObject({ tagTtlSeconds: null });
    await succeed('distribution', 'delete', 'staging/app');
    expect(await succeed('restore', 'team/app', '1')).toMatchObject({
      stdout: expect.stringContaining('team/app version 3'),
      stderr: expect.stringContaining(
        'team/app is a mirror: its next sync restores the state of the upstream.',
      ),
    });
  });

  test('why a task failed is shown, and tasks are found by repository and state', async () => {
    const { tasks } = await json('tasks', '--state', 'failed');
    expect(tasks.totalCount).toBeGreaterThan(0);
    expect((await run('task', 'show', tasks.nodes[0].id)).stdout).toMatch(/error +[A-Z_]+: /);
    const own = await json('tasks', '--repository', 'team/app', '--all');
    expect(own.tasks.nodes.length).toBe(own.tasks.totalCount);
    expect(await succeed('watch', own.tasks.nodes[0].id)).toMatchObject({
      stdout: expect.stringContaining('COMPLETED'),
    });
  });

  test('schedules are named by their repository', async () => {
    await succeed('schedule', 'create', 'team/app', '--cron', '@daily');
    await succeed('schedule', 'update', 'team/app', '--every', '86400');
    expect(words(await run('schedule', 'list'))).toContain('every 86400 s');
    expect(await run('repository', 'detach', 'team/app')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^IN_USE: The repository "team\/app" is synced by the schedule/),
    });
    await succeed('schedule', 'delete', 'team/app');
  });

  test('status counts the repositories, and fails while one of them does', async () => {
    await synced();
    const fresh = await succeed('status');
    expect(words(fresh)).toMatch(/^repositories 1$/m);
    expect(words(fresh)).toMatch(/^failing 0$/m);
    await succeed('remote', 'update', 'team/app', '--url', 'http://127.0.0.1:9');
    expect(await run('sync', 'team/app', '--upstream', 'http://127.0.0.1:9')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('UPSTREAM_UNAVAILABLE'),
    });
    const failing = await run('status');
    expect(failing.code).toBe(1);
    expect(words(failing)).toMatch(/^team\/app FAILING .* UPSTREAM_UNAVAILABLE$/m);
    const { code, stdout } = await run('status', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      format: 1,
      viewer: { kind: 'EVERYBODY', isAdmin: true },
      estate: { repositories: 1, failing: 1 },
      attention: [{ name: 'team/app', freshness: 'FAILING' }],
    });
    await succeed('remote', 'update', 'team/app', '--url', upstream.url);
    await synced();
  });

  test('a mirror is detached, not converted back unasked, and deleted with its remote', async () => {
    await succeed('repository', 'detach', 'team/app');
    expect(await sync()).toMatchObject({ code: 1, stderr: expect.stringContaining('WOULD_BECOME_MIRROR') });
    const create = await run('schedule', 'create', 'team/app', '--every', '60', '--remote', 'team/app');
    expect(create).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('allow it once with --into-existing'),
    });
    await synced('--into-existing');
    await succeed('distribution', 'delete', 'prod/app');
    await succeed('repository', 'delete', 'team/app', '--with-remote');
    expect((await json('remotes')).remotes.totalCount).toBe(0);
    const { tasks } = await json('tasks', '--first', '1');
    expect(tasks.nodes[0]).toMatchObject({ repository: null, repositoryName: 'team/app' });
  });
});

test('an absent object is reported with the next step, and exit codes distinguish usage errors from failures', async () => {
  expect(await run('repository', 'show', 'team/none')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('"tidemark repositories" lists them'),
  });
  expect(await run('repositories', '--first', 'x')).toMatchObject({ code: 2 });
});
