import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { chooseLogins } from '../../src/processes/checks/check-logins.ts';
import { KEY, clientSecret, mistakesOf, password } from '../support/config-values.ts';

test('an empty variable counts as not set', () => {
  expect(loadConfig({ TIDEMARK_PORT: '', DATABASE_URL: ' ' })).toMatchObject({
    port: 4000,
    databaseUrl: undefined,
  });
});

test('all mistakes are told at once', () => {
  const message = mistakesOf({
    TIDEMARK_PORT: '70000',
    LOG_LEVEL: 'loud',
    TIDEMARK_PROT: '1',
    TIDEMARK_XYZ_ABC_DEF: '1',
  });
  expect(message.split('\n')).toEqual([
    '4 settings are wrong in the environment:',
    '  TIDEMARK_PROT is not a setting; did you mean TIDEMARK_PORT?',
    '  TIDEMARK_XYZ_ABC_DEF is not a setting; remove it',
    '  TIDEMARK_PORT is "70000"; expected a whole number from 0 to 65535',
    '  LOG_LEVEL is "loud"; expected one of trace, debug, info, warn, error, fatal, silent',
  ]);
});

describe('refused', () => {
  test.each([
    ['TIDEMARK_PORT', '-1'],
    ['TIDEMARK_PORT', '4e3'],
    ['TIDEMARK_WORKER_CONNECTIONS', '0'],
    ['TIDEMARK_WORKER_CONNECTIONS', '1001'],
    ['TIDEMARK_SYNCS_PER_HOST', '0'],
    ['TIDEMARK_DATABASE_POOL', '1.5'],
    ['TIDEMARK_MANIFEST_MAX_BYTES', '0'],
    ['TIDEMARK_MANIFEST_MAX_BYTES', '4MB'],
    ['TIDEMARK_STORAGE_QUOTA_BYTES', '99999999 TiB'],
    ['TIDEMARK_ALLOW_UPSTREAM', '10.0.0.0/33'],
    ['TIDEMARK_ALLOW_UPSTREAM', 'http://registry.lan'],
    ['TIDEMARK_ALLOW_UPSTREAM', 'registry.lan/8'],
    ['TIDEMARK_ALLOW_UPSTREAM', 'registry.lan:0'],
    ['TIDEMARK_ALLOW_UPSTREAM', 'registry.lan:65536'],
    ['TIDEMARK_ALLOW_UPSTREAM', '[registry.lan]:80'],
    ['TIDEMARK_ALLOW_UPSTREAM', '10.0.0.0/8:80'],
    ['TIDEMARK_AUTH', 'on'],
    ['TIDEMARK_AUTH', 'off,tokens'],
    ['TIDEMARK_AUTH', ','],
    ['TIDEMARK_OIDC_ISSUER', 'http://login.example'],
    ['TIDEMARK_OIDC_AUDIENCE', 'set without oidc'],
    ['TIDEMARK_OIDC_CLIENT_ID', 'set without oidc'],
    ['TIDEMARK_OIDC_CLIENT_SECRET', clientSecret],
    ['TIDEMARK_OIDC_SCOPES', 'groups'],
    ['TIDEMARK_PUBLIC_URL', 'registry.example'],
    ['TIDEMARK_DOCKER_HUB_PORT', '65536'],
    ['TIDEMARK_DOCKER_HUB_PORT', '4000'],
    ['TIDEMARK_DOCKER_HUB_URL', 'hub.example'],
    ['TIDEMARK_DOCKER_HUB_URL', 'https://registry.example/hub'],
    ['TIDEMARK_DOCKER_HUB_BASE_PATH', '/docker.io/'],
    ['TIDEMARK_SECRET_KEY', 'c2hvcnQ='],
    ['TIDEMARK_SECRET_KEY', `${KEY.slice(0, 42)}B`],
    ['TIDEMARK_SECRET_KEY', `${KEY},not base64!`],
    ['DATABASE_URL', `mysql://u:${password}@db/tm`],
    ['DATABASE_URL', 'postgresql://db:5432'],
    ['TEMPORAL_ADDRESS', 'temporal'],
    ['TEMPORAL_ADDRESS', 'http://temporal:7233'],
    ['TEMPORAL_UI_URL', 'javascript:alert(1)'],
    ['TIDEMARK_ACCESS_LOG', 'combined'],
    ['TIDEMARK_EARLIER_DISTRIBUTIONS', 'hidden'],
  ])('%s=%s', (name, value) => {
    expect(mistakesOf({ [name]: value })).toContain(`\n  ${name} `);
  });

  test('the host of the public URL as the address of Docker Hub', () => {
    const url = 'https://registry.example';
    expect(mistakesOf({ TIDEMARK_PUBLIC_URL: `${url}/`, TIDEMARK_DOCKER_HUB_URL: url })).toContain(
      'TIDEMARK_DOCKER_HUB_URL has the host of TIDEMARK_PUBLIC_URL',
    );
  });

  test('OIDC without its issuer and audience', () => {
    const message = mistakesOf({ TIDEMARK_AUTH: 'oidc' });
    expect(message).toContain('TIDEMARK_OIDC_ISSUER is not set');
    expect(message).toContain('TIDEMARK_OIDC_AUDIENCE is not set');
  });

  test('both ways to give the secret key', () => {
    expect(mistakesOf({ TIDEMARK_SECRET_KEY: KEY, TIDEMARK_SECRET_KEY_FILE: '/run/key' })).toContain(
      'set one of them',
    );
  });
});

test('fault 119: a mistake repeats no secret', () => {
  const message = mistakesOf({
    DATABASE_URL: `mysql://u:${password}@db/tm`,
    TIDEMARK_SECRET_KEY: password,
    TEMPORAL_ADDRESS: `user:${password}@temporal:7233`,
    TEMPORAL_UI_URL: `https://user:${password}@ui.example`,
  });
  expect(message).toContain('4 settings');
  expect(message).not.toContain(password);
});

const chosen = (env: NodeJS.ProcessEnv) => chooseLogins(loadConfig(env));

describe('the logins that the API asks for', () => {
  test('are none on loopback, unless they are set', () => {
    expect(chosen({})).toEqual({ tokens: false, oidc: undefined });
    expect(chosen({ TIDEMARK_HOST: '::1', TIDEMARK_AUTH: 'off' })).toEqual({
      tokens: false,
      oidc: undefined,
    });
    expect(chosen({ TIDEMARK_AUTH: 'tokens' })).toEqual({ tokens: true, oidc: undefined });
    expect(chosen({ TIDEMARK_HOST: '0.0.0.0', TIDEMARK_AUTH: 'tokens' })).toEqual({
      tokens: true,
      oidc: undefined,
    });
  });

  test.each([
    ['not set', {}],
    ['off', { TIDEMARK_AUTH: 'off' }],
  ])('have to be there where others reach it: %s', (how, env) => {
    expect(() => chosen({ TIDEMARK_HOST: '0.0.0.0', ...env })).toThrow(
      new RegExp(
        `TIDEMARK_HOST is 0\\.0\\.0\\.0.*TIDEMARK_AUTH is ${how}.*TIDEMARK_AUTH=tokens.*tidemark token create`,
      ),
    );
  });
});
