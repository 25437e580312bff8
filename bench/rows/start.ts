/** How long `npm start` takes until the server is ready, on an empty data folder and on one that is there. */
import type { Bench } from '../bench.ts';
import type { Findings } from '../report.ts';
import { median, spread } from '../statistics.ts';
import { newDataFolder, removeFolder, startTidemark } from '../tidemark.ts';

const again = { goal: 3 };

export async function runStartRow(bench: Bench): Promise<Findings> {
  if (!bench.wants('start')) return { sections: [], goals: [] };
  // a checkout whose dependencies are not its own is not to be prepared by npm start
  const throughNpm = process.env['npm_execpath'] !== undefined;
  const shown = throughNpm ? 'npm start' : 'node dist/main.js start';
  const times: Record<'first' | 'later', number[]> = { first: [], later: [] };
  for (let round = 1; round <= bench.rounds; round += 1) {
    const dataDir = await newDataFolder();
    for (const kind of ['first', 'later'] as const) {
      const tidemark = await (throughNpm
        ? startTidemark(dataDir, {}, ['npm', 'start'])
        : startTidemark(dataDir));
      times[kind].push(tidemark.readySeconds);
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
      },
    ],
    goals: [
      {
        work: `\`${shown}\` again, to ready`,
        goal: `≤ ${again.goal} s`,
        measured: `${median(times.later).toFixed(2)} s`,
        isMet: median(times.later) <= again.goal,
      },
    ],
  };
}
