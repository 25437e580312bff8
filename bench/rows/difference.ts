/** A Tidemark that mirrors another one: one changed tag in 100 and in 100,000, and nothing changed. */
import type { SampleRepository } from '../../src/demo/sample-image.ts';
import { startSampleUpstream } from '../../src/demo/sample-upstream.ts';
import type { SampleUpstream } from '../../src/demo/sample-upstream.ts';
import type { Bench } from '../bench.ts';
import type { Findings, Goal } from '../report.ts';
import { median, spread } from '../statistics.ts';
import { createMirror, timeSync } from '../sync.ts';
import type { Mirror } from '../sync.ts';
import { newDataFolder, removeFolder, startTidemark } from '../tidemark.ts';
import type { Tidemark } from '../tidemark.ts';
import { buildTags, changeGrown, changingTag } from './growth.ts';

const sizes = [100, 100_000] as const;
type Size = (typeof sizes)[number];
/** Rounds of both sizes in turn; the first does not count. */
const roundsAtLeast = 10;

interface Chain {
  readonly size: Size;
  readonly sample: SampleRepository;
  /** Changes the one tag at the upstream Tidemark. */
  readonly publish: () => Promise<unknown>;
  readonly mirror: Mirror;
  readonly firstSeconds: number;
}

interface Sample {
  readonly changed: number;
  readonly same: number;
}

export async function runDifferenceRow(bench: Bench): Promise<Findings> {
  if (!bench.wants('difference')) return { sections: [], goals: [] };
  const folders = [await newDataFolder(), await newDataFolder()] as const;
  const near = await startTidemark(folders[0]);
  const far = await startTidemark(folders[1]);
  const repositories = new Map<string, SampleRepository>();
  const upstream = await startSampleUpstream({ repositories });
  try {
    const chains: Chain[] = [];
    for (const size of sizes) chains.push(await openChain({ near, far, upstream, repositories }, size));
    for (const { size, firstSeconds } of chains)
      bench.log(`difference: ${size} tags, first sync ${firstSeconds.toFixed(1)} s`);
    const samples = new Map<Size, Sample[]>(sizes.map((size) => [size, []]));
    for (let round = 0; round <= Math.max(bench.rounds, roundsAtLeast); round += 1)
      for (const chain of chains) {
        const sample = await measure(far, chain, round);
        bench.log(
          `difference: ${chain.size} tags, one changed ${sample.changed.toFixed(3)} s, none ${sample.same.toFixed(3)} s`,
        );
        if (round > 0) samples.get(chain.size)?.push(sample);
      }
    return report(chains, samples);
  } finally {
    await upstream.close();
    await far.stop();
    await near.stop();
    for (const folder of folders) await removeFolder(folder);
  }
}

interface Stage {
  readonly near: Tidemark;
  readonly far: Tidemark;
  readonly upstream: SampleUpstream;
  readonly repositories: Map<string, SampleRepository>;
}

async function openChain({ near, far, upstream, repositories }: Stage, size: Size): Promise<Chain> {
  const name = `chain-${size}`;
  const sample = buildTags(size);
  repositories.set(name, sample);
  const source = { url: upstream.url, upstreamName: name };
  const whole = await createMirror(near, { name, ...source });
  await timeSync(near, whole);
  // asking for the one tag publishes it sooner
  const one = await createMirror(near, { name: `${name}-one`, ...source, includeTags: [changingTag] });
  const mirror = await createMirror(far, { name, url: near.apiUrl, upstreamName: name });
  const { seconds } = await timeSync(far, mirror);
  return {
    size,
    sample,
    mirror,
    firstSeconds: seconds,
    publish: () => timeSync(near, whole, { remoteId: one.remoteId }),
  };
}

async function measure(
  far: Tidemark,
  { size, sample, publish, mirror }: Chain,
  round: number,
): Promise<Sample> {
  changeGrown(sample, round);
  await publish();
  const { seconds: changed, createdVersion } = await timeSync(far, mirror);
  if (createdVersion === null) throw new Error(`The change of one tag in ${size} was not found.`);
  const { seconds: same } = await timeSync(far, mirror);
  return { changed, same };
}

function report(chains: readonly Chain[], samples: ReadonlyMap<Size, readonly Sample[]>): Findings {
  const of = (size: Size, what: keyof Sample) => (samples.get(size) ?? []).map((sample) => sample[what]);
  const [few, many] = sizes;
  const ratio = median(of(many, 'changed')) / median(of(few, 'changed'));
  const goals: Goal[] = [
    {
      work: 'one changed tag in 100,000 of another Tidemark',
      goal: '≤ 2 × that in 100',
      measured: `${ratio.toFixed(2)} ×`,
      isMet: ratio <= 2,
    },
  ];
  return {
    sections: [
      {
        title: 'Another Tidemark as upstream',
        text: 'A mirror of a Tidemark takes the difference since the version that it has mirrored. Rounds of both sizes in turn. Seconds.',
        columns: ['tags', 'first sync', 'one tag changed', 'nothing changed', 'n'],
        rows: chains.map(({ size, firstSeconds }) => [
          size.toLocaleString('en'),
          firstSeconds.toFixed(2),
          spread(of(size, 'changed')),
          spread(of(size, 'same')),
          String(of(size, 'changed').length),
        ]),
      },
    ],
    goals,
  };
}
