/** Docker's config.json, as Docker reads it. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { noForm, openCredentials } from '../../support/credentials/open-credentials.ts';
import { writeHelper } from '../../support/credentials/write-helper.ts';
import { useTestDatabase } from '../../support/servers/test-database.ts';
import { testSecret } from '../../support/test-secret.ts';

const database = useTestDatabase();
let folder: string;
let outside: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-config-'));
  outside = await mkdtemp(join(tmpdir(), 'tidemark-outside-'));
  vi.stubEnv('PATH', `${outside}:${process.env['PATH']}`);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
  await rm(outside, { recursive: true });
});

const password = testSecret('docker-config');
const auth = (user: string) => Buffer.from(`${user}:${password}`).toString('base64');
const basic = (username: string) => ({ kind: 'basic', username, password });

let sequence = 0;
/** Asks a registry of a new file. */
async function ask(config: unknown, url = 'https://registry.example:5000', helpers: string[] = []) {
  sequence += 1;
  const configFile = `config-${sequence}.json`;
  await writeFile(join(folder, configFile), typeof config === 'string' ? config : JSON.stringify(config));
  return askFile(configFile, url, helpers);
}

async function askFile(
  configFile: string | null,
  url = 'https://registry.example:5000',
  helpers: string[] = [],
) {
  const scene = openCredentials(database, { dockerConfigDir: folder, helpers });
  return (await scene.logins(url, { kind: 'DOCKER_CONFIG', configFile })).get(noForm);
}

describe('auths', () => {
  test.each<[string, string, object, unknown]>([
    [
      'auth of the host and port',
      'https://registry.example:5000',
      { 'registry.example:5000': { auth: auth('a') } },
      basic('a'),
    ],
    [
      'a key with scheme and path',
      'https://quay.io',
      { 'https://quay.io/v2/': { auth: auth('q') } },
      basic('q'),
    ],
    [
      'the host before a key with a path',
      'https://quay.io',
      { 'https://quay.io/v1/': { auth: auth('x') }, 'quay.io': { auth: auth('q') } },
      basic('q'),
    ],
    [
      "Docker Hub's key",
      'https://registry-1.docker.io',
      { 'https://index.docker.io/v1/': { auth: auth('hub') } },
      basic('hub'),
    ],
    [
      "Docker Hub's key as podman writes it",
      'https://registry-1.docker.io',
      { 'docker.io': { auth: auth('hub') } },
      basic('hub'),
    ],
    ['username and password', 'https://quay.io', { 'quay.io': { username: 'u', password } }, basic('u')],
    [
      'a password with a colon',
      'https://quay.io',
      { 'quay.io': { auth: Buffer.from(`u:a:${password}`).toString('base64') } },
      { kind: 'basic', username: 'u', password: `a:${password}` },
    ],
    [
      'an identity token',
      'https://quay.io',
      { 'quay.io': { auth: auth('<token>'), identitytoken: password } },
      { kind: 'identityToken', token: password },
    ],
  ])('%s', async (_, url, auths, expected) => {
    expect(await ask({ auths }, url)).toEqual(expected);
  });

  test.each<[string, unknown]>([
    ['another port', { auths: { 'registry.example:5001': { auth: auth('a') } } }],
    ['no auths', {}],
    ['an entry without a login', { auths: { 'registry.example:5000': {} } }],
    ['an entry that is no object', { auths: { 'registry.example:5000': 'x' } }],
  ])('%s gives no login', async (_, config) => {
    await expect(ask(config)).rejects.toMatchObject({
      code: 'CREDENTIAL_UNAVAILABLE',
      retryable: false,
      message: expect.stringContaining('no entry for registry.example:5000'),
    });
  });
});

describe('helpers', () => {
  const auths = { 'quay.io': { auth: auth('file') } };

  test('credHelpers come before credsStore, and that before auths', async () => {
    await writeHelper(outside, 'one', { Username: 'one', Secret: password });
    await writeHelper(outside, 'store', { Username: 'store', Secret: password });
    const config = { auths, credsStore: 'store', credHelpers: { 'quay.io': 'one' } };
    expect(await ask(config, 'https://quay.io', ['one', 'store'])).toEqual(basic('one'));
    expect(await ask({ auths, credsStore: 'store' }, 'https://quay.io', ['store'])).toEqual(basic('store'));
  });

  test('a store without the login leaves it to the file', async () => {
    await writeHelper(outside, 'empty', undefined);
    expect(await ask({ auths, credsStore: 'empty' }, 'https://quay.io', ['empty'])).toEqual(basic('file'));
  });

  test('a helper that is not allowed does not run, whatever the file says', async () => {
    const marker = await writeHelper(outside, 'sneaky', { Username: 'x', Secret: password });
    await expect(ask({ auths, credsStore: 'sneaky' }, 'https://quay.io', ['one'])).rejects.toMatchObject({
      message: expect.stringContaining('TIDEMARK_CREDENTIAL_HELPERS'),
    });
    expect(await marker.runs()).toEqual([]);
  });
});

describe('the file', () => {
  test.each([
    ['that is no JSON', '{"auths":'],
    ['that is no object', '[]'],
    ['of more than 1 MiB', ' '.repeat(1024 * 1024 + 1)],
  ])('%s is refused, and nothing of it repeated', async (_, text) => {
    await expect(ask(text)).rejects.toMatchObject({ message: expect.stringContaining('no JSON object') });
  });

  test('is config.json by default', async () => {
    await writeFile(
      join(folder, 'config.json'),
      JSON.stringify({ auths: { 'quay.io': { auth: auth('d') } } }),
    );
    expect(await askFile(null, 'https://quay.io')).toEqual(basic('d'));
  });

  test('may be a link inside the folder, as Kubernetes mounts it, and not out of it', async () => {
    await mkdir(join(folder, '..data'));
    await writeFile(
      join(folder, '..data', 'k8s.json'),
      JSON.stringify({ auths: { 'quay.io': { auth: auth('k') } } }),
    );
    await symlink('..data/k8s.json', join(folder, 'linked.json'));
    expect(await askFile('linked.json', 'https://quay.io')).toEqual(basic('k'));
    await writeFile(
      join(outside, 'secret.json'),
      JSON.stringify({ auths: { 'quay.io': { auth: auth('o') } } }),
    );
    await symlink(join(outside, 'secret.json'), join(folder, 'out.json'));
    await expect(askFile('out.json', 'https://quay.io')).rejects.toMatchObject({
      message: expect.stringContaining('outside of the folder'),
    });
  });

  test('that is not there says where it belongs', async () => {
    await expect(askFile('none.json')).rejects.toMatchObject({
      message: expect.stringMatching(/none\.json in TIDEMARK_DOCKER_CONFIG_DIR cannot be read \(ENOENT\)/),
    });
  });

  test('of a process without the folder is refused', async () => {
    const logins = await openCredentials(database).logins('https://quay.io', { kind: 'DOCKER_CONFIG' });
    await expect(logins.get(noForm)).rejects.toMatchObject({
      message: expect.stringContaining('Set TIDEMARK_DOCKER_CONFIG_DIR'),
    });
  });
});
