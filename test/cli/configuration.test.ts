/** `tidemark plan`, `apply` and `export-config` against a running server, which is killed in the middle of applies. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openLauncher } from '../support/program/launcher.ts';
import type { Launcher } from '../support/program/launcher.ts';

// each command is a process of its own, which a busy machine starts slowly
vi.setConfig({ testTimeout: 900_000, hookTimeout: 300_000 });

let launcher: Launcher;
let server: ReturnType<Launcher['launch']>;

beforeAll(async () => {
  launcher = await openLauncher();
  server = await start();
});

afterAll(async () => {
  server?.child.kill('SIGTERM');
  await server?.ended;
  await launcher.close();
});

async function start(): Promise<ReturnType<Launcher['launch']>> {
  const started = launcher.launch('start');
  await started.says('Stop with Ctrl-C');
  return started;
}

async function write(name: string, text: string): Promise<string> {
  const path = join(launcher.dataDir, name);
  await writeFile(path, text);
  return path;
}

const nginx = `name: production
repositories:
  - name: mirror/nginx
    remote: {url: https://registry.example, upstreamName: library/nginx, includeTags: ['1.27*']}
    schedules: [{cron: '0 3 * * *', timeZone: Europe/Berlin}]
distributions:
  - {basePath: prod/nginx, repository: mirror/nginx}
`;

test('plan shows, apply makes, and a plan after it is empty', async () => {
  const path = await write('nginx.yaml', nginx);
  const planned = await launcher.succeed('plan', '-f', path);
  expect(planned.stdout).toMatch(
    /^\+ remote mirror\/nginx\n[^]*\+ repository mirror\/nginx\n[^]*\+ schedule mirror\/nginx\n[^]*\+ distribution prod\/nginx\n[^]*4 to create, 0 to change, 0 to delete/,
  );
  expect((await launcher.succeed('repositories', '--json')).stdout).not.toContain('mirror/nginx');
  expect((await launcher.succeed('apply', '-f', path)).stdout).toContain('4 changes made.');
  expect((await launcher.succeed('plan', '-f', path)).stdout).toBe(
    'The server is as the configuration says; nothing to do.\n',
  );
  const changed = await write('nginx.yaml', nginx.replace('1.27*', '1.28*'));
  const update = await launcher.succeed('plan', '-f', changed, '--json');
  expect(JSON.parse(update.stdout)).toMatchObject({
    errors: [],
    changes: [
      {
        action: 'UPDATE',
        kind: 'REMOTE',
        fields: [{ field: 'includeTags', from: ['1.27*'], to: ['1.28*'] }],
      },
    ],
  });
});

test('mistakes have their line, whoever finds them', async () => {
  const shape = await launcher.run(
    'plan',
    '-f',
    await write('shape.yaml', nginx.replace('includeTags', 'includeTag')),
  );
  expect(shape).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/shape\.yaml:4:86: "includeTag" is not a field/),
  });
  const rules = await launcher.run(
    'apply',
    '-f',
    await write('rules.yaml', nginx.replace('0 3 * * *', 'at noon')),
  );
  expect(rules).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/rules\.yaml:5:24: cron is "at noon"/),
  });
});

test('what is exported is what the server has', async () => {
  await launcher.succeed('apply', '-f', await write('nginx.yaml', nginx));
  const path = join(launcher.dataDir, 'exported.yaml');
  await launcher.succeed('export-config', '--name', 'production', '-o', path);
  expect(await readFile(path, 'utf8')).toContain('upstreamName: library/nginx');
  expect((await launcher.succeed('plan', '-f', path)).stdout).toContain('nothing to do');
});

test('an apply that is killed leaves whole repositories, and is completed by the next', async () => {
  const count = 60;
  const entries = Array.from(
    { length: count },
    (_, index) =>
      `  - {name: killed/r${index}, remote: {url: 'https://registry.example', upstreamName: a/r${index}}, schedules: [{intervalSeconds: 86400}]}`,
  );
  const path = await write('many.yaml', `name: many\nrepositories:\n${entries.join('\n')}\n`);
  const kills = Number(process.env['APPLY_KILLS'] ?? 2);
  for (let killed = 0; killed < kills; killed += 1) {
    const applying = launcher.launch('apply', '-f', path);
    // anywhere in the apply: before, in the rehearsal, between two repositories, after
    await sleep(600 + Math.random() * 2_500);
    server.child.kill('SIGKILL');
    await Promise.all([server.ended, applying.ended]);
    server = await start();
    const { nodes } = JSON.parse(
      (await launcher.succeed('repositories', '--all', '--json')).stdout,
    ).repositories;
    const made = (nodes as { name: string; remote: unknown }[]).filter(({ name }) =>
      name.startsWith('killed/'),
    );
    expect(made.every(({ remote }) => remote !== null)).toBe(true);
    if (killed % 2 === 1)
      await launcher.succeed('apply', '-f', await write('none.yaml', 'name: many\n'), '--prune');
  }
  await launcher.succeed('apply', '-f', path);
  expect((await launcher.succeed('plan', '-f', path, '--prune')).stdout).toContain('nothing to do');
});
