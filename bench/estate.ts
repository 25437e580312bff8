/** Many repositories of `small`, whose content they share: in the upstream, and as mirrors that are synced all at once. */
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { corpora } from './corpora.ts';
import type { Source } from './scenes.ts';
import { databaseUrl } from './statement-log.ts';
import { createMirror, mutate } from './sync.ts';
import type { Mirror } from './sync.ts';
import type { Tidemark } from './tidemark.ts';

const lanes = 8;
const pollMs = 100;

/** Estates of different sizes have namespaces of their own, so that a rule can tell them apart. */
export function estateNames(count: number): string[] {
  return Array.from({ length: count }, (_, number) => `estate${count}/r${String(number).padStart(4, '0')}`);
}

/** Makes the repositories in docker-registry, by copies of the links that make `small`: pushing 1,000 of them takes minutes. */
export async function addEstate(storage: string, names: readonly string[]): Promise<void> {
  const repositories = join(storage, 'docker', 'registry', 'v2', 'repositories');
  await eachInLanes(names, (name) =>
    cp(join(repositories, corpora.small.name), join(repositories, name), { recursive: true }),
  );
}

/** A remote and a repository for each name. */
async function createMirrors(
  tidemark: Tidemark,
  { url }: Source,
  names: readonly string[],
): Promise<Mirror[]> {
  const mirrors: Mirror[] = [];
  await eachInLanes(names, async (name) => {
    mirrors.push(await createMirror(tidemark, { name, url, upstreamName: name }));
  });
  return mirrors;
}

/** How a person has all mirrors synced at once. */
export interface Start {
  readonly name: string;
  /** Returns what syncs all mirrors, and resolves when they are synced. */
  prepare(tidemark: Tidemark, source: Source, names: readonly string[]): Promise<() => Promise<void>>;
}

const byMutations: Start = {
  name: 'by mutations',
  async prepare(tidemark, source, names) {
    const mirrors = await createMirrors(tidemark, source, names);
    return async () => {
      await eachInLanes(mirrors, ({ repositoryId }) =>
        mutate(tidemark, 'repositorySync', 'task { id }', { repositoryId }),
      );
      await untilEnded(tidemark, 0);
    };
  },
};

/** All due at the same moment: Temporal's schedule, which they share, is told to act, as its own clock would. */
const bySchedules: Start = {
  name: 'by schedules',
  async prepare(tidemark, source, names) {
    const mirrors = await createMirrors(tidemark, source, names);
    const ids = new Set<string>();
    await eachInLanes(mirrors, async ({ repositoryId }) => {
      const { schedule } = await mutate<{ schedule: { temporalUrl: string } }>(
        tidemark,
        'scheduleCreate',
        'schedule { temporalUrl }',
        { repositoryId, intervalSeconds: 366 * 24 * 3600, jitterSeconds: 0 },
      );
      ids.add(decodeURIComponent(new URL(schedule.temporalUrl).pathname.split('/schedules/')[1] ?? ''));
    });
    const ports = JSON.parse(await readFile(join(tidemark.dataDir, 'temporal', 'ports.json'), 'utf8')) as {
      port: number;
    };
    let runs = 0;
    return async () => {
      const connection = await Connection.connect({ address: `127.0.0.1:${ports.port}` });
      const { schedule } = new Client({ connection });
      await eachInLanes([...ids], (id) => schedule.getHandle(id).trigger('ALLOW_ALL'));
      runs += mirrors.length;
      await untilEnded(tidemark, runs);
      await connection.close();
    };
  },
};

/** One rule for the whole estate. Its first run also finds the repositories, and creates them. */
const byRule: Start = {
  name: 'by a rule',
  async prepare(tidemark, { url, authority }, names) {
    const [namespace = ''] = (names[0] ?? '').split('/');
    const { mirrorRule } = await mutate<{ mirrorRule: { id: string } }>(
      tidemark,
      'mirrorRuleCreate',
      'mirrorRule { id }',
      {
        name: namespace,
        url,
        includeRepositories: [`${namespace}/**`],
        ...(authority && { sslCaCertificate: authority.pem }),
      },
    );
    return async () => {
      const { task } = await mutate<{ task: { id: string } }>(tidemark, 'mirrorRuleRun', 'task { id }', {
        id: mirrorRule.id,
      });
      await untilEnded(tidemark, 0);
      const { ended } = await tidemark.query<{ ended: { ruleProgress: { done: number } } }>(
        'query ($id: ID!) { ended: task(id: $id) { ruleProgress { done } } }',
        { id: task.id },
      );
      if (ended.ruleProgress.done !== names.length)
        throw new Error(`The rule has synced ${ended.ruleProgress.done} repositories of ${names.length}.`);
    };
  },
};

/** Each is a line of the estate's tables. */
export const starts: readonly Start[] = [byMutations, bySchedules, byRule];

/** Until so many runs of schedules have begun, and no task is left. Asks the database: the API has enough to do. */
async function untilEnded({ dataDir }: Tidemark, runs: number): Promise<void> {
  const database = new pg.Client({ connectionString: await databaseUrl(dataDir) });
  await database.connect();
  const count = async (rows: string): Promise<number> => {
    const found = await database.query<{ count: string }>(`select count(*) from ${rows}`);
    return Number(found.rows[0]?.count);
  };
  while ((await count('schedule_run')) < runs) await sleep(pollMs);
  while ((await count("task where state in ('WAITING', 'RUNNING')")) > 0) await sleep(pollMs);
  const failed = await count("task where state <> 'COMPLETED'");
  await database.end();
  if (failed > 0) throw new Error(`${failed} syncs of the estate failed; expected all to complete.`);
}

async function eachInLanes<T>(all: readonly T[], work: (one: T) => Promise<unknown>): Promise<void> {
  const left = all.values();
  const lane = async (): Promise<void> => {
    for (const one of left) await work(one);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}
