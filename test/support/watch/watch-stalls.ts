/**
 * Watches the event loop of each test file, where the API and the worker of the harness run too: a turn that keeps it busy for too long
 * fails the test that it came in.
 */
import { appendFileSync } from 'node:fs';
import { afterEach, beforeEach, inject } from 'vitest';
// modules are shared by the files of a process: once
import '../equal-bytes.ts';
import { beginFile, beginTest, fileTurns, stallAllowance, toldMs } from './allow-stalls.ts';

const limitMs = 250;

beginFile();
beforeEach(beginTest);

afterEach(async ({ task }) => {
  const stallMs = Math.round(await fileTurns.longestMs());
  if (stallMs < toldMs) return;
  const allowance = stallAllowance();
  appendFileSync(
    inject('stallLog'),
    `${JSON.stringify({ file: task.file.name, test: task.name, stallMs, allowed: allowance?.reason })}\n`,
  );
  const surelyMs = Math.round(await fileTurns.surelyMs());
  if (surelyMs > (allowance?.ms ?? limitMs))
    throw new Error(
      `A turn of the event loop took ${surelyMs} ms of processor time; at most ${allowance?.ms ?? limitMs} are accepted. ` +
        'Cut the work into slices, or do it on a thread of its own. Where the test itself does the work, name it with allowStalls.',
    );
});
