/** How many statements a sync of `small` sends that changes nothing. */
import type { Bench } from '../bench.ts';
import { openSyncLog } from '../logged-sync.ts';
import type { Findings } from '../report.ts';
import { median, spread } from '../statistics.ts';
import { createMirror, timeSync } from '../sync.ts';
import { newDataFolder, removeFolder, startTidemark } from '../tidemark.ts';
import { warm } from './sync.ts';

const syncs = 5;
const goal = 25;

export async function runStatementsRow(bench: Bench): Promise<Findings> {
  if (!bench.wants('statements')) return { sections: [], goals: [] };
  const dataDir = await newDataFolder();
  const tidemark = await startTidemark(dataDir);
  try {
    await warm(bench, tidemark);
    const { url } = bench.upstream;
    const mirror = await createMirror(tidemark, { name: 'small', url, upstreamName: 'small' });
    await timeSync(tidemark, mirror);
    const log = await openSyncLog(tidemark);
    const counts = { all: [] as number[], transactions: [] as number[] };
    for (let number = 0; number < syncs; number += 1) {
      const { statements } = await log.sync({ repositoryId: mirror.repositoryId });
      counts.all.push(statements.length);
      counts.transactions.push(statements.filter(({ text }) => /^(begin|commit)/i.test(text)).length);
    }
    await log.close();
    bench.log(`statements: ${counts.all.join(', ')}`);
    return {
      sections: [
        {
          title: 'Statements of a sync that changes nothing',
          text: '`small`: all that PostgreSQL logs from the mutation to the end of the workflow.',
          columns: ['statements', 'of them begin and commit', 'n'],
          rows: [[spread(counts.all, 0), spread(counts.transactions, 0), String(syncs)]],
        },
      ],
      goals: [
        {
          work: 'statements of a sync that changes nothing',
          goal: `≤ ${goal}`,
          measured: String(median(counts.all)),
          isMet: median(counts.all) <= goal,
        },
      ],
    };
  } finally {
    await tidemark.stop();
    await removeFolder(dataDir);
  }
}
