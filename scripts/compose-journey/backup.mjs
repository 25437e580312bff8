/** Backup and restore, by the commands of docs/production.md. */
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { project } from './stack.mjs';

const databases = ['tidemark', 'temporal', 'temporal_visibility'];

export async function backUp(folder, { root, run, program, envFile, secretKey }) {
  await mkdir(folder, { recursive: true });
  const compose = composeTo({ root, run, program, envFile });
  for (const database of databases) {
    const dump = [
      'exec',
      '-T',
      'postgres',
      'pg_dump',
      '--username',
      'tidemark',
      '--format',
      'custom',
      database,
    ];
    await writeFile(join(folder, `${database}.dump`), await compose(dump, { secret: true }));
  }
  await copyFile(secretKey, join(folder, 'secret.key'));
  const archive = [
    'run',
    '--rm',
    '--no-deps',
    '-T',
    '--entrypoint',
    'tar',
    'api',
    '-C',
    '/data',
    '-cf',
    '-',
    '.',
  ];
  await writeFile(join(folder, 'blobs.tar'), await compose(archive, { secret: true }));
  const sizes = await Promise.all(
    [...databases.map((name) => `${name}.dump`), 'blobs.tar'].map((name) => stat(join(folder, name))),
  );
  return sizes.reduce((sum, { size }) => sum + size, 0);
}

/** Into a stack without volumes. PostgreSQL starts first; the others start after this. */
export async function restore(folder, { root, run, program, envFile }) {
  const compose = composeTo({ root, run, program, envFile });
  await compose(['up', '-d', '--wait', 'postgres'], { timeoutMs: 180_000 });
  for (const database of databases) {
    const load = [
      'exec',
      '-T',
      'postgres',
      'pg_restore',
      '--username',
      'tidemark',
      '--dbname',
      'postgres',
      '--create',
      '--clean',
      '--if-exists',
      '--exit-on-error',
    ];
    await compose(load, { input: createReadStream(join(folder, `${database}.dump`)) });
  }
  const unpack = ['run', '--rm', '--no-deps', '-T', '--entrypoint', 'tar', 'api', '-C', '/data', '-xf', '-'];
  await compose(unpack, { input: createReadStream(join(folder, 'blobs.tar')) });
}

/** Gives bytes, and takes a stream. */
function composeTo({ root, run, program, envFile }) {
  const common = ['--project-directory', root, '--env-file', envFile, '--project-name', project];
  const files = ['docker-compose.yml', 'scripts/compose-journey/stand-ins.yml'].flatMap((file) => [
    '-f',
    join(root, file),
  ]);
  return (args, options) => run(program, [...common, ...files, ...args], options);
}
