/**
 * Watches the event loop of each test file, where the API and the worker of the harness run too: how long one turn kept it busy. Time is
 * the thread's own, so that a machine with other work to do makes no stall; what the garbage collector took is no stall either.
 */
import { appendFileSync } from 'node:fs';
import { PerformanceObserver } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, inject } from 'vitest';

const everyMs = 20;
/** Turns below it are not told of. */
const toldMs = 50;
/** `TIDEMARK_STALL_LIMIT_MS=250`: a longer one fails the test that it came in. */
const limitMs = Number(process.env['TIDEMARK_STALL_LIMIT_MS'] ?? Infinity);

let usage = process.threadCpuUsage();
let gcMs = 0;
let longestMs = 0;

function busySince(): number {
  const { user, system } = process.threadCpuUsage(usage);
  usage = process.threadCpuUsage();
  return (user + system) / 1_000;
}

new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) gcMs += duration;
}).observe({ entryTypes: ['gc'] });

setInterval(() => {
  longestMs = Math.max(longestMs, busySince());
}, everyMs).unref();

beforeEach(() => {
  busySince();
  gcMs = 0;
  longestMs = 0;
});

afterEach(async ({ task }) => {
  longestMs = Math.max(longestMs, busySince());
  if (longestMs < toldMs) return;
  // what the collector took is told a turn later
  await sleep(1);
  const stallMs = Math.round(longestMs - gcMs);
  if (stallMs < toldMs) return;
  appendFileSync(
    inject('stallLog'),
    `${JSON.stringify({ file: task.file.name, test: task.name, stallMs })}\n`,
  );
  if (stallMs > limitMs)
    throw new Error(
      `A turn of the event loop took ${stallMs} ms of processor time; at most ${limitMs} are accepted.`,
    );
});
