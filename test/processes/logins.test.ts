/** A server of its own process that asks for logins, from its first token on. */
import { once } from 'node:events';
import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { createOwnDistribution } from '../../src/db/distributions/distributions.ts';
import { Distribution } from '../../src/db/schema/distributions.ts';
import { Repository } from '../../src/db/schema/repositories.ts';
import { createUpkeepTask } from '../../src/db/tasks/upkeep-tasks.ts';
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

test('an API on a public address refuses to start without logins, and names the settings', async () => {
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

test('an API behind a public URL refuses to start without logins, unless TIDEMARK_AUTH=off', async () => {
  const stack = await newStack({ TIDEMARK_PUBLIC_URL: 'https://registry.example' });
  const refused = stack.run(['api']);
  expect(await refused.ended()).toBe(1);
  expect(refused.output()).toMatch(/CONFIG_INVALID: TIDEMARK_PUBLIC_URL is https:\/\/registry\.example/);
  const api = await stack.launch('api', { TIDEMARK_AUTH: 'off' });
  const [, port = ''] = /API ready on http:\/\/[\d.]+:(\d+)/.exec(api.output()) ?? [];
  const ask = async (host: string): Promise<number | undefined> => {
    const request = get({ host: '127.0.0.1', port, path: '/healthz', headers: { host } });
    const [{ statusCode }] = (await once(request, 'response')) as [IncomingMessage];
    request.destroy();
    return statusCode;
  };
  expect(await ask('registry.example')).toBe(200);
  expect(await ask('other.example')).toBe(421);

  const created = await api.graphql(
    'mutation { remoteCreate(input: { name: "r", url: "http://127.0.0.1:1", upstreamName: "a" }) { userErrors { message } } }',
  );
  expect(created.text).toContain('TIDEMARK_ALLOW_UPSTREAM');
});

test('a second port serves Docker Hub images, is checked before the start, and closes with the API', async () => {
  const stack = await newStack();
  const api = await stack.launch('api', { TIDEMARK_DOCKER_HUB_PORT: '0' });
  const [, url = '', port = ''] =
    /Mirror of Docker Hub ready on (http:\/\/[\d.]+:(\d+))/.exec(api.output()) ?? [];
  // the connection stays open
  expect((await fetch(`${url}/v2/`)).status).toBe(200);
  expect((await fetch(`${url}/graphql`)).status).toBe(404);

  const second = stack.run(['api'], { TIDEMARK_DOCKER_HUB_PORT: port });
  expect(await second.ended()).toBe(1);
  expect(second.output()).toMatch(/PORT_UNAVAILABLE: .*taken.* Set TIDEMARK_DOCKER_HUB_PORT to another port/);

  api.child.kill('SIGTERM');
  expect(await api.ended()).toBe(0);
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

  // as one that was made while logins were off
  const { repositoryId } = await stack.createRepository({ url: 'http://127.0.0.1:9', upstreamName: 'a' });
  const em = stack.em();
  await createOwnDistribution(em, await em.findOneOrFail(Repository, { id: repositoryId }));
  const [{ basePath } = { basePath: '' }] = await em.find(Distribution, { repositoryId });
  const api = await stack.launch('api');
  const url = api.apiUrl();
  expect(api.output()).toContain(`created while logins were off is private until you decide: ${basePath}.`);
  expect((await fetch(`${url}/v2/${basePath}/tags/list`)).status).toBe(401);
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
    expect(one).toMatchObject({ code: 0, output: expect.stringContaining('"totalCount":1') });
    expect(one.output).not.toContain(token);
  }
  const unreadable = await list({}, '--token-file', join(stack.dataDir, 'absent'));
  expect([unreadable.code, unreadable.output]).toEqual([2, expect.stringContaining('--token-file names')]);

  // fault 119: with all that a server can log
  expect(api.output()).not.toContain(token);
  const files = (await readdir(stack.dataDir, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && entry.name !== 'login')
    .map((entry) => join(entry.parentPath, entry.name));
  for (const path of files) expect((await readFile(path)).includes(token)).toBe(false);
  const dump = await stack.database.em.execute('select t::text as row from access_token t');
  expect(JSON.stringify(dump)).not.toContain(token);
});

test('each command works with a token, as far as its role goes, and says what is missing', async () => {
  const stack = await newStack({ TIDEMARK_AUTH: 'tokens' });
  const api = await stack.launch('api');
  const url = api.apiUrl();
  // these workflows have one id, and all tests share one Temporal: a task that is there keeps them from being started
  for (const name of ['content.collect', 'content.verify'] as const) {
    const workflowId = `${name}-${stack.settings.TIDEMARK_TASK_QUEUE}`;
    await createUpkeepTask(stack.em(), { name, arguments: { dryRun: true }, workflowId });
  }
  const makeToken = async (...args: string[]): Promise<string> => {
    const program = stack.run(['token', 'create', ...args]);
    expect(await program.ended()).toBe(0);
    return /tidemark_[\w-]{43}/.exec(program.output())?.[0] ?? '';
  };
  const admin = await makeToken('--admin', 'ops');
  const maintainer = await makeToken('--role', 'maintainer', '--scope', 'team/*', 'mirrors');
  const run = async (token: string, ...args: string[]) => {
    const program = stack.run([...args, '--server', url], { TIDEMARK_TOKEN: token });
    return { code: await program.ended(), output: program.output() };
  };
  for (const [answer, ...args] of [
    ['IN_USE: ', 'gc', '--dry-run'],
    ['IN_USE: ', 'verify'],
    ['encrypted with the first key', 'rotate-key'],
  ] as const) {
    expect(await run(admin, ...args)).toMatchObject({ output: expect.stringContaining(answer) });
    expect(await run(maintainer, ...args)).toMatchObject({
      code: 1,
      output: expect.stringContaining('FORBIDDEN: '),
    });
  }
  expect(await run(maintainer, 'schedule', 'list')).toMatchObject({ code: 0 });
  for (const name of ['team/app', 'other/app'])
    await stack.em().execute('insert into repository (name) values (?)', [name]);
  const create = (name: string) => run(maintainer, 'schedule', 'create', name, '--every', '3600');
  // the repository is seen, and has no remote yet; the other one is not there
  expect(await create('team/app')).toMatchObject({ code: 1, output: expect.stringContaining('no remote') });
  const unseen = await create('other/app');
  expect(unseen).toMatchObject({ code: 1, output: expect.stringContaining('NOT_FOUND') });
  // as close to what they may see
  const absent = await create('othes/app');
  expect(absent.output.replaceAll('othes', 'other')).toBe(unseen.output);
  expect(await run(maintainer, 'repositories')).toMatchObject({
    code: 0,
    output: expect.not.stringContaining('other/app'),
  });
});
