import { sql } from 'kysely';
import { companionSuffixes } from '../../oci/signatures/companion-tag.ts';
import type { Em } from '../open-database.ts';
import type { Draft } from './draft.ts';
import { companionTagOf } from '../content/companion-tags.ts';
import { kysely } from '../sql.ts';

/**
 * Ends the referrers and companion tags of the manifests that left.
 * @returns whether there were any: their content may leave as well.
 */
export async function endFollowers(em: Em, draft: Draft): Promise<boolean> {
  const { repositoryId, number } = draft;
  const db = kysely(em);
  const gone = sql`
    gone as materialized (
      select m.digest from membership g join manifest m on m.id = g.content_id
      where g.repository_id = ${repositoryId} and g.removed_in = ${number} and g.kind = 'manifest'
        and not exists (select from lateral (
          select from manifest other join membership held on held.repository_id = ${repositoryId} and held.kind = 'manifest'
            and held.content_id = other.id and held.removed_in is null
          where other.digest = m.digest and other.id <> m.id offset 0) as stays)
    )`;
  const referrers = await sql`
    with ${gone}, follower as materialized (
      select s.id, '@' || gone.digest as name from gone cross join lateral (
        select id from manifest where subject_digest = gone.digest offset 0) as s
    )
    update root_membership r set removed_in = ${number} from follower
    where r.repository_id = ${repositoryId} and r.manifest_id = follower.id and r.name = follower.name
      and r.removed_in is null`.execute(db);
  const tags = await sql`
    with ${gone}, follower as materialized (
      select ${companionTagOf(sql`gone.digest`, sql`suffix`)} as name from gone, unnest(${companionSuffixes}::text[]) as suffix
    )
    update tag_membership t set removed_in = ${number} from follower
    where t.repository_id = ${repositoryId} and t.name = follower.name and t.removed_in is null
      and ${draft.followers ?? sql`true`}`.execute(db);
  return (referrers.numAffectedRows ?? 0n) + (tags.numAffectedRows ?? 0n) > 0n;
}
