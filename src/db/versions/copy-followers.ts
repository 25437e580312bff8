import { sql } from 'kysely';
import { companionSuffixes } from '../../oci/signatures/companion-tag.ts';
import { isKeptIn } from '../content/absences.ts';
import { companionTagOf } from '../content/companion-tags.ts';
import type { Em } from '../open-database.ts';
import type { Draft } from './draft.ts';
import type { VersionKey } from '../reads/read-versions.ts';
import { isInVersion } from './memberships.ts';
import { insertRoots, setTags } from './write-roots.ts';

/** Copies the companion tags and referrers of the copied graphs. */
export async function copyFollowers(
  em: Em,
  draft: Draft,
  source: { readonly version: VersionKey; readonly tags: readonly string[] },
): Promise<void> {
  const companions = sql`(select ${companionTagOf(sql`m.digest`, sql`suffix`)} from unnest(${companionSuffixes}::text[]) as suffix)`;
  const chosen = sql`
    chosen(id) as (
      select t.manifest_id from tag_membership t
      where ${isInVersion('t', source.version)} and t.name = any(${source.tags}::text[])
      union
      select next.id from chosen join manifest m on m.id = chosen.id cross join lateral (
        select edge.child_id as id from manifest_manifest edge where edge.parent_id = m.id and ${isKeptIn(source.version)}
        union all
        select s.id from manifest s join membership b on ${isInVersion('b', source.version)} and b.kind = 'manifest'
          and b.content_id = s.id
        where s.subject_digest = m.digest
        union all
        select t.manifest_id from tag_membership t
        where ${isInVersion('t', source.version)} and t.name in ${companions}
      ) as next
    )`;
  await setTags(
    em,
    draft,
    sql`select * from (
      with recursive ${chosen}
      select t.name, t.manifest_id from chosen join manifest m on m.id = chosen.id
        join tag_membership t on ${isInVersion('t', source.version)} and t.name in ${companions}) as companion`,
  );
  await insertRoots(
    em,
    draft,
    sql`select * from (
      with recursive ${chosen}
      select s.id as manifest_id, '@' || m.digest as name from chosen join manifest m on m.id = chosen.id
        join manifest s on s.subject_digest = m.digest join chosen as came on came.id = s.id) as referrer`,
  );
}
