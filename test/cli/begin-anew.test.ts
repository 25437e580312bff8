/** A program that begins anew as ours does, from dist/: `npm test` builds it first. */
import { fork, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mallocSettings, v8Flags } from '../../src/cli/begin-anew.ts';

const compiled = new URL('../../dist/cli/begin-anew.js', import.meta.url);
let folder: string;
let script: string;

/** Tells what it was started with, and what its children will be; ends with 7 on SIGTERM. */
const source = `
import { spawnSync } from 'node:child_process';
import { beginAnew } from ${JSON.stringify(compiled.href)};
beginAnew();
process.on('SIGTERM', () => process.exit(7));
const names = ${JSON.stringify(Object.keys(mallocSettings))};
const tell = 'console.log(JSON.stringify(process.env))';
const child = JSON.parse(spawnSync(process.execPath, ['-e', tell], { encoding: 'utf8' }).stdout);
const state = {
  pid: process.pid,
  flags: process.execArgv,
  args: process.argv.slice(2),
  input: process.send ? '' : await new Response(process.stdin).text(),
  forChildren: names.map((name) => child[name] ?? null),
};
if (process.send) process.send(state);
else console.log(JSON.stringify(state));
setInterval(() => undefined, 1_000);
`;

beforeAll(async () => {
  if (!existsSync(fileURLToPath(compiled))) throw new Error('dist/ is not there: run npm run build');
  folder = await mkdtemp(join(tmpdir(), 'tidemark-anew-'));
  script = join(folder, 'program.mjs');
  await writeFile(script, source);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

interface State {
  readonly pid: number;
  readonly flags: readonly string[];
  readonly args: readonly string[];
  readonly input: string;
  readonly forChildren: readonly (string | null)[];
}

/** Starts it, reads what it tells, and ends it. */
async function run(nodeArgs: readonly string[], settings: NodeJS.ProcessEnv = {}) {
  const { PATH } = process.env;
  const child = spawn(process.execPath, [...nodeArgs, script, 'sync', '--name', 'two words'], {
    env: { PATH, ...settings },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.end('from outside');
  const noise = text(child.stderr);
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  return { state: JSON.parse(line) as State, pid: child.pid, exitCode: await end(child), noise: await noise };
}

async function end(child: ChildProcess): Promise<number | null> {
  child.kill('SIGTERM');
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

const none = Object.keys(mallocSettings).map(() => null);

test('begins anew with the flags: the same process, arguments and input, and it gets signals', async () => {
  const { state, pid, exitCode, noise } = await run([]);
  expect(state).toEqual({
    pid,
    flags: v8Flags,
    args: ['sync', '--name', 'two words'],
    input: 'from outside',
    forChildren: none,
  });
  expect(exitCode).toBe(7);
  expect(noise).toBe('');
});

test.each<{
  name: string;
  nodeArgs?: string[];
  settings?: NodeJS.ProcessEnv;
  flags: string[];
  forChildren?: (string | null)[];
}>([
  {
    name: 'options of Node stay',
    nodeArgs: ['--stack-trace-limit=20'],
    flags: [...v8Flags, '--stack-trace-limit=20'],
  },
  {
    name: 'a size that a person gave stays',
    nodeArgs: ['--max_semi_space_size=16'],
    flags: ['--heap-growing-percent=30', '--max_semi_space_size=16'],
  },
  {
    name: 'so does one in NODE_OPTIONS',
    settings: { NODE_OPTIONS: '--max-semi-space-size=16' },
    flags: ['--heap-growing-percent=30'],
  },
  {
    name: 'and a setting of the allocator, for children too',
    settings: { MALLOC_ARENA_MAX: '1' },
    flags: v8Flags,
    forChildren: ['1', null],
  },
  {
    name: 'whoever gives all of it is left alone',
    nodeArgs: v8Flags,
    settings: mallocSettings,
    flags: v8Flags,
  },
])('$name', async ({ nodeArgs = [], settings = {}, flags, forChildren = none }) => {
  const { state, exitCode } = await run(nodeArgs, settings);
  expect(state).toMatchObject({ flags, forChildren, input: 'from outside' });
  expect(exitCode).toBe(7);
});

test('a process that is talked to over a channel keeps it', async () => {
  const child = fork(script, { execArgv: [] });
  const [state] = (await once(child, 'message')) as [State];
  expect(state).toMatchObject({ pid: child.pid, flags: [] });
  expect(await end(child)).toBe(7);
});
