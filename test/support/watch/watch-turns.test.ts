import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { longestTurnMs, watchTurns } from './watch-turns.ts';

/** Keeps the thread busy for so much of its own processor time. */
function work(ms: number): void {
  const before = process.threadCpuUsage();
  for (let sum = 0; ;) {
    // asked seldom: each answer is an object, and collections are not counted
    for (let spin = 0; spin < 500_000; spin += 1) sum += spin;
    const { user, system } = process.threadCpuUsage(before);
    if ((user + system) / 1_000 >= ms) return;
  }
}

test('a turn that keeps the thread busy is seen', async () => {
  const longestMs = await longestTurnMs(async () => {
    await sleep(5);
    work(150);
    await sleep(5);
  });
  expect(longestMs).toBeGreaterThanOrEqual(100);
});

test('the same work in slices is none, and nor is waiting', async () => {
  const longestMs = await longestTurnMs(async () => {
    for (let slice = 0; slice < 15; slice += 1) {
      work(10);
      await sleep(2);
    }
    await sleep(200);
  });
  expect(longestMs).toBeLessThan(100);
});

test('long work outside of the watch is no turn', async () => {
  const watch = watchTurns({ everyMs: 1, notedMs: 1 });
  await watch.without(async () => {
    work(150);
    await sleep(5);
    work(150);
  });
  expect(await watch.longestMs()).toBeLessThan(100);
  watch.stop();
});
