/** Many repositories of `small`, whose content they share: in the upstream, and as mirrors that are synced all at once. */
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { corpora } from './corpora.ts';
import type { Source } from './scenes.ts';
import { databaseUrl } from './statement-log.ts';
import { createMirror, mutate } from './sync.ts';
import type { Mirror } from './sync.ts';
import type { Tidemark } from './tidemark.ts';

const lanes = 8;
const pollMs = 100;

export function estateNames(count: number): string[] {
  return Array.from({ length: count }, (_, number) => `estate/r${String(number).padStart(4, '0')}`);
}

/** Makes the repositories in docker-registry, by copies of the links that make `small`: pushing 1,000 of them takes minutes. */
export async function addEstate(storage: string, names: readonly string[]): Promise<void> {
  const repositories = join(storage, 'docker', 'registry', 'v2', 'repositories');
  await eachInLanes(names, (name) =>
    cp(join(repositories, corpora.small.name), join(repositories, name), { recursive: true }),
  );
}

/** A remote and a repository for each name. */
export async function createMirrors(
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
  /** Resolves when all of them are synced. */
  sync(tidemark: Tidemark, mirrors: readonly Mirror[]): Promise<void>;
}

const byMutations: Start = {
  name: 'by mutations',
  async sync(tidemark, mirrors) {
    await eachInLanes(mirrors, ({ repositoryId }) =>
      mutate(tidemark, 'repositorySync', 'task { id }', { repositoryId }),
    );
    await untilEnded(tidemark);
  },
};

/**
 * Each is a line of the estate's tables. A start by schedules goes here: it makes what is due all at once, and waits until `lastSyncedAt`
 * of every repository is later than that, since a look that finds nothing new leaves no task.
 */
export const starts: readonly Start[] = [byMutations];

/** Asks the database: the API has enough to do. */
async function untilEnded({ dataDir }: Tidemark): Promise<void> {
  const database = new pg.Client({ connectionString: await databaseUrl(dataDir) });
  await database.connect();
  const count = async (condition: string): Promise<number> => {
    const found = await database.query<{ count: string }>(`select count(*) from task where ${condition}`);
    return Number(found.rows[0]?.count);
  };
  while ((await count("state in ('WAITING', 'RUNNING')")) > 0) await sleep(pollMs);
  const failed = await count("state <> 'COMPLETED'");
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
