import { sql } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import type { KeptOutcome } from '../../selection/tag-outcome.ts';
import { companionPattern, subjectOfTag } from '../content/companion-tags.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/* Tags that the commit leaves as the repository has them: absent, or at their last digest. */

export interface KeptTag {
  /** A tag, or a digest that `includeTags` names. */
  readonly name: string;
  readonly outcome: KeptOutcome;
  /** The code of the error, for FAILED. */
  readonly code?: string | undefined;
  readonly reason: string;
  /** The digest at the upstream, if it is known. */
  readonly digest?: Digest | undefined;
}

/** Stages tags whose manifests are not stored. `stageTags` replaces the rows if a later attempt has them. */
export async function keepTags(em: Em, taskId: number, tags: readonly KeptTag[]): Promise<void> {
  if (tags.length === 0) return;
  const distinct = [...new Map(tags.map((tag) => [tag.name, tag])).values()];
  const column = (key: keyof KeptTag) => distinct.map((tag) => tag[key] ?? null);
  await sql`
    insert into sync_tag (task_id, name, outcome, code, reason, digest)
    select ${taskId}, name, outcome, code, reason, digest
    from unnest(${column('name')}::text[], ${column('outcome')}::text[], ${column('code')}::text[],
      ${column('reason')}::text[], ${column('digest')}::text[]) as v(name, outcome, code, reason, digest)
    order by name collate "C"
    on conflict (task_id, name) do update set manifest_id = null, outcome = excluded.outcome, code = excluded.code,
      reason = excluded.reason, digest = excluded.digest`.execute(kysely(em));
}

/**
 * Keeps the companions of kept manifests, even if the upstream no longer has them: without its signature a kept image would
 * no longer be verified.
 */
export async function keepCompanions(em: Em, taskId: number): Promise<void> {
  await sql`
    with recursive kept(id) as (
      select t.manifest_id from sync_tag s join task on task.id = s.task_id
        join tag_membership t on t.repository_id = task.repository_id and t.name = s.name and t.removed_in is null
      where s.task_id = ${taskId} and s.outcome is not null
      union
      select e.child_id from kept join manifest_manifest e on e.parent_id = kept.id
    )
    update sync_tag s set outcome = 'NOT_VERIFIED' from kept join manifest m on m.id = kept.id
    where s.task_id = ${taskId} and s.manifest_id is null and s.outcome is null and s.name ~ ${companionPattern}
      and ${subjectOfTag(sql`s.name`)} = m.digest`.execute(kysely(em));
}
