/** Versions: what has changed, what is served, and what comes back. */
import { expect, test } from 'vitest';
import { moveTag, removeTag } from '../../../src/demo/sample-image.ts';
import { words } from './journey.ts';
import type { Journey } from './journey.ts';

export function testVersions(journey: () => Journey): void {
  test('a tag that moved is found in its history, in the diff and in the tags', async () => {
    const { app, v2, run, synced, json } = journey();
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
    const { run, succeed, json } = journey();
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
}
