/** Shared by the embedded servers: log file, detached process, port, shutdown. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { access, chmod, constants, mkdir, open, realpath, rename, stat } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { TidemarkError } from '../oci/error.ts';
import { processRuns } from './process-info.ts';

const LOG_FILE_LIMIT_BYTES = 10 * 1024 * 1024;
const POLL_MS = 10;

export interface DetachedCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly logFile: string;
  /** Default: the user of this process. */
  readonly user?: { readonly uid: number; readonly gid: number };
}

/** Starts a process in its own session, which Ctrl-C does not reach. */
export async function spawnDetached(options: DetachedCommand): Promise<ChildProcess> {
  await rotate(options.logFile);
  const log = await open(options.logFile, 'a', 0o600);
  try {
    const child = spawn(options.command, options.args, {
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      env: options.env ?? process.env,
      ...options.user,
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    return child;
  } finally {
    await log.close();
  }
}

/** Creates a folder if it is missing. Throws `DATA_FOLDER_UNUSABLE`. @returns its real path. */
export async function makeFolder(path: string, mode: number): Promise<string> {
  try {
    // The umask may exclude the user of PostgreSQL.
    if ((await mkdir(path, { recursive: true, mode })) !== undefined) await chmod(path, mode);
    const found = await realpath(path);
    await access(found, constants.W_OK | constants.X_OK);
    return found;
  } catch (cause) {
    throw new TidemarkError(
      'DATA_FOLDER_UNUSABLE',
      `The folder ${path} is not usable: ${(cause as Error).message}. ` +
        'Make it writable for this user, or set TIDEMARK_DATA to another folder.',
      { origin: 'caller', cause },
    );
  }
}

/** The last lines of a log file, from at most 16 KiB, for messages. */
export async function lastLines(path: string, lines = 8): Promise<string> {
  const handle = await open(path, 'r').catch(() => undefined);
  if (handle === undefined) return '';
  try {
    const { size } = await handle.stat();
    const buffer = Buffer.alloc(Math.min(size, 16 * 1024));
    await handle.read(buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString('utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } finally {
    await handle.close();
  }
}

const RELEASE_MS = 1_000;
const RELEASE_POLL_MS = 20;

/**
 * The server's former port, where clients reconnect. A killed process may hold it for a moment; after a second, another port is chosen.
 */
export async function formerPort(former: number): Promise<number> {
  const giveUpAt = performance.now() + RELEASE_MS;
  while ((await listensBriefly(former)) === undefined) {
    if (performance.now() > giveUpAt) return freePort();
    await sleep(RELEASE_POLL_MS);
  }
  return former;
}

/** The preferred port if it is free on 127.0.0.1, else any free one. */
export async function freePort(preferred?: number): Promise<number> {
  if (preferred !== undefined && (await listensBriefly(preferred)) !== undefined) return preferred;
  const port = await listensBriefly(0);
  if (port === undefined) throw new Error('No free TCP port was found on 127.0.0.1.');
  return port;
}

/** Whether something accepts connections at 127.0.0.1:`port`. */
export async function portAnswers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port, timeout: 1_000 });
    const finish = (answers: boolean): void => {
      socket.destroy();
      resolve(answers);
    };
    socket.once('connect', () => finish(true));
    socket.once('timeout', () => finish(false));
    socket.once('error', () => finish(false));
  });
}

/** A signal, and the time before the next one. */
export interface EndStep {
  readonly signal: NodeJS.Signals;
  readonly waitMs: number;
}

/** Sends the signals in order until the process is gone. */
export async function endProcess(pid: number, steps: readonly EndStep[]): Promise<void> {
  for (const step of steps) {
    try {
      process.kill(pid, step.signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return;
      throw error;
    }
    if (await waitForEnd(pid, step.waitMs)) return;
  }
  throw new Error(`Process ${pid} still runs after ${steps.map((step) => step.signal).join(', ')}.`);
}

async function waitForEnd(pid: number, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (await processRuns(pid)) {
    if (performance.now() > deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}

async function listensBriefly(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => {
      const address = server.address();
      const taken = typeof address === 'object' ? address?.port : undefined;
      server.close(() => resolve(taken));
    });
  });
}

async function rotate(logFile: string): Promise<void> {
  const size = await stat(logFile).then(
    (found) => found.size,
    () => 0,
  );
  if (size > LOG_FILE_LIMIT_BYTES) await rename(logFile, `${logFile}.1`);
}
