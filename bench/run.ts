/**
 * `npm run bench -- [--rows small,big-20ms,…] [--rounds 5] [--repositories 300] [--no-peers]`: measures Tidemark beside what a user would take instead, on one
 * machine and one upstream, and writes bench/RESULTS.md. With --rows it prints what it found, and leaves the file alone.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startDockerRegistry } from '../test/interop/peers.ts';
import { createBench } from './bench.ts';
import { corpora, pushCorpus, warmUp } from './corpora.ts';
import type { CorpusName } from './corpora.ts';
import { peerVersions } from './peers.ts';
import { formatReport } from './report.ts';
import type { Findings } from './report.ts';
import { rowNames, syncRows } from './rows.ts';
import type { RowName } from './rows.ts';
import { runConsoleRow } from './rows/console.ts';
import { runDifferenceRow } from './rows/difference.ts';
import { runEstateRows } from './rows/estate.ts';
import { runGrowthRows } from './rows/growth.ts';
import { runLineRow } from './rows/line.ts';
import { runProxiesRow } from './rows/proxies.ts';
import { runReadyzRow } from './rows/readyz.ts';
import { runS3Row } from './rows/s3.ts';
import { runServeRows } from './rows/serve.ts';
import { runStartRow } from './rows/start.ts';
import { runStatementsRow } from './rows/statements.ts';
import { reportSyncs } from './rows/sync-report.ts';
import { runSyncRows } from './rows/sync.ts';
import { runWorkersRow } from './rows/workers.ts';
import { removeFolder } from './tidemark.ts';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: rowNames.join(',') },
    rounds: { type: 'string', default: '5' },
    // of an estate; fewer for a quick look
    repositories: { type: 'string', default: '300' },
    peers: { type: 'boolean', default: true },
  },
  allowNegative: true,
});
const started = performance.now();
const rows = new Set(values.rows.split(',').map(toRowName));
execFileSync('bash', [fileURLToPath(new URL('../scripts/install-peers.sh', import.meta.url)), '--bench'], {
  stdio: ['ignore', 'inherit', 'inherit'],
});
const folder = await mkdtemp(join(tmpdir(), 'tidemark-bench-'));
const storage = join(folder, 'upstream');
const upstream = await startDockerRegistry({ storage });
try {
  const bytes = await fill(upstream.url);
  const bench = createBench({
    upstream,
    storage,
    bytes,
    folder,
    rows,
    rounds: Number(values.rounds),
    repositories: Number(values.repositories),
    withPeers: values.peers,
  });
  const findings: Findings[] = [
    await runStartRow(bench),
    reportSyncs(bench, await runSyncRows(bench)),
    await runEstateRows(bench),
    await runLineRow(bench),
    await runStatementsRow(bench),
    await runServeRows(bench),
    await runS3Row(bench),
    await runProxiesRow(bench),
    await runReadyzRow(bench),
    await runGrowthRows(bench),
    await runDifferenceRow(bench),
    await runConsoleRow(bench),
    await runWorkersRow(bench),
  ];
  const isWhole = rows.size === rowNames.length && values.peers && values.repositories === '300';
  const report = formatReport(findings, {
    command: `npm run bench${isWhole ? '' : ` -- --rows ${values.rows}`}`,
    versions: await peerVersions(),
    minutes: (performance.now() - started) / 60_000,
  });
  if (isWhole) await writeFile(new URL('RESULTS.md', import.meta.url), report);
  console.log(report);
} finally {
  await upstream.stop();
  await removeFolder(folder);
}

function toRowName(text: string): RowName {
  const found = rowNames.find((name) => name === text);
  if (found === undefined)
    throw new Error(`There is no row ${JSON.stringify(text)}; expected some of ${rowNames.join(', ')}.`);
  return found;
}

/** Pushes the corpora that the wanted rows read; returns their bytes. */
async function fill(url: string): Promise<Map<CorpusName, number>> {
  const alsoReadBy: Partial<Record<CorpusName, readonly RowName[]>> = {
    small: ['estate', 'estate-20ms', 'unchanged1000', 'statements'],
    big: ['blobs', 's3'],
    manytags: ['manifests'],
    tags10k: ['graphql'],
  };
  console.log(`Filling docker-registry on ${url}`);
  await pushCorpus(url, warmUp);
  const bytes = new Map<CorpusName, number>();
  for (const corpus of Object.values(corpora)) {
    const readers = [
      ...syncRows.filter((row) => row.corpus === corpus.name).map(({ name }) => name),
      ...(alsoReadBy[corpus.name] ?? []),
    ];
    if (!readers.some((row) => rows.has(row))) continue;
    bytes.set(corpus.name, await pushCorpus(url, corpus));
    console.log(`${corpus.name}: ${corpus.description}`);
  }
  return bytes;
}
