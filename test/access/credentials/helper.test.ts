/** docker-credential-helpers: real programs, run without a shell. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { noForm, openCredentials } from '../../support/credentials/open-credentials.ts';
import { writeHelper, writeHelperScript } from '../../support/credentials/write-helper.ts';
import { useTestDatabase } from '../../support/servers/test-database.ts';
import { testSecret } from '../../support/test-secret.ts';

const database = useTestDatabase();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-helpers-'));
  vi.stubEnv('PATH', `${folder}:${process.env['PATH']}`);
  vi.stubEnv('TIDEMARK_TOKEN', testSecret('own-token'));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

const secret = testSecret('helper');

async function ask(helper: string, url = 'https://registry.example:5000', helpers = [helper]) {
  const scene = openCredentials(database, { dockerConfigDir: undefined, helpers });
  return (await scene.logins(url, { kind: 'HELPER', helper })).get(noForm);
}

test('the helper is asked for the server, and its answer is the login', async () => {
  const helper = await writeHelper(folder, 'plain', { ServerURL: 'x', Username: 'user', Secret: secret });
  expect(await ask('plain')).toEqual({ kind: 'basic', username: 'user', password: secret });
  expect(await helper.runs()).toEqual(['get registry.example:5000']);
});

test("Docker Hub is asked for by Docker's key", async () => {
  const helper = await writeHelper(folder, 'hub', { Username: 'user', Secret: secret });
  await ask('hub', 'https://registry-1.docker.io');
  expect(await helper.runs()).toEqual(['get https://index.docker.io/v1/']);
});

test('the user <token> marks an identity token', async () => {
  await writeHelper(folder, 'identity', { Username: '<token>', Secret: secret });
  expect(await ask('identity')).toEqual({ kind: 'identityToken', token: secret });
});

test('concurrent requests run it once, and later ones not again', async () => {
  const helper = await writeHelper(folder, 'once', { Username: 'user', Secret: secret });
  const scene = openCredentials(database, { dockerConfigDir: undefined, helpers: ['once'] });
  const logins = await scene.logins('https://registry.example', { kind: 'HELPER', helper: 'once' });
  await Promise.all(Array.from({ length: 10 }, () => logins.get(noForm)));
  await logins.get(noForm);
  expect(await helper.runs()).toHaveLength(1);
});

test('it does not get our own variables', async () => {
  await writeHelperScript(
    folder,
    'environment',
    `echo "{\\"Username\\":\\"u\\",\\"Secret\\":\\"[$TIDEMARK_TOKEN$DATABASE_URL]\\"}"`,
  );
  expect(await ask('environment')).toMatchObject({ password: '[]' });
});

describe('no login', () => {
  test.each<[string, string, string]>([
    [
      'not-found',
      "echo 'credentials not found in native keychain'; exit 1",
      'no login for registry.example:5000',
    ],
    ['broken', `echo '${secret}'; echo '${secret}' >&2; exit 3`, 'docker-credential-broken ended with 3'],
    ['garbage', `echo '${secret}'`, 'wrote no JSON'],
    ['empty', 'true', 'wrote no JSON'],
    ['half', `echo '{"Username":"u"}'`, 'wrote no JSON'],
    ['endless', `yes '${secret}'`, 'docker-credential-endless ended with'],
  ])('of a helper that is %s, without repeating its output', async (name, script, message) => {
    await writeHelperScript(folder, name, script);
    const failure: unknown = await ask(name).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 'CREDENTIAL_UNAVAILABLE',
      message: expect.stringContaining(message),
    });
    expect(JSON.stringify([failure, String(failure), (failure as Error).cause ?? null])).not.toContain(
      secret,
    );
  });

  test('of one that is not there', async () => {
    await expect(ask('absent')).rejects.toMatchObject({ message: expect.stringContaining('ENOENT') });
  });

  test('of one that is not allowed, which does not run', async () => {
    const helper = await writeHelper(folder, 'unlisted', { Username: 'u', Secret: secret });
    await expect(ask('unlisted', 'https://registry.example', ['other'])).rejects.toMatchObject({
      message: expect.stringContaining('"unlisted" to TIDEMARK_CREDENTIAL_HELPERS'),
    });
    expect(await helper.runs()).toEqual([]);
  });

  test('for a host that is not among its hosts', async () => {
    const helper = await writeHelper(folder, 'narrow', { Username: 'u', Secret: secret });
    const scene = openCredentials(database, { dockerConfigDir: undefined, helpers: ['narrow'] });
    const given = { kind: 'HELPER', helper: 'narrow', hosts: ['registry.example'] } as const;
    const logins = await scene.logins('https://evil.example', given);
    await expect(logins.get(noForm)).rejects.toMatchObject({ code: 'CREDENTIAL_REFUSED' });
    expect(await helper.runs()).toEqual([]);
  });
});
