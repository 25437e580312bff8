import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { testSecret } from '../support/test-secret.ts';
import { KEY, OTHER_KEY, clientSecret, keys, mistakesOf, password } from '../support/config-values.ts';

const token = testSecret('config-token');

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
