import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../src/config.ts';
import { isTidemarkError } from '../src/oci/error.ts';
import { chooseLogins } from '../src/processes/checks/check-logins.ts';
import { testSecret } from './support/test-secret.ts';

// 32 bytes each
const keys = [testSecret('config-key1'), testSecret('config-key2')].map((text) => Buffer.from(text));
const [KEY = '', OTHER_KEY = ''] = keys.map((key) => key.toString('base64'));
const password = testSecret('config-password');
const token = testSecret('config-token');
const clientSecret = testSecret('config-client');

function mistakesOf(env: NodeJS.ProcessEnv): string {
  try {
    loadConfig(env);
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', origin: 'caller' });
    return error.message;
  }
  throw new Error('loadConfig accepted the settings');
}

test('nothing set: everything embedded, on loopback', () => {
  expect(loadConfig({ XDG_CACHE_HOME: '/cache' })).toEqual({
    dataDir: resolve('data'),
    cacheDir: resolve('/cache/tidemark'),
    host: '127.0.0.1',
    port: 4000,
    databaseUrl: undefined,
    databasePoolSize: 20,
    temporalAddress: undefined,
    temporalNamespace: 'default',
    temporalUiUrl: undefined,
    taskQueue: 'tidemark',
    workerConnections: 64,
    syncsPerHost: 10,
    hostRates: new Map(),
    dockerHub: { port: undefined, url: undefined, basePath: 'docker.io' },
    throttleBudgetSeconds: 7200,
    allowUpstream: [],
    secretKeys: [],
    secretKeyFile: undefined,
    credentials: { dockerConfigDir: undefined, helpers: [] },
    manifestMaxBytes: 4_194_304,
    blobs: undefined,
    collectionGraceSeconds: 86_400,
    collectionIntervalSeconds: 86_400,
    storageQuotaBytes: undefined,
    cacheBytes: undefined,
    logLevel: 'info',
    accessLog: 'off',
    repositoryMetrics: false,
    traces: false,
  });
});

test('every setting is read', () => {
  const config = loadConfig({
    TIDEMARK_DATA: '/srv/tidemark',
    TIDEMARK_CACHE: '/var/cache/tm',
    TIDEMARK_HOST: '::1',
    TIDEMARK_PORT: '0',
    DATABASE_URL: `postgresql://u:${password}@db:5432/tm`,
    TIDEMARK_DATABASE_POOL: '5',
    TEMPORAL_ADDRESS: 'temporal:7233',
    TEMPORAL_NAMESPACE: 'mirror',
    TEMPORAL_UI_URL: 'https://ui.example',
    TIDEMARK_TASK_QUEUE: 'mine',
    TIDEMARK_WORKER_CONNECTIONS: '1000',
    TIDEMARK_SYNCS_PER_HOST: '3',
    TIDEMARK_HOST_BYTES_PER_SECOND: 'quay.io=5MB/s (Europe/Berlin)',
    TIDEMARK_THROTTLE_BUDGET: '30m',
    TIDEMARK_ALLOW_UPSTREAM:
      'Registry.lan, *.corp.example,10.0.0.0/8,fd00::/8,192.168.1.4,registry.lan:5000,10.0.0.1:80,[fd00::1]:443',
    TIDEMARK_SECRET_KEY: `${KEY},${OTHER_KEY}`,
    TIDEMARK_DOCKER_CONFIG_DIR: '/run/docker',
    TIDEMARK_CREDENTIAL_HELPERS: 'ecr-login, docker-credential-gcloud',
    TIDEMARK_AUTH: 'tokens, oidc',
    TIDEMARK_OIDC_ISSUER: 'https://login.example',
    TIDEMARK_OIDC_AUDIENCE: 'tidemark',
    TIDEMARK_OIDC_JWKS_URL: 'https://login.example/keys',
    TIDEMARK_OIDC_GROUPS_CLAIM: 'roles',
    TIDEMARK_OIDC_CLIENT_ID: 'console',
    TIDEMARK_OIDC_CLIENT_SECRET: clientSecret,
    TIDEMARK_OIDC_SCOPES: 'openid  groups',
    TIDEMARK_PUBLIC_URL: 'https://registry.example/',
    TIDEMARK_DOCKER_HUB_PORT: '4001',
    TIDEMARK_DOCKER_HUB_URL: 'https://Hub.example/',
    TIDEMARK_DOCKER_HUB_BASE_PATH: 'mirror/docker',
    TIDEMARK_TOKEN: token,
    TIDEMARK_MANIFEST_MAX_BYTES: '8MiB',
    TIDEMARK_STORAGE_QUOTA_BYTES: '500 GiB',
    TIDEMARK_CACHE_BYTES: '20 GiB',
    TIDEMARK_GC_GRACE: '90s',
    TIDEMARK_GC_INTERVAL: 'off',
    LOG_LEVEL: 'DEBUG',
    TIDEMARK_ACCESS_LOG: 'json',
    TIDEMARK_METRICS_ADDRESS: '0.0.0.0:9464',
    TIDEMARK_METRICS_REPOSITORIES: 'on',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
    TIDEMARK_EARLIER_DISTRIBUTIONS: 'Private',
  });
  expect(config).toEqual({
    dataDir: resolve('/srv/tidemark'),
    cacheDir: resolve('/var/cache/tm'),
    host: '::1',
    port: 0,
    databaseUrl: `postgresql://u:${password}@db:5432/tm`,
    databasePoolSize: 5,
    temporalAddress: 'temporal:7233',
    temporalNamespace: 'mirror',
    temporalUiUrl: 'https://ui.example',
    taskQueue: 'mine',
    workerConnections: 1000,
    syncsPerHost: 3,
    hostRates: new Map([['quay.io', { periods: [], otherwise: 5_000_000, timeZone: 'Europe/Berlin' }]]),
    throttleBudgetSeconds: 1800,
    allowUpstream: [
      'registry.lan',
      '*.corp.example',
      '10.0.0.0/8',
      'fd00::/8',
      '192.168.1.4',
      'registry.lan:5000',
      '10.0.0.1:80',
      '[fd00::1]:443',
    ],
    secretKeys: keys,
    secretKeyFile: undefined,
    credentials: { dockerConfigDir: '/run/docker', helpers: ['ecr-login', 'gcloud'] },
    logins: {
      tokens: true,
      oidc: {
        issuer: 'https://login.example',
        audience: 'tidemark',
        jwksUrl: 'https://login.example/keys',
        groupsClaim: 'roles',
        client: { clientId: 'console', clientSecret, scopes: 'openid groups' },
      },
    },
    publicUrl: 'https://registry.example/',
    dockerHub: { port: 4001, url: 'https://hub.example', basePath: 'mirror/docker' },
    token,
    manifestMaxBytes: 8_388_608,
    blobs: undefined,
    collectionGraceSeconds: 90,
    collectionIntervalSeconds: undefined,
    storageQuotaBytes: 536_870_912_000,
    cacheBytes: 21_474_836_480,
    logLevel: 'debug',
    accessLog: 'json',
    metricsAddress: '0.0.0.0:9464',
    repositoryMetrics: true,
    traces: true,
    earlierDistributions: 'private',
  });
});

function blobs(TIDEMARK_BLOBS: string) {
  return loadConfig({ TIDEMARK_BLOBS }).blobs;
}

test('a bucket is read, with what it is reached by', () => {
  expect(blobs('s3://images')).toEqual({
    bucket: 'images',
    prefix: '',
    endpoint: undefined,
    region: undefined,
    redirect: false,
  });
  expect(
    blobs('s3://my.images/a/b/?endpoint=http%3A%2F%2F127.0.0.1%3A7070&region=eu-west-1&redirect=true'),
  ).toEqual({
    bucket: 'my.images',
    prefix: 'a/b',
    endpoint: 'http://127.0.0.1:7070',
    region: 'eu-west-1',
    redirect: true,
  });
});

test.each([
  ['/srv/blobs', 'is not an address of S3'],
  [`s3://user:${password}@images`, 'holds credentials'],
  ['s3://x', 'names no bucket'],
  ['s3://images/a%20b', 'has a prefix of other characters'],
  ['s3://images?endpont=http://s3', 'has the parameter "endpont"'],
  ['s3://images?endpoint=ftp://s3', 'has an endpoint that is no http'],
  [`s3://images?endpoint=https://user:${password}@s3`, 'has an endpoint that is no http'],
  ['s3://images?redirect=yes', 'has redirect="yes"; expected true or false'],
])('TIDEMARK_BLOBS=%s is refused', (value, mistake) => {
  const message = mistakesOf({ TIDEMARK_BLOBS: value });
  expect(message).toContain(`TIDEMARK_BLOBS ${mistake}`);
  expect(message).not.toContain(password);
});

test('a quota is for a folder', () => {
  expect(mistakesOf({ TIDEMARK_BLOBS: 's3://images', TIDEMARK_STORAGE_QUOTA_BYTES: '1GiB' })).toContain(
    'TIDEMARK_STORAGE_QUOTA_BYTES is for folders',
  );
});

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
