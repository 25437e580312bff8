import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { companionSuffixes } from '../../oci/signatures/companion-tag.ts';
import type { Digest } from '../../oci/digest.ts';
import { companionPattern, companionTagOf, subjectOfTag } from '../content/companion-tags.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/* The tags of the latest version that belong to a manifest, and the companions that belong to it. Both walks read only what they reach. */

export interface TouchedTag {
  readonly subject: Digest;
  /** A tag that leads to it: through indexes, and through the subjects of referrers and companion tags. */
  readonly name: string;
}

/** Of each subject that the latest version has, the first tags, ordered by name. */
export async function readTouchedTags(
  em: Em,
  repositoryId: number,
  subjects: readonly Digest[],
  atMost: number,
): Promise<TouchedTag[]> {
  if (subjects.length === 0) return [];
  const found = await sql<TouchedTag>`
    with recursive up(id, subject) as (
      select m.id, m.digest from manifest m where m.digest = any(${[...subjects]}::text[]) and ${isPresent(repositoryId, sql`m.id`)}
      union
      select above.id, up.subject from up cross join lateral (
        select e.parent_id as id from manifest_manifest e where e.child_id = up.id
        union all
        select s.id from root_membership r join manifest s on s.digest = substr(r.name, 2)
        where r.repository_id = ${repositoryId} and r.manifest_id = up.id and r.removed_in is null and r.name like '@%'
        union all
        select s.id from tag_membership t join manifest s on s.digest = ${subjectOfTag(sql`t.name`)}
        where t.repository_id = ${repositoryId} and t.manifest_id = up.id and t.removed_in is null and t.name ~ ${companionPattern}
      ) as above where ${isPresent(repositoryId, sql`above.id`)}
    )
    select subject, name from (
      select up.subject, t.name, row_number() over (partition by up.subject order by t.name) as place
      from up join tag_membership t on t.repository_id = ${repositoryId} and t.manifest_id = up.id and t.removed_in is null
    ) as found where place <= ${atMost} order by subject, name`.execute(kysely(em));
  return found.rows;
}

/** The companion tags of the manifests under these tags, of those below them, and of their companions in turn. */
export async function readCompanionsBelow(
  em: Em,
  repositoryId: number,
  tags: readonly string[],
): Promise<string[]> {
  if (tags.length === 0) return [];
  // of `m`; `offset 0`: see docs/database.md
  const companions = sql`unnest(${[...companionSuffixes]}::text[]) as suffix cross join lateral (
      select name, manifest_id from tag_membership where repository_id = ${repositoryId}
        and name = ${companionTagOf(sql`m.digest`, sql`suffix`)} and removed_in is null offset 0) as t`;
  const found = await sql<{ name: string }>`
    with recursive down(id) as (
      select manifest_id from tag_membership
      where repository_id = ${repositoryId} and name = any(${[...tags]}::text[]) and removed_in is null
      union
      select below.id from down join manifest m on m.id = down.id cross join lateral (
        select e.child_id as id from manifest_manifest e where e.parent_id = m.id
        union all
        select r.manifest_id from manifest s join root_membership r on r.repository_id = ${repositoryId} and r.manifest_id = s.id
          and r.name = '@' || m.digest and r.removed_in is null where s.subject_digest = m.digest
        union all
        select t.manifest_id from ${companions}
      ) as below where ${isPresent(repositoryId, sql`below.id`)}
    )
    select distinct t.name from down join manifest m on m.id = down.id cross join ${companions} order by t.name`.execute(
    kysely(em),
  );
  return found.rows.map(({ name }) => name);
}

function isPresent(repositoryId: number, id: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`exists (select from lateral (select from membership p where p.repository_id = ${repositoryId} and p.kind = 'manifest'
    and p.content_id = ${id} and p.removed_in is null offset 0) as present)`;
}
