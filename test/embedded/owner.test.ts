import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { countUsers, registerUser, withProcessLock } from '../../src/embedded/owner.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-owner-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function endedPid(): Promise<number> {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
  await once(child, 'exit');
  return child.pid ?? 0;
}

test('one at a time, and no file remains', async () => {
  const lock = join(folder, 'lock');
  let inside = 0;
  let most = 0;
  const work = (): Promise<void> =>
    withProcessLock(lock, undefined, async () => {
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((resolve) => setTimeout(resolve, 5));
      inside -= 1;
    });
  await Promise.all(Array.from({ length: 8 }, work));
  expect(most).toBe(1);
  expect(await readdir(folder)).toEqual([]);
});

test('the lock of a killed process is taken over, by one', async () => {
  const lock = join(folder, 'lock');
  const dead = await endedPid();
  // each round is another chance for two to see the dead one at once
  for (let round = 1; round <= 20; round += 1) {
    await writeFile(lock, JSON.stringify({ pid: dead, startToken: '1', round }));
    let inside = 0;
    const order: number[] = [];
    const work = (n: number) => async () => {
      inside += 1;
      expect(inside).toBe(1);
      await readdir(folder);
      order.push(n);
      inside -= 1;
    };
    await Promise.all([1, 2, 3].map((n) => withProcessLock(lock, undefined, work(n))));
    expect(new Set(order)).toEqual(new Set([1, 2, 3]));
    expect(await readdir(folder)).toEqual([]);
  }
});

test('a process id that another program has now does not hold the lock', async () => {
  const lock = join(folder, 'lock');
  await writeFile(lock, JSON.stringify({ pid: process.pid, startToken: 'of another process' }));
  expect(await withProcessLock(lock, undefined, async () => 'mine')).toBe('mine');
});

test('waiting for the lock can be cancelled', async () => {
  const lock = join(folder, 'lock');
  const abort = new AbortController();
  await withProcessLock(lock, undefined, async () => {
    const waiting = withProcessLock(lock, abort.signal, async () => 'never');
    abort.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow();
  });
  expect(await readdir(folder)).toEqual([]);
});

test('only live users count', async () => {
  const users = join(folder, 'users');
  const unregister = await registerUser(users);
  await registerUser(users);
  await writeFile(join(users, 'dead'), JSON.stringify({ pid: await endedPid(), startToken: '1' }));
  expect(await countUsers(users)).toBe(2);
  await unregister();
  expect(await countUsers(users)).toBe(1);
});
