/** A server of its own process that asks for logins, from its first token on. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { openStack } from './stack.ts';
import type { Stack } from './stack.ts';

const stacks: Stack[] = [];
afterEach(async () => {
  for (const stack of stacks.splice(0)) await stack.close();
});

async function newStack(settings: Record<string, string> = {}): Promise<Stack> {
  const stack = await openStack({ settings });
  stacks.push(stack);
  return stack;
}

test('where others can reach the API it does not start without logins, and says what to set', async () => {
  const stack = await newStack({ TIDEMARK_HOST: '0.0.0.0' });
  for (const more of [{}, { TIDEMARK_AUTH: 'off' }]) {
    const api = stack.run(['api'], more);
    expect(await api.ended()).toBe(1);
    expect(api.output()).toMatch(
      /CONFIG_INVALID: TIDEMARK_HOST is 0\.0\.0\.0.*TIDEMARK_AUTH=tokens.*tidemark token create --admin/,
    );
  }
  await stack.launch('api', { TIDEMARK_AUTH: 'tokens' });
});

test('the first token is shown once, written nowhere, and lets the command line in', async () => {
  const stack = await newStack({ TIDEMARK_AUTH: 'tokens', LOG_LEVEL: 'trace' });
  const created = stack.run(['token', 'create', '--admin', 'ops']);
  expect(await created.ended()).toBe(0);
  const [token = ''] = /tidemark_[\w-]{43}/.exec(created.output()) ?? [];
  expect(created.output()).toContain('admin of "*" for 90 days');

  const again = stack.run(['token', 'create', '--admin', 'ops']);
  expect(await again.ended()).toBe(1);
  expect(again.output()).toMatch(/ALREADY_EXISTS: .*"ops"/);

  const api = await stack.launch('api');
  const [, url = ''] = /API ready on (http:\/\/[\d.:]+)/.exec(api.output()) ?? [];
  const list = async (more: Record<string, string>, ...args: string[]) => {
    const program = stack.run(['repositories', '--server', url, '--json', ...args], more);
    return { code: await program.ended(), output: program.output() };
  };
  const none = await list({});
  expect([none.code, none.output]).toEqual([
    1,
    expect.stringMatching(/"UNAUTHENTICATED".*TIDEMARK_TOKEN.*--token-file/),
  ]);
  expect((await list({ TIDEMARK_TOKEN: `${token}x` })).code).toBe(1);
  const file = join(stack.dataDir, 'login');
  await writeFile(file, `${token}\n`);
  for (const one of [await list({ TIDEMARK_TOKEN: token }), await list({}, '--token-file', file)]) {
    expect(one).toMatchObject({ code: 0, output: expect.stringContaining('"totalCount":0') });
    expect(one.output).not.toContain(token);
  }
  const unreadable = await list({}, '--token-file', join(stack.dataDir, 'absent'));
  expect([unreadable.code, unreadable.output]).toEqual([1, expect.stringContaining('--token-file names')]);

  // FAULTS 119: with all that a server can log
  expect(api.output()).not.toContain(token);
  const files = (await readdir(stack.dataDir, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && entry.name !== 'login')
    .map((entry) => join(entry.parentPath, entry.name));
  for (const path of files) expect((await readFile(path)).includes(token)).toBe(false);
  const dump = await stack.database.em.execute('select t::text as row from access_token t');
  expect(JSON.stringify(dump)).not.toContain(token);
});
