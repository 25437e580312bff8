import { chmod, chown, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { closeDataFolder } from '../../src/processes/data-folder.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tidemark-data-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const logger = pino({ level: 'silent' });
const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

test('a data folder is made for its user alone', async () => {
  const made = join(root, 'data');
  await closeDataFolder(made, logger);
  expect(await modeOf(made)).toBe(0o700);
});

test('one that an older version left open is closed', async () => {
  await mkdir(join(root, 'blobs', 'sha256'), { recursive: true });
  for (const name of ['', 'blobs', 'blobs/sha256']) await chmod(join(root, name), 0o755);
  await closeDataFolder(root, logger);
  for (const name of ['', 'blobs', 'blobs/sha256']) expect(await modeOf(join(root, name))).toBe(0o700);
});

test('the user that PostgreSQL runs as may traverse the data folder', async ({ skip }) => {
  if (process.getuid?.() !== 0) skip('needs root: an ordinary user runs PostgreSQL itself');
  await mkdir(join(root, 'postgres'));
  await chown(join(root, 'postgres'), 65_534, 65_534);
  await chmod(root, 0o755);
  await closeDataFolder(root, logger);
  expect(await modeOf(root)).toBe(0o711);
});
