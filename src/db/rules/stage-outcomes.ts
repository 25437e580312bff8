import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import type { RuleOutcomeKind } from '../schema/rules.ts';
import { kysely } from '../sql.ts';

export interface FoundRepository {
  readonly upstreamName: string;
  /** The target. */
  readonly name: string;
  readonly outcome: RuleOutcomeKind;
  readonly reason: string | null;
  readonly repositoryId?: number | null;
}

/** The runs of a rule whose outcomes are kept. */
const runsKept = 20;

/** Drops what an earlier attempt has staged, and the outcomes of old runs of the rule. */
export async function clearOutcomes(em: Em, taskId: number, ruleId: number): Promise<void> {
  await sql`
    delete from rule_outcome where task_id = ${taskId} or task_id in (
      select id from task where rule_id = ${ruleId} order by id desc offset ${runsKept})`.execute(kysely(em));
}

/** @returns how many of them are new: an upstream may list a name twice. */
export async function stageOutcomes(
  em: Em,
  taskId: number,
  found: readonly FoundRepository[],
): Promise<number> {
  if (found.length === 0) return 0;
  const staged = await sql`
    insert into rule_outcome (task_id, upstream_name, name, outcome, reason, repository_id)
    select ${taskId}, upstream_name, name, outcome, reason, repository_id
    from unnest(${found.map((one) => one.upstreamName)}::text[], ${found.map((one) => one.name)}::text[],
      ${found.map((one) => one.outcome)}::text[], ${found.map((one) => one.reason)}::text[],
      ${found.map((one) => one.repositoryId ?? null)}::bigint[]) as f(upstream_name, name, outcome, reason, repository_id)
    on conflict do nothing`.execute(kysely(em));
  return Number(staged.numAffectedRows ?? 0n);
}

/** Decides on the staged names: which the rule has made already, and which have a target that is taken. */
export async function settleOutcomes(em: Em, taskId: number, ruleId: number): Promise<void> {
  const db = kysely(em);
  await sql`
    update rule_outcome o set outcome = 'PRESENT', repository_id = r.id, name = r.name, reason = null
    from rule_repository made join repository r on r.id = made.repository_id
    where o.task_id = ${taskId} and made.rule_id = ${ruleId} and made.upstream_name = o.upstream_name`.execute(
    db,
  );
  // of the same upstream repository, and no rule's: made by a configuration, or by a rule that was deleted
  await sql`
    update rule_outcome o set outcome = 'PRESENT', repository_id = r.id
    from repository r join remote on remote.id = r.remote_id, mirror_rule rule
    where o.task_id = ${taskId} and rule.id = ${ruleId} and o.outcome = 'CREATE' and r.name = o.name
      and remote.url = rule.url and remote.upstream_name = o.upstream_name
      and not exists (select from rule_repository made where made.repository_id = r.id)`.execute(db);
  await sql`
    update rule_outcome o set outcome = 'COLLIDES', reason = format('%s and %s would both become %s.', to_json(o.upstream_name),
      to_json(case when o.upstream_name = names[1] then names[2] else names[1] end), to_json(o.name))
    from (
      select name, array_agg(upstream_name order by upstream_name) as names from rule_outcome
      where task_id = ${taskId} and outcome = 'CREATE' group by name having count(*) > 1
    ) as double
    where o.task_id = ${taskId} and o.outcome = 'CREATE' and o.name = double.name`.execute(db);
  await sql`
    update rule_outcome o set outcome = 'COLLIDES', reason = case
        when made.upstream_name is not null then format('%s would become %s, which a mirror rule has made from %s.', to_json(o.upstream_name),
          to_json(o.name), to_json(made.upstream_name))
        when r.id is not null then format('%s would become %s, and there is a repository of that name.', to_json(o.upstream_name), to_json(o.name))
        when d.id is not null then format('%s would become %s, and a distribution of another repository is there.', to_json(o.upstream_name),
          to_json(o.name))
        else format('%s would become %s, and there is a remote of that name.', to_json(o.upstream_name), to_json(o.name)) end
    from rule_outcome own left join repository r on r.name = own.name left join rule_repository made on made.repository_id = r.id
      left join distribution d on d.base_path = own.name left join remote on remote.name = own.name
    where o.task_id = ${taskId} and o.outcome = 'CREATE' and own.task_id = o.task_id and own.upstream_name = o.upstream_name
      and (r.id is not null or d.id is not null or remote.id is not null)`.execute(db);
}

export interface MissingRepository {
  readonly repositoryId: number;
  readonly name: string;
  readonly upstreamName: string;
  readonly isVanished: boolean;
}

/** Repositories of the rule that the upstream has not listed. */
export async function readMissing(em: Em, taskId: number, ruleId: number): Promise<MissingRepository[]> {
  const found = await sql<MissingRepository>`
    select r.id as "repositoryId", r.name, made.upstream_name as "upstreamName", made.vanished_at is not null as "isVanished"
    from rule_repository made join repository r on r.id = made.repository_id
    where made.rule_id = ${ruleId}
      and not exists (select from rule_outcome o where o.task_id = ${taskId} and o.upstream_name = made.upstream_name)
    order by made.upstream_name`.execute(kysely(em));
  return found.rows;
}

/** Makes repositories the rule's that are of the same upstream repositories. */
export async function adoptPresent(em: Em, taskId: number, ruleId: number): Promise<void> {
  await sql`
    insert into rule_repository (repository_id, rule_id, upstream_name)
    select repository_id, ${ruleId}, upstream_name from rule_outcome
    where task_id = ${taskId} and outcome = 'PRESENT' and repository_id is not null on conflict do nothing`.execute(
    kysely(em),
  );
}

/** Flags the vanished repositories, and clears the flag of those that are back. */
export async function flagVanished(em: Em, taskId: number): Promise<void> {
  await sql`
    update rule_repository made set vanished_at = case when o.outcome = 'VANISHED' then coalesce(made.vanished_at, now()) end
    from rule_outcome o where o.task_id = ${taskId} and o.repository_id = made.repository_id
      and o.outcome in ('VANISHED', 'PRESENT') and (o.outcome = 'VANISHED') <> (made.vanished_at is not null)`.execute(
    kysely(em),
  );
}

export interface NewRepository {
  readonly upstreamName: string;
  readonly name: string;
}

/** The next names to create a repository for. */
export async function readToCreate(em: Em, taskId: number, limit: number): Promise<NewRepository[]> {
  const found = await sql<NewRepository>`
    select upstream_name as "upstreamName", name from rule_outcome
    where task_id = ${taskId} and outcome = 'CREATE' and repository_id is null
    order by upstream_name limit ${limit}`.execute(kysely(em));
  return found.rows;
}

/** Notes a new repository of the rule, in the transaction that creates it. */
export async function noteCreated(
  em: Em,
  created: {
    readonly taskId: number;
    readonly ruleId: number;
    readonly upstreamName: string;
    readonly repositoryId: number;
  },
): Promise<void> {
  const { taskId, ruleId, upstreamName, repositoryId } = created;
  const db = kysely(em);
  await sql`
    insert into rule_repository (repository_id, rule_id, upstream_name) values (${repositoryId}, ${ruleId}, ${upstreamName})`.execute(
    db,
  );
  await sql`
    update rule_outcome set repository_id = ${repositoryId} where task_id = ${taskId} and upstream_name = ${upstreamName}`.execute(
    db,
  );
}

export async function changeOutcome(
  em: Em,
  taskId: number,
  { upstreamName, outcome, reason }: Omit<FoundRepository, 'name'>,
): Promise<void> {
  await kysely(em)
    .updateTable('rule_outcome')
    .set({ outcome, reason })
    .where('task_id', '=', taskId)
    .where('upstream_name', '=', upstreamName)
    .execute();
}
