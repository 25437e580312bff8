import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseArguments } from '../../src/cli/parse-arguments.ts';
import type { Surroundings } from '../../src/cli/surroundings.ts';
import { loadConfig } from '../../src/config.ts';
import { startApi } from '../support/api/api-server.ts';
import type { ApiUnderTest } from '../support/api/api-server.ts';

let api: ApiUnderTest;
let folder: string;
beforeAll(async () => {
  [api, folder] = await Promise.all([
    startApi({ temporalAddress: '127.0.0.1:9' }),
    mkdtemp(join(tmpdir(), 'tidemark-client-config-')),
  ]);
});
afterAll(async () => {
  await api?.close();
  await rm(folder, { recursive: true, force: true });
});

async function runAt(server: string, ...args: string[]) {
  const plan = parseArguments(['node', 'tidemark', 'client-config', ...args, '--server', server], '1.2.3');
  if (plan.command !== 'run') throw new Error(plan.text);
  const printed: string[] = [];
  const notes: string[] = [];
  const surroundings = {
    config: loadConfig({}),
    terminal: { print: (line: string) => printed.push(line), note: (line: string) => notes.push(line) },
    interrupt: { signal: new AbortController().signal },
  };
  const code = await plan.run(surroundings as unknown as Surroundings);
  return { code, stdout: printed.join('\n'), stderr: notes.join('\n') };
}

const run = (...args: string[]) => runAt(api.url, ...args);
const quay = ['--url', 'https://registry.example', '--namespace', 'quay.io=quay'];

test('files are printed, notes and commands go to standard error', async () => {
  const { code, stdout, stderr } = await run('k3s', ...quay, '--namespace', 'docker.io=hub', '--no-fallback');
  expect(code).toBe(0);
  expect(stdout).toContain('==> /etc/rancher/k3s/registries.yaml <==\nmirrors:\n  "quay.io":\n');
  expect(stdout).toContain('"^(.*)$": "hub/$1"');
  expect(stdout).toContain('==> /etc/rancher/k3s/config.yaml.d/tidemark.yaml <==');
  expect(stderr).toMatch(/^\/etc\/rancher\/k3s\/config\.yaml\.d\/tidemark\.yaml: For all registries/m);
  expect(stderr).toMatch(/^Then run: systemctl restart k3s$/m);
});

test('--output writes below a folder, and replaces nothing that differs without --force', async () => {
  const write = (...more: string[]) => run('podman', ...quay, '--output', folder, ...more);
  const path = join(folder, 'etc/containers/registries.conf.d/050-tidemark.conf');
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, 'own');
  await expect(write()).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringMatching(/050-tidemark\.conf exists and differs; nothing was written/),
  });
  expect(await readFile(path, 'utf8')).toBe('own');
  expect(await write('--force')).toMatchObject({ code: 0, stdout: path });
  expect(await readFile(path, 'utf8')).toContain('location = "registry.example/quay"');
  // the same again is no difference
  expect(JSON.parse((await write('--json')).stdout)).toMatchObject({
    format: 1,
    clientConfiguration: { commands: [] },
    written: [path],
  });
});

test('a server does not choose files outside of the folder', async () => {
  const files = [{ path: '/../outside', content: 'x', note: null }];
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ data: { clientConfiguration: { files, commands: [], notes: [] } } }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const inner = join(folder, 'inner');
    await expect(runAt(url, 'podman', '--output', inner)).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('outside of'),
    });
    expect(await readdir(folder)).not.toContain('outside');
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test.each([
  [['podman', '--namespace', 'quay.io'], 'USAGE', /--namespace is "quay\.io"; expected/],
  [['podman', '--namespace', 'quay.io=quay'], 'BAD_USER_INPUT', /TIDEMARK_PUBLIC_URL is not set/],
  [['docker', '--url', 'https://registry.example'], 'BAD_USER_INPUT', /TIDEMARK_DOCKER_HUB_PORT/],
])('%j is refused', async (args, code, message) => {
  await expect(run(...args)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
});

test('an unknown client is refused with those that are known', () => {
  expect(parseArguments(['node', 'tidemark', 'client-config', 'rkt'], '1.2.3')).toMatchObject({
    isMistake: true,
    text: expect.stringContaining('containerd, docker, podman, crio, k3s, openshift'),
  });
});
