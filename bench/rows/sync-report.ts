/** The tables of the sync rows. */
import type { Bench } from '../bench.ts';
import { corpora } from '../corpora.ts';
import { peers } from '../peers.ts';
import type { Work } from '../peers.ts';
import type { Findings, Section } from '../report.ts';
import { syncRows } from '../rows.ts';
import type { SyncRow } from '../rows.ts';
import { scenes, secondsOfBytes } from '../scenes.ts';
import type { Scene } from '../scenes.ts';
import { median, megabytes, spread } from '../statistics.ts';
import { limitSeconds } from '../tool.ts';
import { syncGoals } from './sync-goals.ts';
import { fastestPeer, floorName, seconds, titleOf } from './sync-samples.ts';
import type { SyncSample } from './sync-samples.ts';

export function reportSyncs(bench: Bench, samples: readonly SyncSample[]): Findings {
  const sections: Section[] = [];
  for (const row of syncRows)
    for (const work of row.works) {
      const own = samples.filter((sample) => sample.row === row.name && sample.work === work);
      if (own.length > 0) sections.push(section(bench, row, work, own));
    }
  if (sections.length === 0) return { sections, goals: [] };
  const commands: Section = {
    title: 'Commands of the peers',
    columns: ['tool', 'command'],
    rows: peers.map(({ name, shown }) => [name, `\`${shown}\``]),
    notes: [
      `\`${floorName}\` is no peer but the floor: 8 parallel GETs of the layers, whose names it is told, hashed and written (bench/tool/get.go).`,
      `crane cp writes into a second docker-registry, whose processor time is not counted. A peer that takes half a minute or more runs in one round only, and is stopped after ${limitSeconds} s; a peer that was stopped is not tried on a longer line.`,
      'With plain HTTP the peers also get `--src-tls-verify=false`, `--insecure`, `--plain-http` or `tls: disabled`; with TLS they verify the certificate, by `SSL_CERT_FILE` or `regcert`, and Tidemark by `sslCaCertificate`.',
      'Lines are proxies on the same machine (bench/tool/line.go): each direction takes half the round trip and has the rate of its own, which all connections share; a new connection costs a round trip more. Nothing is lost, and there is no slow start.',
    ],
  };
  return { sections: [...sections, commands], goals: syncGoals(bench, samples) };
}

function section(bench: Bench, row: SyncRow, work: Work, samples: readonly SyncSample[]): Section {
  const best = fastestPeer(samples);
  const bytes = work === 'first' ? secondsOfRow(bench, row) : undefined;
  const tools = [...new Set(samples.map(({ tool }) => tool))];
  const rows = tools
    .map((tool) => ({ tool, own: samples.filter((sample) => sample.tool === tool) }))
    .sort((a, b) => median(seconds(a.own)) - median(seconds(b.own)))
    .map(({ tool, own }) => [
      tool === 'tidemark' ? '**tidemark**' : tool,
      own.some(({ isStopped }) => isStopped) ? `> ${limitSeconds}, stopped` : spread(seconds(own)),
      best === undefined ? '–' : (median(seconds(own)) / best.seconds).toFixed(2),
      ...(bytes === undefined ? [] : [(median(seconds(own)) / bytes).toFixed(2)]),
      spread(own.map((sample) => sample.cpuSeconds)),
      peaks(own),
      String(own.length),
    ]);
  const text = [
    ...(work === 'first' ? [corpora[row.corpus].description] : []),
    ...(bytes === undefined ? [] : [`the bytes alone take ${bytes.toFixed(2)} s of the line`]),
  ];
  return {
    title: titleOf(row, work),
    ...(text.length === 0 ? {} : { text: text.join('; ') }),
    columns: [
      'tool',
      'seconds',
      '× fastest peer',
      ...(bytes === undefined ? [] : ['× bytes alone']),
      'CPU s',
      'peak MB',
      'n',
    ],
    rows,
  };
}

/** How long the bytes of a row's corpus alone take; undefined where there is no line. */
function secondsOfRow({ bytes }: Bench, row: SyncRow): number | undefined {
  const { line }: Scene = scenes[row.scene];
  return line === undefined ? undefined : secondsOfBytes(bytes.get(row.corpus) ?? 0, line);
}

function peaks(samples: readonly SyncSample[]): string {
  const own = megabytes(Math.max(...samples.map((sample) => sample.peakBytes)));
  const stack = Math.max(...samples.map((sample) => sample.stackPeakBytes ?? 0));
  return stack > 0 ? `${own} / ${megabytes(stack)}` : own;
}
