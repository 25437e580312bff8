/** The systemd units: systemd accepts them, the programs that they name are there, and they hold back what Tidemark does not need. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { findPeer, skipWithout } from '../interop/peers.ts';
import { projectRoot } from '../support/import-graph.ts';

const folder = join(projectRoot, 'deploy', 'systemd');
const units = readdirSync(folder).filter((name) => /\.(service|target)$/.test(name));
const services = units.filter((name) => name.endsWith('.service'));
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');

test('are the API, workers, the migrations and a target that starts them', () => {
  expect(units).toEqual([
    'tidemark-api.service',
    'tidemark-migrate.service',
    'tidemark-worker@.service',
    'tidemark.target',
  ]);
});

test.each(services)('%s gets settings that its process takes', (name) => {
  const settings = [...read(name).matchAll(/^Environment=(.*)$/gm)].flatMap(([, line = '']) =>
    line.split(' '),
  );
  const lines = read('tidemark.env')
    .split('\n')
    .filter((line) => /^[A-Z]/.test(line));
  const env = [...settings, ...lines].map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]);
  expect(loadConfig(Object.fromEntries(env))).toMatchObject({
    dataDir: '/var/lib/tidemark',
    secretKeyFile: '%d/secret.key',
    logins: { tokens: true },
  });
  expect(read(name)).toContain(`dist/main.js ${/tidemark-(\w+)/.exec(name)?.[1]}\n`);
});

describe.skipIf(skipWithout('systemd-analyze'))('systemd', () => {
  let installed: string;
  beforeAll(() => {
    installed = mkdtempSync(join(tmpdir(), 'tidemark-units-'));
    for (const name of units)
      writeFileSync(join(installed, name), read(name).replaceAll('/opt/tidemark', projectRoot));
  });
  afterAll(() => rmSync(installed, { recursive: true, force: true }));

  function analyze(...args: readonly string[]): { status: number | null; output: string } {
    const { status, stdout, stderr } = spawnSync(findPeer('systemd-analyze') ?? 'systemd-analyze', args, {
      encoding: 'utf8',
      cwd: installed,
    });
    return { status, output: stdout + stderr };
  }

  test('accepts every unit, and finds the program and the folders', () => {
    const instances = units.map((name) => name.replace('@.', '@1.'));
    expect(analyze('verify', '--man=no', ...instances.map((name) => `./${name}`))).toEqual({
      status: 0,
      output: '',
    });
  });

  test('rates the exposure of each service as low', () => {
    for (const name of services) {
      const { status, output } = analyze('security', '--offline=yes', '--threshold=20', `./${name}`);
      expect({ name, status, rating: /Overall exposure level.*: ([0-9.]+)/.exec(output)?.[1] }).toMatchObject(
        { name, status: 0 },
      );
    }
  });
});
