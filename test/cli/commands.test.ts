import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { buildDemoContent, changeDemoContent, demoRepositoryName } from '../../src/demo/demo-content.ts';
import { startSampleUpstream } from '../../src/demo/sample-upstream.ts';
import type { SampleUpstream } from '../../src/demo/sample-upstream.ts';
import { findRunningServer } from '../../src/processes/server-file.ts';
import { openLauncher } from '../support/program/launcher.ts';
import type { Launcher } from '../support/program/launcher.ts';

// each command is a process of its own, which a busy machine starts slowly
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const content = buildDemoContent();
let dataDir: string;
let launcher: Launcher;
let upstream: SampleUpstream;

beforeAll(async () => {
  launcher = await openLauncher();
  ({ dataDir } = launcher);
  upstream = await startSampleUpstream({ repositories: new Map([[demoRepositoryName, content]]) });
});

afterAll(async () => {
  await launcher.close();
  await upstream.close();
});

const launch = (...args: string[]) => launcher.launch(...args);
const run = (...args: string[]) => launcher.run(...args);
const syncArgs = ['sync', demoRepositoryName, '--upstream'];

test('sync brings everything up, answers JSON and nothing else, and stops it again', async () => {
  const { code, stdout, stderr } = await run(...syncArgs, upstream.url, '--json');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({
    task: { state: 'COMPLETED' },
    repository: { name: demoRepositoryName },
    version: { number: 1, contentSummary: { present: { tags: content.tags.size } } },
    error: null,
  });
  expect(await findRunningServer(dataDir)).toBeUndefined();
});

test('gc, verify and rotate-key say what they did', async () => {
  expect(await launcher.succeed('gc', '--dry-run')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^Nothing to remove\. .*grace period, 24 h \(TIDEMARK_GC_GRACE\)/),
  });
  const blob = [...content.blobs.keys()][0]?.slice('sha256:'.length) ?? '';
  // of its size still: one that is missing is seen before, when a worker starts
  const file = join(dataDir, 'blobs', 'sha256', blob);
  await writeFile(file, Buffer.alloc((await stat(file)).size));
  const found = await run('verify', '--json');
  expect(JSON.parse(found.stdout)).toMatchObject({ report: { missing: 0, damaged: 1 }, error: null });
  expect(found.code).toBe(1);
  expect(await run('rotate-key')).toMatchObject({
    code: 0,
    stdout: '0 secrets encrypted with the first key.\nNo other key is needed any more.\n',
  });
});

test('with a server running: it is used, syncs and lists and fails and is cancelled there, and stops in order', async () => {
  const server = launch('start');
  await server.says('Stop with Ctrl-C');
  const found = await findRunningServer(dataDir);
  expect(found?.pid).toBe(server.child.pid);

  const second = await run('start');
  expect(second.code).toBe(1);
  expect(second.stderr).toContain(`already runs (pid ${found?.pid})`);

  // brings back the blob that "verify" has found damaged
  const unchanged = await launcher.succeed(...syncArgs, upstream.url);
  expect(unchanged).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing had changed') });
  expect(await run('verify')).toMatchObject({ code: 0, stdout: expect.stringContaining('All is well') });
  expect(unchanged.stderr).toContain(`Using the server that runs at ${found?.apiUrl}`);

  const change = changeDemoContent(content);
  const planned = await run(...syncArgs, upstream.url, '--mirror', '--dry-run');
  expect(planned).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('add 1 tag, move 1 and remove 1'),
  });
  expect(planned.stdout).toMatch(new RegExp(`- +${change.removed.replaceAll('.', '\\.')} +removed`));
  const mirrored = await run(...syncArgs, upstream.url, '--mirror');
  expect(mirrored).toMatchObject({ code: 0, stdout: expect.stringContaining('version 2') });
  const versions = await run('versions', demoRepositoryName, '--json');
  expect(JSON.parse(versions.stdout)).toMatchObject({ format: 1, versions: { totalCount: 2 } });
  const repositories = await run('repositories');
  expect(repositories).toMatchObject({ code: 0, stdout: expect.stringContaining(demoRepositoryName) });

  const other = await run('sync', 'demo/other', '--upstream', upstream.url, '--name', demoRepositoryName);
  expect(other).toMatchObject({ code: 1, stderr: expect.stringContaining('UPSTREAM_DIFFERS') });
  const missing = await run('sync', 'demo/missing', '--upstream', upstream.url, '--json');
  expect(missing.code).toBe(1);
  expect(JSON.parse(missing.stdout)).toMatchObject({
    task: { state: 'FAILED' },
    version: null,
    error: { code: expect.stringMatching(/^[A-Z_]+$/) },
  });

  await interruptedSync();

  server.child.kill('SIGTERM');
  const stopped = await server.ended;
  expect(stopped).toMatchObject({ code: 0, stdout: expect.stringContaining('Stopped.') });
  await expect(readFile(join(dataDir, 'server.json'))).rejects.toThrow('ENOENT');
});

/** Against an upstream that never answers. */
async function interruptedSync(): Promise<void> {
  const silent = createServer(() => undefined);
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const asked = once(silent, 'request');
  const sync = launch('sync', 'slow:1', '--upstream', url);
  await asked;
  const again = await run('sync', 'slow:1', '--upstream', url);
  expect(again).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/SYNC_ALREADY_RUNNING: .*tidemark cancel/),
  });
  // who watches it leaves, and it goes on: who comes back sees its end
  const task = /"tidemark watch (\S+)"/.exec(again.stderr)?.[1] ?? '';
  const left = launch('watch', task);
  await left.says('Listing tags');
  left.child.kill('SIGINT');
  expect(await left.ended).toMatchObject({
    code: 130,
    stderr: expect.stringContaining(`Task ${task} goes on. Watch it again: tidemark watch ${task}`),
  });
  const back = launch('watch', task);
  await back.says('Listing tags');
  sync.child.kill('SIGINT');
  const ended = await sync.ended;
  expect(await back.ended).toMatchObject({ code: 1, stdout: `Task ${task}: CANCELED.\n` });
  expect(ended).toMatchObject({ code: 130, stderr: expect.stringContaining('The sync was cancelled') });
  silent.closeAllConnections();
  silent.close();
}
