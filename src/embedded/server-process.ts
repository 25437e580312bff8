/** What both embedded servers share: a log file, a process that outlives a killed parent, a port, an orderly end. */
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
  /** The user to run as, where it is not this process's own. */
  readonly user?: { readonly uid: number; readonly gid: number };
}

/** Starts a process in a session of its own, so that a Ctrl-C meant for Tidemark does not reach it. */
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

/** Makes a folder for state where it is missing, and answers its real path. Throws `DATA_FOLDER_UNUSABLE`. */
export async function makeFolder(path: string, mode: number): Promise<string> {
  try {
    // the umask would close it to the user that PostgreSQL may run as
    if ((await mkdir(path, { recursive: true, mode })) !== undefined) await chmod(path, mode);
    const found = await realpath(path);
    await access(found, constants.W_OK | constants.X_OK);
    return found;
  } catch (cause) {
    throw new TidemarkError(
      'DATA_FOLDER_UNUSABLE',
      `The folder ${path} cannot be used: ${(cause as Error).message}. ` +
        'Make it a folder that this user may write to, or set TIDEMARK_DATA to another one.',
      { origin: 'caller', cause },
    );
  }
}

/** The end of a log file, for a message: at most `lines` lines of the last 16 KiB; empty when there is none. */
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
 * The port that this server had before, as soon as it is free: a process that was just killed holds it for a moment, and clients
 * find the server again only there. After a second it counts as another program's, and another port is answered.
 */
export async function formerPort(former: number): Promise<number> {
  const giveUpAt = performance.now() + RELEASE_MS;
  while ((await listensBriefly(former)) === undefined) {
    if (performance.now() > giveUpAt) return freePort();
    await sleep(RELEASE_POLL_MS);
  }
  return former;
}

/** The preferred port when it is free on 127.0.0.1, else another that is. */
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

/** One signal to send, and how long the process has to end before the next one. */
export interface EndStep {
  readonly signal: NodeJS.Signals;
  readonly waitMs: number;
}

/** Ends a process, with harder signals as time passes; answers when it is gone. */
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
  throw new Error(`Process ${pid} is still there after ${steps.map((step) => step.signal).join(', ')}.`);
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
