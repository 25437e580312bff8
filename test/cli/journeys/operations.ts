/** Tasks, schedules, the state of the estate, and the end of a mirror. */
import { expect, test } from 'vitest';
import { words } from './journey.ts';
import type { Journey } from './journey.ts';

export function testOperations(journey: () => Journey): void {
  test('why a task failed is shown, and tasks are found by repository and state', async () => {
    const { run, succeed, json } = journey();
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
    const { run, succeed } = journey();
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
    const { upstream, run, succeed, synced } = journey();
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
    const { run, succeed, sync, synced, json } = journey();
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
}
