/** A whole embedded Tidemark on a data folder of its own, driven through its GraphQL API. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { subscribeGraphql } from '../src/cli/graphql-client.ts';

export const mainProgram = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const startTimeoutMs = 60_000;

export interface Tidemark {
  readonly dataDir: string;
  /** Of the process that is API and worker. */
  readonly pid: number;
  readonly apiUrl: string;
  readonly environment: NodeJS.ProcessEnv;
  /** From the command to the first 200 of /readyz. */
  readonly readySeconds: number;
  query<T>(text: string, variables?: Readonly<Record<string, unknown>>): Promise<T>;
  /** The events of a subscription, as the command line reads them. */
  follow<T>(text: string, variables: Readonly<Record<string, unknown>>): AsyncIterable<T>;
  /** Ends it as Ctrl-C does; the data folder stays. */
  stop(): Promise<void>;
}

export async function newDataFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'tidemark-bench-data-'));
}

export async function removeFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 5 });
}

/** `tidemark start` on a data folder; with `command` another command that comes to the same, as `npm start`. */
export async function startTidemark(
  dataDir: string,
  settings: NodeJS.ProcessEnv = {},
  command: readonly [string, ...string[]] = [process.execPath, mainProgram, 'start'],
): Promise<Tidemark> {
  const environment = {
    ...process.env,
    LOG_LEVEL: 'error',
    TIDEMARK_PORT: '0',
    ...settings,
    TIDEMARK_DATA: dataDir,
  };
  const log = await open(join(dataDir, 'bench.log'), 'a');
  const started = performance.now();
  const [program, ...args] = command;
  const child = spawn(program, args, { env: environment, stdio: ['ignore', log.fd, log.fd] });
  const { apiUrl, pid } = await whenReady(dataDir, child);
  const readySeconds = (performance.now() - started) / 1000;
  await log.close();
  return {
    dataDir,
    pid,
    apiUrl,
    environment,
    readySeconds,
    query: (text, variables) => ask(apiUrl, text, variables),
    follow: (query, variables) => subscribeGraphql(apiUrl, { query, variables }),
    async stop() {
      process.kill(pid, 'SIGTERM');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}

/** The process is the one that the server's own note names: behind `npm start` there are others before it. */
async function whenReady(dataDir: string, child: ChildProcess): Promise<{ apiUrl: string; pid: number }> {
  for (const giveUpAt = performance.now() + startTimeoutMs; performance.now() < giveUpAt;) {
    try {
      const note = JSON.parse(await readFile(join(dataDir, 'server.json'), 'utf8')) as {
        apiUrl: string;
        pid: number;
      };
      if ((await fetch(new URL('/readyz', note.apiUrl))).ok) return note;
    } catch {
      // not there yet
    }
    if (child.exitCode !== null) break;
    await sleep(10);
  }
  const said = await readFile(join(dataDir, 'bench.log'), 'utf8');
  throw new Error(`Tidemark was not ready within ${startTimeoutMs / 1000} s:\n${said.slice(-2_000)}`);
}

async function ask<T>(
  apiUrl: string,
  query: string,
  variables?: Readonly<Record<string, unknown>>,
): Promise<T> {
  const response = await fetch(new URL('/graphql', apiUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data: T; errors?: unknown };
  if (errors !== undefined) throw new Error(JSON.stringify(errors));
  return data;
}
