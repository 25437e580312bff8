import { sql } from 'kysely';
import type { TaskState } from '../../schema/tasks.ts';
import type { Em } from '../../open-database.ts';
import { kysely } from '../../sql.ts';

/** Metrics. */
export interface TaskFigures {
  readonly counts: ReadonlyMap<TaskState, number>;
  /** Of WAITING and RUNNING tasks. */
  readonly oldestSeconds: ReadonlyMap<TaskState, number>;
  /** The maximum over all mirrors of the time since the last completed sync; 0 without mirrors. */
  readonly syncLagSeconds: number;
}

export async function readTaskFigures(em: Em): Promise<TaskFigures> {
  const db = kysely(em);
  const states = await sql<{ state: TaskState; count: number; oldest: number | null }>`
    select state, count(*) as count,
      (extract(epoch from now() - min(created_at) filter (where state in ('WAITING', 'RUNNING'))))::float8 as oldest
    from task group by state`.execute(db);
  const lag = await sql<{ seconds: number }>`
    select coalesce(extract(epoch from now() - min(coalesce(last.finished_at, r.created_at))), 0)::float8 as seconds
    from repository r left join lateral (
      select finished_at from task
      where repository_id = r.id and name = 'repository.sync' and state = 'COMPLETED' order by id desc limit 1
    ) as last on true
    where r.is_mirrored`.execute(db);
  return {
    counts: new Map(states.rows.map((row) => [row.state, row.count])),
    oldestSeconds: new Map(
      states.rows.flatMap((row) => (row.oldest === null ? [] : [[row.state, seconds(row.oldest)]])),
    ),
    syncLagSeconds: seconds(lag.rows[0]?.seconds ?? 0),
  };
}

/** A clock may be set back, so ages are at least 0. */
function seconds(value: number): number {
  return Math.max(0, Math.round(value * 1_000) / 1_000);
}
