/** How the work grows: one changed tag in 1,000 and in 100,000. */
import pg from 'pg';
import { addImage, addLayer, createSampleRepository } from '../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../src/demo/sample-image.ts';
import { startSampleUpstream } from '../../src/demo/sample-upstream.ts';
import type { SampleUpstream } from '../../src/demo/sample-upstream.ts';
import type { Bench } from '../bench.ts';
import { openSyncLog } from '../logged-sync.ts';
import type { SyncLog } from '../logged-sync.ts';
import type { Findings, Goal } from '../report.ts';
import { databaseUrl, findTransaction } from '../statement-log.ts';
import type { LoggedStatement, LoggedTransaction } from '../statement-log.ts';
import { median, spread } from '../statistics.ts';
import { createMirror } from '../sync.ts';
import { newDataFolder, removeFolder, startTidemark } from '../tidemark.ts';
import type { Tidemark } from '../tidemark.ts';

const sizes = [1_000, 100_000] as const;
const changes = 5;
const tagsAnImage = 5;

interface Growth {
  readonly tags: number;
  readonly firstSeconds: number;
  readonly firstStatements: number;
  readonly changedSeconds: number;
  readonly changedStatements: number;
  /** The longest history of its syncs. */
  readonly events: number;
  /** Of the sync that looked at all tags, and of syncs of the one tag. */
  readonly wholeCommit: LoggedTransaction;
  readonly commits: readonly LoggedTransaction[];
  readonly rowsAVersion: number;
  readonly bytesAVersion: number;
}

interface Stage {
  readonly bench: Bench;
  readonly tidemark: Tidemark;
  readonly upstream: SampleUpstream;
  readonly repositories: Map<string, SampleRepository>;
  readonly log: SyncLog;
  readonly database: pg.Client;
}

export async function runGrowthRows(bench: Bench): Promise<Findings> {
  if (!bench.wants('growth')) return { sections: [], goals: [] };
  const dataDir = await newDataFolder();
  const tidemark = await startTidemark(dataDir);
  const repositories = new Map<string, SampleRepository>();
  const upstream = await startSampleUpstream({ repositories });
  const database = new pg.Client({ connectionString: await databaseUrl(dataDir) });
  await database.connect();
  const log = await openSyncLog(tidemark);
  try {
    const stage = { bench, tidemark, upstream, repositories, log, database };
    const found: Growth[] = [];
    for (const tags of sizes) found.push(await measure(stage, tags));
    return report(found);
  } finally {
    await log.close();
    await database.end();
    await upstream.close();
    await tidemark.stop();
    await removeFolder(dataDir);
  }
}

async function measure(stage: Stage, tags: number): Promise<Growth> {
  const { bench, tidemark, upstream, repositories, log } = stage;
  const name = `grown-${tags}`;
  const sample = buildTags(tags);
  repositories.set(name, sample);
  const whole = await createMirror(tidemark, { name, url: upstream.url, upstreamName: name });
  const first = await log.sync(whole);
  bench.log(`growth: ${tags} tags, first sync ${first.seconds.toFixed(1)} s`);
  changeGrown(sample, 0);
  const changed = await log.sync(whole);
  bench.log(`growth: ${tags} tags, one changed ${changed.seconds.toFixed(1)} s`);
  // the transaction knows only what differs: asking for the one tag gives the same one sooner
  const one = await createMirror(tidemark, {
    name: `${name}-one`,
    url: upstream.url,
    upstreamName: name,
    includeTags: [changingTag],
  });
  const before = await databaseBytes(stage);
  const commits: LoggedTransaction[] = [];
  for (let number = 1; number <= changes; number += 1) {
    changeGrown(sample, number);
    const { statements } = await log.sync({ repositoryId: whole.repositoryId, remoteId: one.remoteId });
    commits.push(findCommit(statements));
  }
  return {
    tags,
    firstSeconds: first.seconds,
    firstStatements: first.statements.length,
    changedSeconds: changed.seconds,
    changedStatements: changed.statements.length,
    events: Math.max(first.events, changed.events),
    wholeCommit: findCommit(changed.statements),
    commits,
    rowsAVersion: await rowsOfVersion(stage, name),
    bytesAVersion: ((await databaseBytes(stage)) - before) / changes,
  };
}

export const changingTag = 'v0.0';

/** Images that differ in an annotation only: many manifests and tags, few blobs. */
export function buildTags(tags: number): SampleRepository {
  const sample = createSampleRepository();
  const layer = addLayer(sample, 'growth', 10_000);
  for (let image = 0; image < tags / tagsAnImage; image += 1) {
    const annotations = { image: String(image) };
    const { digest } = addImage(sample, { seed: 'growth', layers: [layer], annotations });
    for (let number = 0; number < tagsAnImage; number += 1) sample.tags.set(`v${image}.${number}`, digest);
  }
  return sample;
}

/** Moves the tag to a new image. */
export function changeGrown(sample: SampleRepository, number: number): void {
  addImage(sample, { seed: `change-${number}`, layers: [2_000], tag: changingTag });
}

function findCommit(statements: readonly LoggedStatement[]): LoggedTransaction {
  return findTransaction(statements, /insert into repository_version/);
}

async function rowsOfVersion({ database }: Stage, name: string): Promise<number> {
  const found = await database.query<{ count: string }>(
    `select sum(count) as count from repository r, lateral (
       select count(*) from tag_membership t where t.repository_id = r.id and r.latest in (t.added_in, t.removed_in)
       union all
       select count(*) from root_membership t where t.repository_id = r.id and r.latest in (t.added_in, t.removed_in)
       union all
       select count(*) from membership t where t.repository_id = r.id and r.latest in (t.added_in, t.removed_in)
     ) as written where r.name = $1`,
    [name],
  );
  return Number(found.rows[0]?.count);
}

async function databaseBytes({ database }: Stage): Promise<number> {
  const found = await database.query<{ bytes: string }>(
    'select pg_database_size(current_database()) as bytes',
  );
  return Number(found.rows[0]?.bytes);
}

function report(found: readonly Growth[]): Findings {
  const row = (title: string, cell: (growth: Growth) => string) => [title, ...found.map(cell)];
  const [few, many] = found;
  if (few === undefined || many === undefined) throw new Error('nothing was measured');
  const commitMs = ({ commits }: Growth) => commits.map(({ ms }) => ms);
  const ratio = median(commitMs(many)) / median(commitMs(few));
  const goals: Goal[] = [
    {
      work: 'commit of one changed tag in 100,000',
      goal: '≤ 2 × that in 1,000',
      measured: `${ratio.toFixed(2)} × (${median(commitMs(many)).toFixed(1)} ms; ${median(commitMs(few)).toFixed(1)} ms)`,
      isMet: ratio <= 2,
    },
    {
      work: 'Temporal events of a sync of 100,000 tags',
      goal: '≤ 500',
      measured: String(many.events),
      isMet: many.events <= 500,
    },
  ];
  return {
    sections: [
      {
        title: 'Growth: one changed tag',
        columns: ['', ...found.map(({ tags }) => `${tags.toLocaleString('en')} tags`)],
        rows: [
          row('first sync, s', ({ firstSeconds }) => firstSeconds.toFixed(2)),
          row('sync that finds one tag changed, s', ({ changedSeconds }) => changedSeconds.toFixed(2)),
          row('its commit transaction, ms', ({ wholeCommit }) => wholeCommit.ms.toFixed(1)),
          row('that of syncs of the tag alone, ms', (growth) => spread(commitMs(growth), 1)),
          row('the slowest statement of the last', ({ commits }) => describeSlowest(commits)),
          row('rows of content it writes', ({ rowsAVersion }) => String(rowsAVersion)),
          row('growth of the database a version, KiB', ({ bytesAVersion }) =>
            (bytesAVersion / 1024).toFixed(1),
          ),
          row('statements, first sync', ({ firstStatements }) => String(firstStatements)),
          row('statements, one tag changed', ({ changedStatements }) => String(changedStatements)),
          row('events in Temporal', ({ events }) => String(events)),
        ],
        notes: [
          'The upstream is the sample one of the demo, in memory. Statements are all that PostgreSQL logs from the mutation to the end of the workflow, the ones of the log switched on included in the times.',
          `The ratio is of the medians of ${changes} syncs of the changed tag alone: their transaction is that of the sync of all tags, which is measured once.`,
        ],
      },
    ],
    goals,
  };
}

function describeSlowest(commits: readonly LoggedTransaction[]): string {
  const slowest = commits.at(-1)?.slowest;
  if (slowest === undefined) return '–';
  return `${slowest.durationMs.toFixed(1)} ms: \`${slowest.text.replaceAll(/\s+/g, ' ').slice(0, 60)}…\``;
}
