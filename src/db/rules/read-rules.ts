import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { toPages } from '../reads/read-page.ts';
import type { Page } from '../reads/read-page.ts';
import { MirrorRule } from '../schema/rules.ts';
import type { RuleOutcomeKind } from '../schema/rules.ts';
import { kysely } from '../sql.ts';
import { settleRuleSchedule } from './temporal-rules.ts';

/**
 * Deletes a rule, unless a run of it is open.
 * @returns the task of that run.
 */
export async function deleteRule(em: Em, ruleId: number): Promise<number | undefined> {
  const open = await sql<{ id: number }>`
    select id from task where rule_id = ${ruleId} and state in ('WAITING', 'RUNNING') limit 1`.execute(
    kysely(em),
  );
  if (open.rows[0] !== undefined) return open.rows[0].id;
  await settleRuleSchedule(em, ruleId, { isDeleted: true });
  await em.nativeDelete(MirrorRule, { id: ruleId });
  return undefined;
}

export interface RuleCounts {
  readonly repositories: number;
  readonly vanished: number;
}

export async function countRuleRepositories(em: Em, ruleIds: readonly number[]): Promise<RuleCounts[]> {
  const found = await sql<RuleCounts & { ruleId: number }>`
    select rule_id as "ruleId", count(*)::int as repositories, count(vanished_at)::int as vanished
    from rule_repository where rule_id = any(${[...ruleIds]}::bigint[]) group by rule_id`.execute(kysely(em));
  const byRule = new Map(found.rows.map((row) => [row.ruleId, row]));
  return ruleIds.map((id) => byRule.get(id) ?? { repositories: 0, vanished: 0 });
}

/** The newest run of each rule. */
export async function readLastRuns(em: Em, ruleIds: readonly number[]): Promise<(number | undefined)[]> {
  const found = await sql<{ ruleId: number; id: number }>`
    select rule_id as "ruleId", max(id) as id from task where rule_id = any(${[...ruleIds]}::bigint[]) group by rule_id`.execute(
    kysely(em),
  );
  const byRule = new Map(found.rows.map((row) => [row.ruleId, row.id]));
  return ruleIds.map((id) => byRule.get(id));
}

/** When the upstream was found to have a repository no more; undefined: it has it, or no rule has made it. */
export async function readVanished(em: Em, repositoryIds: readonly number[]): Promise<(Date | undefined)[]> {
  const found = await sql<{ id: number; at: string | Date }>`
    select repository_id as id, vanished_at as at from rule_repository
    where repository_id = any(${[...repositoryIds]}::bigint[]) and vanished_at is not null`.execute(
    kysely(em),
  );
  const byId = new Map(found.rows.map(({ id, at }) => [id, new Date(at)]));
  return repositoryIds.map((id) => byId.get(id));
}

export interface RuleOutcomeRow {
  readonly upstreamName: string;
  readonly name: string;
  readonly outcome: RuleOutcomeKind;
  readonly reason: string | null;
  readonly repositoryId: number | null;
  readonly syncTaskId: number | null;
  readonly needsSync: boolean | null;
}

export interface OutcomePageArguments {
  readonly first: number;
  /** Upstream name of the last one of the previous page. */
  readonly after: string | undefined;
  readonly only: RuleOutcomeKind | undefined;
}

export async function readRuleOutcomePages(
  em: Em,
  taskIds: readonly number[],
  page: OutcomePageArguments,
): Promise<Page<RuleOutcomeRow>[]> {
  const found = await sql<RuleOutcomeRow & { n: number }>`
    select p.n, o.* from unnest(${[...taskIds]}::bigint[]) with ordinality as p(task_id, n)
    cross join lateral (
      select upstream_name as "upstreamName", name, outcome, reason, repository_id as "repositoryId", sync_task_id as "syncTaskId",
        needs_sync as "needsSync"
      from rule_outcome where task_id = p.task_id and upstream_name > ${page.after ?? ''}
        and ${page.only === undefined ? sql`true` : sql`outcome = ${page.only}`}
      order by upstream_name limit ${page.first + 1}
    ) as o order by p.n, o."upstreamName"`.execute(kysely(em));
  return toPages(found.rows, taskIds.length, page.first);
}

export interface RuleOutcomeCount {
  readonly outcome: RuleOutcomeKind;
  readonly count: number;
}

export async function countRuleOutcomes(em: Em, taskIds: readonly number[]): Promise<RuleOutcomeCount[][]> {
  const found = await sql<RuleOutcomeCount & { taskId: number }>`
    select task_id as "taskId", outcome, count(*)::int as count from rule_outcome
    where task_id = any(${[...taskIds]}::bigint[]) group by task_id, outcome order by outcome`.execute(
    kysely(em),
  );
  const byTask = Map.groupBy(found.rows, ({ taskId }) => taskId);
  return taskIds.map((id) => byTask.get(id) ?? []);
}
