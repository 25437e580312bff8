/** How long `npm start` takes until the server is ready, on an empty data folder and on one that is there. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../bench.ts';
import { findStackProcesses, stackBytes } from '../processes.ts';
import type { Findings } from '../report.ts';
import { median, memoryGoal, spread } from '../statistics.ts';
import { newDataFolder, removeFolder, startTidemark } from '../tidemark.ts';

const again = { goal: 3 };
const idle = { afterMs: 5_000, goalMegabytes: 450 };

export async function runStartRow(bench: Bench): Promise<Findings> {
  if (!bench.wants('start')) return { sections: [], goals: [] };
  // a checkout whose dependencies are not its own is not to be prepared by npm start
  const throughNpm = process.env['npm_execpath'] !== undefined;
  const shown = throughNpm ? 'npm start' : 'node dist/main.js start';
  const times: Record<'first' | 'later', number[]> = { first: [], later: [] };
  const idleBytes: number[] = [];
  for (let round = 1; round <= bench.rounds; round += 1) {
    const dataDir = await newDataFolder();
    for (const kind of ['first', 'later'] as const) {
      const tidemark = await (throughNpm
        ? startTidemark(dataDir, {}, ['npm', 'start'])
        : startTidemark(dataDir));
      times[kind].push(tidemark.readySeconds);
      if (kind === 'later') idleBytes.push(await measureIdle(dataDir, tidemark.pid));
      await tidemark.stop();
    }
    await removeFolder(dataDir);
  }
  bench.log(`start to ready: first ${spread(times.first)}, later ${spread(times.later)}`);
  return {
    sections: [
      {
        title: 'Start to ready',
        text: `\`${shown}\`, installed and built, until /readyz answers 200: PostgreSQL, Temporal, the API and a worker.`,
        columns: ['start', 'seconds', 'n'],
        rows: [
          ['the first, on an empty data folder', spread(times.first), String(times.first.length)],
          ['again', spread(times.later), String(times.later.length)],
        ],
        notes: [
          `Idle for ${idle.afterMs / 1000} s after the later start, all processes have ${spread(
            idleBytes.map((bytes) => bytes / 1e6),
            0,
          )} MB.`,
        ],
      },
    ],
    goals: [
      {
        work: `\`${shown}\` again, to ready`,
        goal: `≤ ${again.goal} s`,
        measured: `${median(times.later).toFixed(2)} s`,
        isMet: median(times.later) <= again.goal,
      },
      memoryGoal('memory of the whole embedded stack, idle', median(idleBytes), idle.goalMegabytes),
    ],
  };
}

async function measureIdle(dataDir: string, pid: number): Promise<number> {
  const processes = await findStackProcesses(dataDir, pid);
  await sleep(idle.afterMs);
  return stackBytes(processes);
}
