import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';
import { ownInstallation } from '../tasks/installation.ts';
import type { ScheduleGroup, ScheduleKeeper } from '../schedules/schedule-groups.ts';
import { assignSeen, isToCompare } from '../schedules/temporal-state.ts';

/** The schedule id at Temporal, as an SQL expression over a row of `mirror_rule`. It is never reused, since row ids are not. */
const temporalRuleId = sql<string>`'rule-schedule/' || ${ownInstallation} || '/' || id`;

const runsByItself = sql`(cron is not null or interval_seconds is not null)`;

const isPending = sql`temporal_revision is distinct from revision`;

/** A missed run is caught up once, when it is late by at most this. */
const catchupWindowSeconds = 3_600;

/** Locks a rule's row while its schedule is compared with Temporal, and stores the result. Rows locked by another process are skipped. */
export async function keepRule(em: Em, ruleId: number, keeper: ScheduleKeeper): Promise<void> {
  await em.transactional(async (transaction) => {
    const db = kysely(transaction);
    const found = await sql<Omit<ScheduleGroup, 'repositories' | 'only'> & { name: string }>`
      select id as "ruleId", ${temporalRuleId} as "temporalId", 'mirror rule ' || name as specification, name, cron,
        interval_seconds as "intervalSeconds", time_zone as "timeZone", 0 as "jitterSeconds",
        ${catchupWindowSeconds}::int as "catchupWindowSeconds", paused,
        ${isPending} as "isPending", temporal_fingerprint as fingerprint
      from mirror_rule where id = ${ruleId} and ${runsByItself} for no key update skip locked`.execute(db);
    const row = found.rows[0];
    if (!row) return;
    const { name, ...schedule } = row;
    const only = { repositoryName: name, remoteHost: null, note: null };
    const seen = await keeper.keep({ ...schedule, repositories: 0, only });
    const assignments = assignSeen(seen, sql`temporal_revision = revision`);
    await sql`update mirror_rule set ${assignments} where id = ${ruleId}`.execute(db);
  });
}

/** Rules whose schedule is to be compared with Temporal, longest waiting first: changed ones, and those not compared for a minute. */
export async function readRulesToKeep(em: Em, limit: number): Promise<number[]> {
  const found = await sql<{ id: number }>`
    select id from mirror_rule
    where ${runsByItself} and ${isToCompare(isPending)}
    order by temporal_seen_at nulls first, id limit ${limit}`.execute(kysely(em));
  return found.rows.map(({ id }) => id);
}

/** Call it in the transaction that changes or deletes a rule: one that no longer runs by itself loses its schedule at Temporal. */
export async function settleRuleSchedule(
  em: Em,
  ruleId: number,
  { isDeleted }: { readonly isDeleted: boolean },
): Promise<void> {
  const db = kysely(em);
  await sql`
    insert into mirror_rule_removal (temporal_id) select ${temporalRuleId} from mirror_rule
    where id = ${ruleId} and (${isDeleted} or not ${runsByItself}) and temporal_seen_at is not null on conflict do nothing`.execute(
    db,
  );
  if (isDeleted) return;
  await sql`
    delete from mirror_rule_removal where temporal_id = (select ${temporalRuleId} from mirror_rule where id = ${ruleId} and ${runsByItself})`.execute(
    db,
  );
  await sql`
    update mirror_rule set next_run_ats = '{}', temporal_seen_at = case when ${runsByItself} then null else temporal_seen_at end
    where id = ${ruleId}`.execute(db);
}

/** Temporal's schedules of rules that are deleted, or no longer run by themselves. */
export async function readRuleRemovals(em: Em, limit: number): Promise<string[]> {
  const found = await sql<{ temporalId: string }>`
    select temporal_id as "temporalId" from mirror_rule_removal order by temporal_id limit ${limit}`.execute(
    kysely(em),
  );
  return found.rows.map(({ temporalId }) => temporalId);
}

export async function forgetRuleRemoval(em: Em, temporalId: string): Promise<void> {
  await kysely(em).deleteFrom('mirror_rule_removal').where('temporal_id', '=', temporalId).execute();
}
