/** The stack of docker-compose.yml under a project of its own, with its secrets and settings in a folder. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { check, until } from './engine.mjs';

export const ports = { api: 14000, ui: 18080, proxy: 14443, upstream: 15000 };
export const project = 'tidemark-journey';

/** What docs/production.md tells to prepare, and a certificate for the proxy. */
export async function prepareSettings(folder, { run }) {
  const secrets = join(folder, 'secrets');
  await mkdir(secrets, { mode: 0o700, recursive: true });
  await writeFile(join(secrets, 'secret.key'), randomBytes(32).toString('base64'));
  await chmod(join(secrets, 'secret.key'), 0o444);
  const certificate = join(secrets, 'tls.crt');
  const request = [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=127.0.0.1',
    '-addext',
    'subjectAltName=IP:127.0.0.1',
  ];
  await run('openssl', [...request, '-keyout', join(secrets, 'tls.key'), '-out', certificate]);
  const password = randomBytes(24).toString('hex');
  const settings = {
    POSTGRES_PASSWORD: password,
    PUBLISH_API: `127.0.0.1:${ports.api}`,
    PUBLISH_PROXY: `127.0.0.1:${ports.proxy}`,
    TEMPORAL_UI_PORT: ports.ui,
    ALLOW_UPSTREAM: 'upstream',
    SECRET_KEY_FILE: join(secrets, 'secret.key'),
    TLS_CERTIFICATE_FILE: certificate,
    TLS_KEY_FILE: join(secrets, 'tls.key'),
    UPSTREAM_PORT: ports.upstream,
  };
  const envFile = join(folder, '.env');
  await writeFile(
    envFile,
    Object.entries(settings)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
    { mode: 0o600 },
  );
  return { envFile, certificate, password };
}

/** Runs compose on docker-compose.yml, the stand-ins, and with `proxy` the proxy. */
export function createCompose({ root, program, envFile, run }) {
  const files = ['docker-compose.yml', 'scripts/compose-journey/stand-ins.yml'];
  return async function compose(args, { proxy = false, alone = false, ...options } = {}) {
    const all = [...files, ...(proxy ? ['deploy/compose/proxy.yml'] : [])].flatMap((file) => [
      '-f',
      join(root, file),
    ]);
    const common = ['--project-directory', root, '--env-file', envFile, '--project-name', project];
    const given = alone ? [] : all;
    const extraEnv = proxy ? { PUBLIC_URL: `https://127.0.0.1:${ports.proxy}` } : {};
    const output = await run(program, ['--progress', 'plain', ...common, ...given, ...args], {
      extraEnv,
      ...options,
    });
    return output.toString().trim();
  };
}

/** The containers of a service, lowest number first. */
export async function containersOf(service, { text }) {
  const filters = [
    `label=com.docker.compose.project=${project}`,
    `label=com.docker.compose.service=${service}`,
    'label=com.docker.compose.oneoff=False',
  ];
  const format = '{{.Label "com.docker.compose.container-number"}} {{.ID}}';
  const list = await text('docker', [
    'ps',
    ...filters.flatMap((filter) => ['--filter', filter]),
    '--format',
    format,
  ]);
  return list
    .split('\n')
    .filter(Boolean)
    .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
    .map((line) => line.split(' ')[1]);
}

/** Waits until the engine's health checks of all containers of these services are green. */
export async function waitHealthy(services, tools, limitMs = 150_000) {
  for (const service of services)
    await until(
      `${service} healthy`,
      async () => {
        const containers = await containersOf(service, tools);
        const states = await Promise.all(
          containers.map((id) =>
            tools.text('docker', ['inspect', '--format', '{{.State.Health.Status}}', id]),
          ),
        );
        return states.length > 0 && states.every((state) => state === 'healthy');
      },
      limitMs,
    );
}

/** The hardening that docs/production.md promises, as the engine has it. */
export async function checkHardening(services, tools) {
  for (const service of services)
    for (const id of await containersOf(service, tools)) {
      const [{ Config, HostConfig }] = JSON.parse(
        await tools.text('docker', ['inspect', id], { secret: true }),
      );
      check(Config.User === 'node', `${service} runs as ${Config.User}`);
      check(HostConfig.ReadonlyRootfs, `${service} can write to its root`);
      check('/tmp' in (HostConfig.Tmpfs ?? {}), `${service} has no /tmp in memory`);
      check(HostConfig.CapDrop?.includes('ALL'), `${service} has capabilities`);
      check(HostConfig.SecurityOpt?.includes('no-new-privileges:true'), `${service} may gain privileges`);
    }
}
