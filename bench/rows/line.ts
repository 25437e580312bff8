/** What the proxy that stands for a line does to requests: what was asked of it, and what it costs by itself. */
import type { Bench } from '../bench.ts';
import { warmUp } from '../corpora.ts';
import type { Findings } from '../report.ts';
import { lines } from '../scenes.ts';
import { median, spread } from '../statistics.ts';
import { loadUrls, startLine } from '../tool.ts';
import type { Line } from '../tool.ts';
import { layersOf } from './sync.ts';

const measured: readonly { readonly name: string; readonly line?: Line; readonly blobs: number }[] = [
  { name: 'no proxy', blobs: 16 },
  { name: 'no delay, no limit', line: { roundTripMs: 0, megabits: 0 }, blobs: 16 },
  { name: '20 ms, 1 Gbit/s', line: lines['20ms'], blobs: 16 },
  { name: '80 ms, 100 Mbit/s', line: lines['80ms'], blobs: 4 },
];
const requests = 50;

export async function runLineRow(bench: Bench): Promise<Findings> {
  if (!bench.wants('line')) return { sections: [], goals: [] };
  const layers = await layersOf(bench, warmUp.name, ['b0', 'b1', 'b2', 'b3']);
  const rows: string[][] = [];
  for (const { name, line, blobs } of measured) {
    const answers: number[] = [];
    const rates: number[] = [];
    for (let round = 1; round <= bench.rounds; round += 1) {
      const proxy = line === undefined ? undefined : await startLine(bench.upstream.host, line);
      const { url } = proxy ?? bench.upstream;
      const small = await loadUrls([`${url}/v2/`], { clients: 1, requests });
      answers.push((small.seconds / requests) * 1000);
      const urls = layers.map((digest) => `${url}/v2/${warmUp.name}/blobs/${digest}`);
      const large = await loadUrls(urls, { clients: 8, requests: blobs });
      rates.push((large.bytes * 8) / 1e6 / large.seconds);
      await proxy?.stop();
    }
    bench.log(`line: ${name}: ${median(answers).toFixed(1)} ms, ${median(rates).toFixed(0)} Mbit/s`);
    rows.push([name, spread(answers, 1), spread(rates, 0), String(bench.rounds)]);
  }
  return {
    sections: [
      {
        title: 'The line',
        text: 'The proxy before docker-registry, without any tool.',
        columns: ['line', 'ms a request', 'Mbit/s', 'n'],
        rows,
        notes: [
          `Requests: ${requests} times \`/v2/\` one after the other on one connection, whose set-up is in the mean. Rate: blobs of 25 MB by 8 clients.`,
        ],
      },
    ],
    goals: [],
  };
}
