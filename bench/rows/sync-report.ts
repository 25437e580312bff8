/** The tables and goals of the sync rows. */
import { syncedCorpora } from '../bench.ts';
import { corpora } from '../corpora.ts';
import type { CorpusName } from '../corpora.ts';
import { peers } from '../peers.ts';
import type { Work } from '../peers.ts';
import type { Findings, Goal, Section } from '../report.ts';
import { median, megabytes, memoryGoal, spread } from '../statistics.ts';
import { limitSeconds } from '../tool.ts';
import { floorName } from './sync.ts';
import type { SyncSample } from './sync.ts';

const works: readonly { readonly work: Work; readonly title: string }[] = [
  { work: 'first', title: 'first sync' },
  { work: 'again', title: 'nothing changed' },
  { work: 'changed', title: 'one tag changed' },
];

export function reportSyncs(samples: readonly SyncSample[]): Findings {
  const sections: Section[] = [];
  for (const corpus of syncedCorpora)
    for (const { work, title } of works) {
      const own = samples.filter((sample) => sample.corpus === corpus && sample.work === work);
      if (own.length > 0)
        sections.push(
          section(`\`${corpus}\`, ${title}`, work === 'first' ? corpora[corpus].description : undefined, own),
        );
    }
  if (sections.length === 0) return { sections, goals: [] };
  const commands: Section = {
    title: 'Commands of the peers',
    columns: ['tool', 'command'],
    rows: peers.map(({ name, shown }) => [name, `\`${shown}\``]),
    notes: [
      `\`${floorName}\` is no peer but the floor: 8 parallel GETs of the layers, whose names it is told, hashed and written (bench/tool/get.go).`,
      `crane cp writes into a second docker-registry, whose processor time is not counted. A peer that takes half a minute or more runs in one round only, and is stopped after ${limitSeconds} s.`,
    ],
  };
  return { sections: [...sections, commands], goals: goalsOf(samples) };
}

function section(title: string, text: string | undefined, samples: readonly SyncSample[]): Section {
  const best = fastestPeer(samples);
  const tools = [...new Set(samples.map(({ tool }) => tool))];
  const rows = tools
    .map((tool) => ({ tool, own: samples.filter((sample) => sample.tool === tool) }))
    .sort((a, b) => median(seconds(a.own)) - median(seconds(b.own)))
    .map(({ tool, own }) => [
      tool === 'tidemark' ? '**tidemark**' : tool,
      own.some(({ isStopped }) => isStopped) ? `> ${limitSeconds}, stopped` : spread(seconds(own)),
      best === undefined ? '–' : (median(seconds(own)) / best.seconds).toFixed(2),
      spread(own.map((sample) => sample.cpuSeconds)),
      peaks(own),
      String(own.length),
    ]);
  return {
    title,
    ...(text === undefined ? {} : { text }),
    columns: ['tool', 'seconds', '× fastest peer', 'CPU s', 'peak MB', 'n'],
    rows,
  };
}

function peaks(samples: readonly SyncSample[]): string {
  const own = megabytes(Math.max(...samples.map((sample) => sample.peakBytes)));
  const stack = Math.max(...samples.map((sample) => sample.stackPeakBytes ?? 0));
  return stack > 0 ? `${own} / ${megabytes(stack)}` : own;
}

function fastestPeer(
  samples: readonly SyncSample[],
): { readonly tool: string; readonly seconds: number } | undefined {
  const others = [...new Set(samples.map(({ tool }) => tool))].filter(
    (tool) => tool !== 'tidemark' && tool !== floorName,
  );
  return others
    .map((tool) => ({ tool, seconds: median(seconds(samples.filter((sample) => sample.tool === tool))) }))
    .sort((a, b) => a.seconds - b.seconds)[0];
}

function seconds(samples: readonly SyncSample[]): number[] {
  return samples.map((sample) => sample.seconds);
}

const ratioGoals: readonly { readonly corpus: CorpusName; readonly work: Work; readonly atMost: number }[] = [
  { corpus: 'small', work: 'first', atMost: 1.25 },
  { corpus: 'big', work: 'first', atMost: 0.85 },
  { corpus: 'manytags', work: 'first', atMost: 0.3 },
  { corpus: 'manytags', work: 'again', atMost: 0.5 },
];

function goalsOf(samples: readonly SyncSample[]): Goal[] {
  const pick = (corpus: CorpusName, work: Work) =>
    samples.filter((sample) => sample.corpus === corpus && sample.work === work);
  const tidemark = (corpus: CorpusName) =>
    seconds(pick(corpus, 'first').filter(({ tool }) => tool === 'tidemark'));
  const goals = ratioGoals.flatMap(({ corpus, work, atMost }): Goal[] => {
    const own = pick(corpus, work);
    const best = fastestPeer(own);
    if (best === undefined) return [];
    const time = median(seconds(own.filter(({ tool }) => tool === 'tidemark')));
    const measured = `${(time / best.seconds).toFixed(2)} × (${time.toFixed(2)} s; ${best.tool} ${best.seconds.toFixed(2)} s)`;
    const title = works.find((entry) => entry.work === work)?.title ?? work;
    return [
      {
        work: `\`${corpus}\`, ${title}`,
        goal: `≤ ${atMost} × the fastest peer`,
        measured,
        isMet: time / best.seconds <= atMost,
      },
    ];
  });
  const floor = seconds(pick('big', 'first').filter(({ tool }) => tool === floorName));
  if (floor.length > 0) {
    const [own, least] = [median(tidemark('big')), median(floor)];
    goals.push({
      work: '`big`, first sync',
      goal: `≤ 1.1 × ${floorName}`,
      measured: `${(own / least).toFixed(2)} × (${own.toFixed(2)} s; ${least.toFixed(2)} s)`,
      isMet: own / least <= 1.1,
    });
  }
  const [many, few] = [tidemark('tags10k'), tidemark('manytags')];
  if (many.length > 0 && few.length > 0) {
    const ratio = median(many) / median(few);
    goals.push({
      work: '10,000 tags, first sync',
      goal: '≤ 12 × its own time for 1,000',
      measured: `${ratio.toFixed(1)} × (${median(many).toFixed(1)} s; ${median(few).toFixed(2)} s)`,
      isMet: ratio <= 12,
    });
  }
  return [...goals, ...memoryGoals(samples)];
}

function memoryGoals(samples: readonly SyncSample[]): Goal[] {
  const main = Math.max(
    ...samples.filter(({ tool }) => tool === 'tidemark').map((sample) => sample.peakBytes),
  );
  const stack = Math.max(...samples.map((sample) => sample.stackPeakBytes ?? 0));
  return [
    memoryGoal('memory of the process that is API and worker, peak of all syncs', main, 300),
    memoryGoal('memory of the whole embedded stack, peak of all syncs', stack, 600),
  ];
}
