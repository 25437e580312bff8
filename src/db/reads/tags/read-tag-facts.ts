import { sql } from 'kysely';
import type { TagOutcome } from '../../../selection/tag-outcome.ts';
import type { Em } from '../../open-database.ts';
import { kysely } from '../../sql.ts';

export interface TagFacts {
  /** In the latest version; null: absent. */
  readonly presentDigest: string | null;
  /** The last completed sync; null before the first. */
  readonly taskId: number | null;
  /** What that sync did with the tag; null: nothing. */
  readonly outcome: TagOutcome | null;
  readonly reason: string | null;
  readonly newDigest: string | null;
}

export async function readTagFacts(em: Em, repositoryId: number, name: string): Promise<TagFacts> {
  const found = await sql<TagFacts>`
    select m.digest as "presentDigest", last.id as "taskId", did.outcome, did.reason, did.new_digest as "newDigest"
    from repository r
      left join tag_membership t on t.repository_id = r.id and t.name = ${name} and t.removed_in is null
      left join manifest m on m.id = t.manifest_id
      left join lateral (
        select id from task where repository_id = r.id and name = 'repository.sync' and state = 'COMPLETED'
          and not (arguments @> '{"dryRun": true}') order by id desc limit 1) as last on true
      left join task_tag did on did.task_id = last.id and did.name = ${name}
    where r.id = ${repositoryId}`.execute(kysely(em));
  return found.rows[0] ?? { presentDigest: null, taskId: null, outcome: null, reason: null, newDigest: null };
}

const pageSize = 5_000;

/** Pages of the tags of the latest version. */
export async function* readPresentNames(em: Em, repositoryId: number): AsyncGenerator<string[]> {
  for (let after = ''; ;) {
    const page = await sql<{ name: string }>`
      select name from tag_membership
      where repository_id = ${repositoryId} and removed_in is null and name collate "C" > ${after}
      order by name collate "C" limit ${pageSize}`.execute(kysely(em));
    const last = page.rows.at(-1);
    if (last === undefined) return;
    after = last.name;
    yield page.rows.map(({ name }) => name);
  }
}
