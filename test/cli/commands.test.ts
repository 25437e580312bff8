/** The program as people run it, from dist/: `npm test` builds it first. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildDemoContent, changeDemoContent, demoRepositoryName } from '../../src/demo/demo-content.ts';
import { startSampleUpstream } from '../../src/demo/sample-upstream.ts';
import type { SampleUpstream } from '../../src/demo/sample-upstream.ts';
import { findRunningServer } from '../../src/roles/server-file.ts';

const program = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const content = buildDemoContent();
let dataDir: string;
let upstream: SampleUpstream;
const running = new Set<ChildProcess>();

beforeAll(async () => {
  if (!existsSync(program)) throw new Error('dist/main.js is not there: run npm run build');
  dataDir = await mkdtemp(join(tmpdir(), 'tidemark-cli-'));
  upstream = await startSampleUpstream({ repositories: new Map([[demoRepositoryName, content]]) });
});

afterAll(async () => {
  for (const child of running) child.kill('SIGTERM');
  await Promise.all([...running].map((child) => once(child, 'exit')));
  await upstream.close();
  await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
});

/** Starts the program; `says` waits for a text on either output. */
function launch(...args: string[]) {
  const { PATH, HOME, TIDEMARK_CACHE, XDG_CACHE_HOME } = process.env;
  const settings = { PATH, HOME, TIDEMARK_CACHE, XDG_CACHE_HOME, TIDEMARK_DATA: dataDir, TIDEMARK_PORT: '0' };
  const env = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
  const child = spawn(process.execPath, [program, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  const ended = once(child, 'close').then(([code]) => {
    running.delete(child);
    return { code: code as number | null, ...output };
  });
  const says = async (text: string): Promise<void> => {
    while (!`${output.stdout}${output.stderr}`.includes(text)) {
      if (!running.has(child)) throw new Error(`ended without saying "${text}": ${JSON.stringify(output)}`);
      const listening = new AbortController();
      const { signal } = listening;
      const more = [once(child.stdout, 'data', { signal }), once(child.stderr, 'data', { signal })];
      await Promise.race([...more, ended]);
      listening.abort();
      await Promise.allSettled(more);
    }
  };
  return { child, says, ended };
}

const run = (...args: string[]) => launch(...args).ended;
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
  expect(await run('gc', '--dry-run')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      /^Would remove 0 versions, 0 manifests, 0 blobs, 0 files that nothing knew of: 0 B\.\n$/,
    ),
  });
  const blob = [...content.blobs.keys()][0]?.slice('sha256:'.length) ?? '';
  // of its size still: one that is missing is seen before, when a worker starts
  const file = join(dataDir, 'blobs', 'sha256', blob);
  await writeFile(file, Buffer.alloc((await stat(file)).size));
  const found = await run('verify', '--json');
  expect(JSON.parse(found.stdout)).toMatchObject({ report: { missing: 0, damaged: 1 }, error: null });
  expect(found.code).toBe(1);
  expect(await run(...syncArgs, upstream.url)).toMatchObject({ code: 0 });
  expect(await run('verify')).toMatchObject({ code: 0, stdout: expect.stringContaining('All is well') });
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

  const unchanged = await run(...syncArgs, upstream.url);
  expect(unchanged).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing had changed') });
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
  expect(JSON.parse(versions.stdout)).toMatchObject({ repository: { versions: { totalCount: 2 } } });
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
}, 120_000);

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
  sync.child.kill('SIGINT');
  const ended = await sync.ended;
  expect(ended).toMatchObject({ code: 130, stderr: expect.stringContaining('The sync was cancelled') });
  silent.closeAllConnections();
  silent.close();
}
