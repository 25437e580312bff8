import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import { ownInstallation } from '../tasks/installation.ts';
import { upstreamHost } from '../tasks/sync-turns.ts';
import { assignSeen, isToCompare } from './temporal-state.ts';
import type { SeenSchedule } from './temporal-state.ts';

/*
 * Schedules that are due at the same times are one schedule at Temporal, whose workflow reads its members from the rows of `schedule`. So a
 * change of one member needs no call to Temporal, unless it is the first or the last one that takes part.
 */

/** The id of a specification at Temporal, as an SQL expression. */
export function temporalScheduleId(specification: RawBuilder<unknown>): RawBuilder<string> {
  return sql<string>`'schedule/' || ${ownInstallation} || '/' || left(encode(sha256(convert_to(${specification}, 'UTF8')), 'hex'), 16)`;
}

/** The wanted and the last seen state of a schedule at Temporal. */
export interface ScheduleGroup {
  readonly specification: string;
  /** Set where no repositories are synced, but a mirror rule is run. */
  readonly ruleId?: number;
  readonly temporalId: string;
  readonly cron: string | null;
  readonly intervalSeconds: number | null;
  readonly timeZone: string;
  readonly jitterSeconds: number;
  readonly catchupWindowSeconds: number;
  /** No member takes part. */
  readonly paused: boolean;
  readonly repositories: number;
  /** The only member: what it syncs is shown in the Temporal UI. Null: there are several. */
  readonly only: {
    readonly repositoryName: string;
    /** Host and port of the upstream; null without a remote. */
    readonly remoteHost: string | null;
    readonly note: string | null;
  } | null;
  /** Whether Temporal must be told that the group is new, paused or resumed. */
  readonly isPending: boolean;
  /** Of the last seen state at Temporal; null before the first. */
  readonly fingerprint: string | null;
}

/** The schedules at Temporal. Every call ends within some seconds. */
export interface ScheduleKeeper {
  /**
   * Creates the schedule where it is missing, and repairs it where it was changed, here or by others.
   * @throws TidemarkError `TEMPORAL_UNAVAILABLE`
   */
  keep(group: ScheduleGroup): Promise<SeenSchedule>;
  /** Removes it, if it is there. @throws TidemarkError `TEMPORAL_UNAVAILABLE` */
  remove(temporalId: string): Promise<void>;
}

export interface KeepOptions {
  /** Also compares with Temporal what it was told before, and leaves a group that is being kept to whoever does so. */
  readonly isComparison: boolean;
}

/** Locks a group while Temporal is made to agree with its rows, and stores what Temporal has. */
export async function keepGroup(
  em: Em,
  specification: string,
  keeper: ScheduleKeeper,
  { isComparison }: KeepOptions,
): Promise<void> {
  // the row that is found may be deleted before it is locked
  for (let isKept = false; !isKept;) {
    await addGroup(em, specification);
    isKept = await em.transactional(async (transaction) => {
      const db = kysely(transaction);
      if (!isComparison) await sql`set local lock_timeout = '5s'`.execute(db);
      const locked = await sql`
        select from schedule_group where specification = ${specification}
        for update ${isComparison ? sql`skip locked` : sql``}`.execute(db);
      if (locked.rows.length > 0) await keepLocked(transaction, specification, keeper, isComparison);
      return locked.rows.length > 0 || isComparison;
    });
  }
}

async function keepLocked(
  em: Em,
  specification: string,
  keeper: ScheduleKeeper,
  isComparison: boolean,
): Promise<void> {
  const db = kysely(em);
  const group = await readGroup(em, specification);
  if (group === undefined) {
    const found = await sql<{
      id: string;
    }>`select ${temporalScheduleId(sql`${specification}::text`)} as id`.execute(db);
    await keeper.remove(found.rows[0]?.id ?? '');
    await sql`delete from schedule_group where specification = ${specification}`.execute(db);
    return;
  }
  if (!group.isPending && !isComparison) return;
  const seen = await keeper.keep(group);
  const assignments = assignSeen(seen, sql`temporal_paused = ${group.paused}`);
  await sql`update schedule_group set ${assignments} where specification = ${specification}`.execute(db);
}

/** Undefined without members. */
async function readGroup(em: Em, specification: string): Promise<ScheduleGroup | undefined> {
  type Row = Omit<ScheduleGroup, 'only'> & NonNullable<ScheduleGroup['only']> & { readonly members: number };
  const found = await sql<Row>`
    select g.specification, ${temporalScheduleId(sql`g.specification`)} as "temporalId", s.cron, s.interval_seconds as "intervalSeconds",
      case when s.cron is null then 'UTC' else s.time_zone end as "timeZone", s.jitter_seconds as "jitterSeconds",
      s.catchup_window_seconds as "catchupWindowSeconds", m.paused, m.members, m.repositories,
      (select name from repository where id = s.repository_id) as "repositoryName", s.note,
      (select ${upstreamHost} from remote
        where id = coalesce(s.remote_id, (select r.remote_id from repository r where r.id = s.repository_id))) as "remoteHost",
      g.temporal_paused is distinct from m.paused as "isPending", g.temporal_fingerprint as fingerprint
    from schedule_group g
      join lateral (select * from schedule where specification = g.specification order by id limit 1) as s on true
      cross join lateral (
        select count(*) as members, count(distinct repository_id) as repositories, bool_and(paused) as paused
        from schedule where specification = g.specification) as m
    where g.specification = ${specification}`.execute(kysely(em));
  const row = found.rows[0];
  if (row === undefined) return undefined;
  const { repositoryName, remoteHost, note, members, ...group } = row;
  return { ...group, only: members === 1 ? { repositoryName, remoteHost, note } : null };
}

/** Lets reconciliation see a specification that only Temporal has: the database is older than Temporal. */
export async function addGroup(em: Em, specification: string): Promise<void> {
  await sql`insert into schedule_group (specification) values (${specification}) on conflict do nothing`.execute(
    kysely(em),
  );
}

/**
 * Specifications to compare with Temporal, longest waiting first: new ones, those without members, those that begin or cease to have members
 * that take part, those not compared for a minute, and those whose known next runs are over.
 */
export async function readGroupsToKeep(em: Em, limit: number): Promise<string[]> {
  const db = kysely(em);
  await sql`
    insert into schedule_group (specification)
    select distinct specification from schedule s
    where not exists (select from schedule_group g where g.specification = s.specification) on conflict do nothing`.execute(
    db,
  );
  const found = await sql<{ specification: string }>`
    select g.specification from schedule_group g
      left join (select specification, bool_and(paused) as paused from schedule group by specification) as m
        on m.specification = g.specification
    where m.specification is null or ${isToCompare(sql`g.temporal_paused is distinct from m.paused`)}
    order by g.temporal_seen_at nulls first, g.specification limit ${limit}`.execute(db);
  return found.rows.map(({ specification }) => specification);
}

/** Deletes schedules in the caller's transaction. Reconciliation deletes groups without members at Temporal. */
export async function deleteSchedules(
  em: Em,
  which: { readonly id: number } | { readonly repositoryId: number },
): Promise<void> {
  const matches = 'id' in which ? sql`id = ${which.id}` : sql`repository_id = ${which.repositoryId}`;
  await sql`delete from schedule where ${matches}`.execute(kysely(em));
}

/** Undefined if there is no such schedule. */
export async function readSpecification(em: Em, scheduleId: number): Promise<string | undefined> {
  const found = await sql<{ specification: string }>`
    select specification from schedule where id = ${scheduleId}`.execute(kysely(em));
  return found.rows[0]?.specification;
}
