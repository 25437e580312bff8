/**
 * Who uses an embedded server: one small file for each Tidemark process that started or adopted it, and one lock under
 * which it is started and stopped. A file left by a killed process counts for nothing, because its process is gone.
 */
import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { processRuns, processStartToken } from './process-info.ts';

const LOCK_POLL_MS = 20;

/**
 * Runs `work` while no other process runs its own under the same `path`. Released when it ends; taken over when the
 * holder was killed. `path`'s folder must exist.
 */
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
      await takeAwayStaleLock(path, `${mine}.stale`);
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

/** Notes that this process uses the server; the answer takes the note back. */
export async function registerUser(folder: string): Promise<() => Promise<void>> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, randomUUID());
  await writeFile(path, await describeThisProcess());
  return () => rm(path, { force: true });
}

/** How many users are alive; the notes of dead ones are removed on the way. */
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

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function takeAwayStaleLock(path: string, aside: string): Promise<void> {
  const seen = await readText(path);
  if (seen === undefined || (await describesLiveProcess(seen))) return;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  // Another process may have replaced the stale lock between the look and the rename: then it is put back.
  if ((await readText(aside)) !== seen) await tryLink(aside, path);
  await rm(aside, { force: true });
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
