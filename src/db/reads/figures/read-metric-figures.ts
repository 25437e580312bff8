import { sql } from 'kysely';
import { everything } from '../../access/visibility.ts';
import type { Em } from '../../open-database.ts';
import type { WaitReason } from '../../schema/tasks.ts';
import { kysely } from '../../sql.ts';
import { countFreshness } from './read-freshness.ts';
import type { FreshnessState } from './read-freshness.ts';

/** Metrics of all repositories together. */
export interface EstateFigures {
  readonly freshness: ReadonlyMap<FreshnessState, number>;
  readonly storedBlobs: number;
  readonly storedBytes: number;
  /** Of WAITING tasks, by the reason; START: nothing but a worker is missing. */
  readonly waiting: ReadonlyMap<
    WaitReason | 'START',
    { readonly count: number; readonly oldestSeconds: number }
  >;
}

export async function readEstateFigures(em: Em): Promise<EstateFigures> {
  const db = kysely(em);
  const freshness = await countFreshness(em, everything);
  const stored = await sql<{ count: number; bytes: number }>`
    select count(*) as count, coalesce(sum(size_bytes), 0)::bigint as bytes from blob where stored_at is not null`.execute(
    db,
  );
  const waiting = await sql<{ reason: WaitReason | 'START'; count: number; oldest: number }>`
    select coalesce(waits_for, 'START') as reason, count(*) as count,
      greatest(0, extract(epoch from now() - min(created_at)))::float8 as oldest
    from task where state = 'WAITING' group by 1`.execute(db);
  return {
    freshness,
    storedBlobs: stored.rows[0]?.count ?? 0,
    storedBytes: stored.rows[0]?.bytes ?? 0,
    waiting: new Map(
      waiting.rows.map(({ reason, count, oldest }) => [reason, { count, oldestSeconds: oldest }]),
    ),
  };
}

export interface LastSync {
  readonly repository: string;
  /** Seconds since 1970. */
  readonly syncedAt: number;
}

/** The last completed sync of each repository, or a later look that found nothing changed. By name, up to a maximum. */
export async function readLastSyncs(em: Em, most: number): Promise<LastSync[]> {
  const found = await sql<LastSync>`
    select r.name as repository, extract(epoch from greatest(last.finished_at, r.looked_at))::float8 as "syncedAt"
    from repository r cross join lateral (
      select finished_at from task
      where repository_id = r.id and name = 'repository.sync' and state = 'COMPLETED' and not (arguments @> '{"dryRun": true}')
      order by id desc limit 1
    ) as last
    order by r.name limit ${most}`.execute(kysely(em));
  return found.rows;
}
