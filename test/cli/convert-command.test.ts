import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseArguments } from '../../src/cli/parse-arguments.ts';
import type { Surroundings } from '../../src/cli/surroundings.ts';

let folder: string;
let file: string;
let plain: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-convert-'));
  file = join(folder, 'regsync.yml');
  await writeFile(
    file,
    "sync:\n  - {source: 'alpine:3', target: r.local/a:3, type: image, interval: 1h, backup: x}\n",
  );
  plain = join(folder, 'images.yaml');
  await writeFile(plain, 'quay.io:\n  images: {coreos/etcd: [latest]}\n');
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Runs a command that needs neither settings nor a server. */
async function run(...args: string[]) {
  const plan = parseArguments(['node', 'tidemark', 'convert', ...args], '1.2.3');
  if (plan.command !== 'run') throw new Error(plan.text);
  const printed: string[] = [];
  const notes: string[] = [];
  const terminal = { print: (line: string) => printed.push(line), note: (line: string) => notes.push(line) };
  const code = await plan.run({ terminal } as unknown as Surroundings);
  return { code, stdout: printed.join('\n'), stderr: notes.join('\n') };
}

test('the result goes to standard output, and what was left out to standard error', async () => {
  const { code, stdout, stderr } = await run(file);
  expect(code).toBe(0);
  expect(parse(stdout)).toMatchObject({ name: 'regsync', repositories: [{ name: 'a' }] });
  expect(stderr).toContain(`${file}:2:74: left out: sync[0].backup: Every sync makes a version`);
  expect(stderr).toContain('1 repository from regsync: 1 left out, 0 different, 1 to do.');
});

test('--strict fails where something was left out, and only there', async () => {
  expect((await run(file, '--strict')).code).toBe(1);
  expect(await run(plain, '--strict')).toMatchObject({
    code: 0,
    stderr: '1 repository from skopeo: 0 left out, 0 different, 0 to do.',
  });
});

test('--output, --name and --json', async () => {
  const output = join(folder, 'tidemark.yaml');
  expect(await run(file, '--output', output, '--name', 'production')).toMatchObject({ code: 0, stdout: '' });
  expect(parse(await readFile(output, 'utf8'))).toMatchObject({ name: 'production' });
  const { stdout, stderr } = await run(plain, '--json');
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toMatchObject({ format: 1, source: 'skopeo', repositories: 1, findings: [] });
});

test('a file that is missing, too large, or of another kind', async () => {
  await expect(run(join(folder, 'none.yml'))).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining('cannot be read'),
  });
  const large = join(folder, 'large.yml');
  await writeFile(large, '#'.repeat(10 * 1024 * 1024 + 1));
  await expect(run(large)).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining('10485760 bytes'),
  });
  await expect(run(file, '--from', 'zot')).rejects.toThrow(
    /Allowed choices are regsync, skopeo, imageset, hauler/,
  );
  const other = join(folder, 'other.yml');
  await writeFile(other, 'a: 1\n');
  await expect(run(other)).rejects.toMatchObject({
    code: 'INVALID',
    message: expect.stringContaining('is not recognized'),
  });
});
