import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import type { Config } from '../../src/config.ts';
import { startEmbedded } from '../../src/embedded/start-embedded.ts';
import { stopAbandonedServers } from '../support/servers/abandoned-servers.ts';

let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'tidemark-embedded-'));
});

afterEach(async () => {
  await stopAbandonedServers(dataDir);
  await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
});

function configWith(env: NodeJS.ProcessEnv): Config {
  const { TIDEMARK_CACHE, XDG_CACHE_HOME } = process.env;
  return loadConfig({ TIDEMARK_CACHE, XDG_CACHE_HOME, TIDEMARK_DATA: dataDir, ...env });
}

test('both servers answer, each says so in one line, and no line holds the password', async () => {
  const lines: string[] = [];
  const servers = await startEmbedded(configWith({}), (line) => lines.push(line));
  const client = new pg.Client({ connectionString: servers.databaseUrl });
  await client.connect();
  expect((await client.query('select current_database() as name')).rows).toEqual([{ name: 'tidemark' }]);
  await client.end();
  const connection = await Connection.connect({ address: servers.temporalAddress });
  await connection.close();
  const ui = new URL(servers.temporalUiUrl ?? '');
  expect(ui.hostname).toBe('127.0.0.1');
  expect((await fetch(ui)).status).toBe(200);
  expect(lines).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^PostgreSQL ready on 127\.0\.0\.1:\d+$/),
      expect.stringMatching(/^Temporal ready on 127\.0\.0\.1:\d+$/),
    ]),
  );
  expect(lines.join('\n')).not.toContain(new URL(servers.databaseUrl).password);
  await servers.stop();
  await expect(new pg.Client({ connectionString: servers.databaseUrl }).connect()).rejects.toThrow();
  await servers.stop();
});

test('a server that the environment names is used as it is, and nothing is started', async () => {
  const config = configWith({
    DATABASE_URL: 'postgresql://u:p@db.example/tm',
    TEMPORAL_ADDRESS: 'temporal.example:7233',
    TEMPORAL_UI_URL: 'https://ui.example',
  });
  const servers = await startEmbedded(config, () => undefined);
  expect(servers).toMatchObject({
    databaseUrl: 'postgresql://u:p@db.example/tm',
    temporalAddress: 'temporal.example:7233',
    temporalUiUrl: 'https://ui.example',
  });
  await servers.stop();
  expect(await readdir(dataDir)).toEqual([]);
});

test('when one cannot start the other is stopped, and the error says which', async () => {
  await writeFile(join(dataDir, 'temporal'), 'a file where the folder should be');
  await expect(startEmbedded(configWith({}), () => undefined)).rejects.toMatchObject({
    code: 'DATA_FOLDER_UNUSABLE',
    message: expect.stringContaining(join(dataDir, 'temporal')),
  });
  const cluster = await readdir(join(dataDir, 'postgres', 'cluster')).catch(() => []);
  expect(cluster).not.toContain('postmaster.pid');
});
