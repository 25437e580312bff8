/**
 * The users of an embedded server: a file for each Tidemark process that started or adopted it. A lock protects its start and stop. The files of
 * killed processes are ignored.
 */
import { createHash, randomUUID } from 'node:crypto';
import { link, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { processRuns, processStartToken } from './process-info.ts';

const LOCK_POLL_MS = 20;

/** Runs `work` under a lock of all processes. The lock of a killed process is taken over. The folder of `path` must exist. */
export async function withProcessLock<T>(
  path: string,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const mine = `${path}.${randomUUID()}`;
  await writeFile(mine, await describeThisProcess());
  try {
    while (!(await tryLink(mine, path))) {
      signal?.throwIfAborted();
      await takeAwayStaleLock(path, mine);
      await sleep(LOCK_POLL_MS, undefined, signal === undefined ? {} : { signal });
    }
  } finally {
    await rm(mine, { force: true });
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

/** Registers this process as a user. @returns a function that undoes it. */
export async function registerUser(folder: string): Promise<() => Promise<void>> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, randomUUID());
  await writeFile(path, await describeThisProcess());
  return () => rm(path, { force: true });
}

/** Counts the live users, and removes the files of dead ones. */
export async function countUsers(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  const alive = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      if (await describesLiveProcess(await readText(path))) return 1;
      await rm(path, { force: true });
      return 0;
    }),
  );
  return alive.reduce<number>((sum, one) => sum + one, 0);
}

/**
 * Starts or adopts a server, and registers this process as its user.
 * @returns the server with a `stop` that ends it after its last user. Safe to call twice.
 */
export async function useServer<T>(
  { lock, users }: { readonly lock: string; readonly users: string },
  signal: AbortSignal | undefined,
  server: {
    /** Before the registration. */
    readonly prepare?: () => Promise<void>;
    readonly start: () => Promise<T>;
    readonly end: () => Promise<void>;
  },
): Promise<T & { stop(): Promise<void> }> {
  return withProcessLock(lock, signal, async () => {
    await server.prepare?.();
    const unregister = await registerUser(users);
    const stop = () =>
      withProcessLock(lock, undefined, async () => {
        await unregister();
        if ((await countUsers(users)) === 0) await server.end();
      });
    try {
      return { ...(await server.start()), stop };
    } catch (error) {
      await unregister();
      throw error;
    }
  });
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Removes the lock of a dead process. Whoever links the claim, which is named after the content of that lock, alone may remove it. So a lock that
 * another process has taken meanwhile stays.
 */
async function takeAwayStaleLock(path: string, mine: string): Promise<void> {
  const seen = await readText(path);
  if (seen === undefined || (await describesLiveProcess(seen))) return;
  const claim = `${path}.${createHash('sha256').update(seen).digest('hex').slice(0, 16)}.claim`;
  if (await tryLink(mine, claim)) {
    if ((await readText(path)) === seen) await rm(path, { force: true });
    await rm(claim, { force: true });
  } else if (!(await describesLiveProcess(await readText(claim)))) {
    await rm(claim, { force: true });
  }
}

async function describeThisProcess(): Promise<string> {
  const startToken = (await processStartToken(process.pid)) ?? '';
  return JSON.stringify({ pid: process.pid, startToken, nonce: randomUUID() });
}

async function describesLiveProcess(text: string | undefined): Promise<boolean> {
  const owner = parseOwner(text);
  if (owner === undefined || !(await processRuns(owner.pid))) return false;
  return ((await processStartToken(owner.pid)) ?? '') === owner.startToken;
}

function parseOwner(text: string | undefined): { pid: number; startToken: string } | undefined {
  try {
    const value = JSON.parse(text ?? '') as { pid?: unknown; startToken?: unknown };
    if (typeof value.pid !== 'number' || typeof value.startToken !== 'string') return undefined;
    return { pid: value.pid, startToken: value.startToken };
  } catch {
    return undefined;
  }
}

async function readText(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined);
}
