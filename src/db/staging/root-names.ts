import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import type { KeptTag } from '../outcomes/keep-tags.ts';
import { listedNames } from './selected-graph.ts';
import { kysely } from '../sql.ts';

export interface RootName {
  /** A tag, or a digest that the remote names. */
  readonly name: string;
  readonly manifestId: number;
}

/** The names under which a sync takes these manifests. */
export async function readRootNames(
  em: Em,
  { taskId, repositoryId }: { readonly taskId: number; readonly repositoryId: number },
  ids: readonly number[],
): Promise<RootName[]> {
  const wanted = sql`any(${ids}::bigint[])`;
  const found = await sql<RootName>`
    select s.name, s.manifest_id as "manifestId" from sync_tag s where s.task_id = ${taskId} and s.manifest_id = ${wanted}
    union all
    select t.name, t.manifest_id from tag_membership t
    where t.repository_id = ${repositoryId} and t.removed_in is null and t.manifest_id = ${wanted}
      and t.name in (${listedNames(taskId)})
      and not exists (select from sync_tag s where s.task_id = ${taskId} and s.name = t.name)
    union all
    select r.name, r.manifest_id from sync_root r
    where r.task_id = ${taskId} and not r.is_removed and r.manifest_id = ${wanted} and r.name not like '@%'
    order by name`.execute(kysely(em));
  return found.rows;
}

/** Leaves requested digests as the repository has them. */
export async function keepRoots(
  em: Em,
  taskId: number,
  kept: readonly Pick<KeptTag, 'name' | 'outcome' | 'code' | 'reason'>[],
): Promise<void> {
  if (kept.length === 0) return;
  const column = (key: 'name' | 'outcome' | 'code' | 'reason') => kept.map((root) => root[key] ?? null);
  await sql`
    update sync_root r set outcome = v.outcome, code = v.code, reason = v.reason
    from unnest(${column('name')}::text[], ${column('outcome')}::text[], ${column('code')}::text[], ${column('reason')}::text[])
      as v(name, outcome, code, reason)
    where r.task_id = ${taskId} and not r.is_removed and r.name = v.name`.execute(kysely(em));
}
