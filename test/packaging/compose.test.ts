/** docker-compose.yml as it is written. scripts/compose-journey starts it. */
import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { projectRoot } from '../support/import-graph.ts';
import { testServers } from '../support/servers/servers.ts';
import { startSyncHarness } from '../support/sync/sync-harness.ts';
import type { SyncHarness } from '../support/sync/sync-harness.ts';

interface Service {
  readonly image: string;
  readonly restart?: string;
  readonly read_only?: boolean;
  readonly tmpfs?: string[];
  readonly cap_drop?: string[];
  readonly security_opt?: string[];
  readonly command?: string[];
  readonly container_name?: string;
  readonly environment?: Record<string, string>;
  readonly ports?: string[];
  readonly volumes?: string[];
  readonly networks?: string[];
  readonly secrets?: string[];
  readonly healthcheck?: { readonly disable?: boolean; readonly test?: unknown };
  readonly depends_on?: Record<string, { readonly condition: string }>;
}

interface Compose {
  readonly services: Record<string, Service>;
  readonly volumes: Record<string, unknown>;
  readonly networks: Record<string, unknown>;
  readonly secrets: Record<string, unknown>;
}

const python = ['python3', '/usr/bin/python3'].find(
  (command) => spawnSync(command, ['-c', 'import yaml']).status === 0,
);
if (python === undefined)
  console.warn(
    'Skipped: the checks of docker-compose.yml need python3 with yaml. To install: bash scripts/install-peers.sh',
  );

describe.skipIf(python === undefined && process.env['CI'] === undefined)('docker-compose.yml', () => {
  let compose: Compose;
  beforeAll(async () => {
    const script = 'import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)';
    const path = join(projectRoot, 'docker-compose.yml');
    const { stdout } = await promisify(execFile)(python ?? 'python3', ['-c', script, path]);
    compose = JSON.parse(stdout) as Compose;
  });

  test('has PostgreSQL 18, Temporal with its UI and schema, the migrations, the API and the worker', () => {
    expect(Object.keys(compose.services).sort()).toEqual([
      'api',
      'migrate',
      'postgres',
      'temporal',
      'temporal-namespace',
      'temporal-schema',
      'temporal-ui',
      'worker',
    ]);
    expect(compose.services['postgres']?.image).toMatch(/^postgres:18/);
    for (const role of ['api', 'worker', 'migrate']) expect(compose.services[role]?.command).toEqual([role]);
  });

  test('names only volumes, networks, secrets and services that it has', () => {
    const wrong = Object.entries(compose.services).flatMap(([name, service]) => [
      ...(service.volumes ?? []).filter((volume) => !((volume.split(':')[0] ?? '') in compose.volumes)),
      ...(service.networks ?? []).filter((network) => !(network in compose.networks)),
      ...(service.secrets ?? []).filter((secret) => !(secret in compose.secrets)),
      ...Object.keys(service.depends_on ?? {}).filter((other) => !(other in compose.services)),
      ...(service.networks === undefined ? [`${name} has no network`] : []),
    ]);
    expect(wrong).toEqual([]);
  });

  test('starts the API and the worker after the migrations, and these after a healthy database', () => {
    const migrated = { migrate: { condition: 'service_completed_successfully' } };
    expect(compose.services['api']?.depends_on).toMatchObject(migrated);
    expect(compose.services['worker']?.depends_on).toMatchObject(migrated);
    expect(compose.services['migrate']?.depends_on).toEqual({
      postgres: { condition: 'service_healthy' },
      'temporal-namespace': { condition: 'service_completed_successfully' },
    });
    const waitedFor = Object.values(compose.services).flatMap((service) =>
      Object.entries(service.depends_on ?? {})
        .filter(([, { condition }]) => condition === 'service_healthy')
        .map(([name]) => name),
    );
    const unchecked = waitedFor.filter((name) => compose.services[name]?.healthcheck?.test === undefined);
    expect(unchecked).toEqual([]);
  });

  test('publishes on the loopback of the host only, unless told otherwise', () => {
    const published = Object.entries(compose.services).flatMap(([name, { ports = [] }]) =>
      ports.map((port) => [name, interpolate(port, {})] as const),
    );
    expect(published.map(([name]) => name).sort()).toEqual(['api', 'temporal-ui']);
    expect(published.filter(([, port]) => !/^127\.0\.0\.1:\d+:\d+$/.test(port))).toEqual([]);
  });

  test('lets the worker be scaled: no name, port or volume of one container', () => {
    const { worker } = compose.services;
    expect(worker).toMatchObject({ volumes: ['blobs:/data'], secrets: ['secret_key'] });
    expect(worker?.container_name).toBeUndefined();
    expect(worker?.ports).toBeUndefined();
  });

  test.each(['api', 'worker', 'migrate'])(
    'runs %s without capabilities, on a root that is read-only',
    (name) => {
      expect(compose.services[name]).toMatchObject({
        read_only: true,
        tmpfs: ['/tmp'],
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      });
    },
  );

  test('holds no secret: a password has to be set, a key is a file', () => {
    for (const service of Object.values(compose.services)) {
      for (const [name, value] of Object.entries(service.environment ?? {})) {
        if (/PASSWORD|PWD|DATABASE_URL/.test(name)) expect(value).toContain('${POSTGRES_PASSWORD:?');
        expect(name).not.toBe('TIDEMARK_SECRET_KEY');
      }
    }
    expect(() => interpolate('${POSTGRES_PASSWORD:?set it}', {})).toThrow('set it');
  });

  test.each(['api', 'worker', 'migrate'])('gives %s settings that its configuration takes', (name) => {
    const environment = compose.services[name]?.environment ?? {};
    const env = Object.fromEntries(
      Object.entries(environment).map(([key, value]) => [
        key,
        interpolate(value, { POSTGRES_PASSWORD: 'p' }),
      ]),
    );
    expect(loadConfig(env)).toMatchObject({
      host: '0.0.0.0',
      dataDir: '/data',
      databaseUrl: 'postgresql://tidemark:p@postgres:5432/tidemark',
      temporalAddress: 'temporal:7233',
      temporalNamespace: 'tidemark',
      secretKeyFile: '/run/secrets/secret_key',
      logins: { tokens: true, oidc: undefined },
    });
  });
});

describe("the worker's health check", () => {
  let harness: SyncHarness;
  beforeAll(async () => {
    harness = await startSyncHarness();
  });
  afterAll(() => harness?.close());

  test('succeeds where Temporal hears a worker of this machine, and fails where it hears none', async () => {
    await expect
      .poll(() => check(harness.taskQueue), { interval: 500 })
      .toMatchObject({
        status: 0,
      });
    expect(check('nobody-asks-here')).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('not heard'),
    });
  });
});

/** `${NAME:-default}` and `${NAME:?message}`, as compose reads them. */
function interpolate(text: string, env: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$\{(\w+)(?::([-?])([^}]*))?\}/g, (_, name: string, kind?: string, rest = '') => {
    const value = env[name] ?? '';
    if (value !== '') return value;
    if (kind === '?') throw new Error(`${name} is not set: ${rest}`);
    return rest as string;
  });
}

/** Runs the check as the container would. */
function check(taskQueue: string): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(projectRoot, 'scripts', 'check-worker.mjs')],
    {
      encoding: 'utf8',
      timeout: 200_000,
      env: {
        PATH: process.env['PATH'],
        TEMPORAL_ADDRESS: testServers().temporalAddress,
        TIDEMARK_TASK_QUEUE: taskQueue,
      },
    },
  );
  return { status, stdout, stderr };
}
