/** One worker and two with 4 connections each, before an upstream that is slow per connection. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Bench } from '../bench.ts';
import { bigTimesFour, pushCorpus } from '../corpora.ts';
import { findTemporalAddress } from '../processes.ts';
import type { Findings } from '../report.ts';
import { databaseUrl } from '../statement-log.ts';
import { median, spread } from '../statistics.ts';
import { createMirror, timeSync } from '../sync.ts';
import { mainProgram, newDataFolder, removeFolder, startTidemark } from '../tidemark.ts';
import type { Tidemark } from '../tidemark.ts';
import { startSlowProxy } from '../tool.ts';

const connections = 4;
const bytesPerSecond = 40_000_000;
const roundsMax = 3;
const settings = { TIDEMARK_WORKER_CONNECTIONS: String(connections) };

export async function runWorkersRow(bench: Bench): Promise<Findings> {
  if (!bench.wants('workers')) return { sections: [], goals: [] };
  await pushCorpus(bench.upstream.url, bigTimesFour);
  const proxy = await startSlowProxy(bench.upstream.host, bytesPerSecond);
  const times: Record<1 | 2, number[]> = { 1: [], 2: [] };
  try {
    for (let round = 1; round <= Math.min(roundsMax, bench.rounds); round += 1)
      for (const workers of [1, 2] as const) {
        const seconds = await timeWith(workers, proxy.url);
        times[workers].push(seconds);
        bench.log(`workers: ${workers}: ${seconds.toFixed(1)} s`);
      }
  } finally {
    await proxy.stop();
  }
  const ratio = median(times[2]) / median(times[1]);
  return {
    sections: [
      {
        title: 'Two workers',
        text: `\`big\` ×4 (${bigTimesFour.description}) from an upstream of ${bytesPerSecond / 1e6} MB/s a connection; TIDEMARK_WORKER_CONNECTIONS=${connections}.`,
        columns: ['workers', 'seconds', 'n'],
        rows: ([1, 2] as const).map((workers) => [
          String(workers),
          spread(times[workers], 1),
          String(times[workers].length),
        ]),
      },
    ],
    goals: [
      {
        work: `two workers of ${connections} connections, slow upstream`,
        goal: '≤ 0.65 × the time of one',
        measured: `${ratio.toFixed(2)} × (${median(times[2]).toFixed(1)} s; ${median(times[1]).toFixed(1)} s)`,
        isMet: ratio <= 0.65,
      },
    ],
  };
}

async function timeWith(workers: 1 | 2, upstreamUrl: string): Promise<number> {
  const dataDir = await newDataFolder();
  const tidemark = await startTidemark(dataDir, settings);
  const second = workers === 2 ? await startSecondWorker(tidemark) : undefined;
  try {
    const { name } = bigTimesFour;
    const mirror = await createMirror(tidemark, { name, url: upstreamUrl, upstreamName: name });
    return (await timeSync(tidemark, mirror)).seconds;
  } finally {
    await second?.stop();
    await tidemark.stop();
    await removeFolder(dataDir);
  }
}

/** `tidemark worker` on the same PostgreSQL, Temporal and blob folder. */
async function startSecondWorker(tidemark: Tidemark): Promise<{ stop(): Promise<void> }> {
  const { dataDir, environment } = tidemark;
  const env = {
    ...environment,
    LOG_LEVEL: 'info',
    DATABASE_URL: await databaseUrl(dataDir),
    TEMPORAL_ADDRESS: await findTemporalAddress(dataDir),
  };
  const child = spawn(process.execPath, [mainProgram, 'worker'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const lines = createInterface(child.stdout);
  await new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => {
      if (line.includes('Worker ready')) resolve();
    });
    lines.once('close', () => reject(new Error('The second worker ended before it was ready.')));
  });
  return {
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}
