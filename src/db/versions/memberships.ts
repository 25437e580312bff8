import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Em } from '../open-database.ts';
import type { VersionKey } from '../reads/read-versions.ts';
import { kysely } from '../sql.ts';
import type { Draft } from './draft.ts';

export type MembershipKind = 'manifest' | 'blob' | 'signature';

/** Whether the range of the membership row contains a version (docs/database.md). */
export function isIn(row: string, number: number | RawBuilder<unknown>): RawBuilder<unknown> {
  const name = sql.raw(row);
  return sql`${name}.added_in <= ${number} and (${name}.removed_in is null or ${name}.removed_in > ${number})`;
}

export function isInVersion(row: string, { repositoryId, number }: VersionKey): RawBuilder<unknown> {
  return sql`${sql.raw(row)}.repository_id = ${repositoryId} and ${isIn(row, number)}`;
}

/** Whether the version that is being made has the content. `offset 0`: see docs/database.md. */
export function isPresent(
  { repositoryId }: Draft,
  kind: MembershipKind,
  id: RawBuilder<unknown>,
): RawBuilder<unknown> {
  return sql`exists (select from lateral (
    select from membership p where p.repository_id = ${repositoryId} and p.kind = ${sql.lit(kind)} and p.content_id = ${id}
      and p.removed_in is null offset 0) as present)`;
}

/** Adds the content that the query returns as `id`, without duplicates, unless it is present. */
export async function addMemberships(
  em: Em,
  draft: Draft,
  kind: MembershipKind,
  query: RawBuilder<unknown>,
): Promise<void> {
  await sql`
    insert into membership (repository_id, kind, content_id, added_in)
    select ${draft.repositoryId}, ${sql.lit(kind)}, fresh.id, ${draft.number} from (${query}) as fresh
    where not ${isPresent(draft, kind, sql`fresh.id`)}
    order by fresh.id`.execute(kysely(em));
}

/** The manifests of the tags and untagged roots that the version adds, and children that it no longer lacks, as `manifest_id`. */
export function newRoots({ repositoryId, number }: Draft): RawBuilder<unknown> {
  return sql`(select manifest_id from tag_membership where repository_id = ${repositoryId} and added_in = ${number}
    union
    select manifest_id from root_membership where repository_id = ${repositoryId} and added_in = ${number}
    union
    select entry.child_id from (
        select parent_id, position from absent_child where repository_id = ${repositoryId} and removed_in = ${number}
        except
        select parent_id, position from absent_child where repository_id = ${repositoryId} and removed_in is null) as regained
      join manifest_manifest entry on entry.parent_id = regained.parent_id and entry.position = regained.position
      join membership p on p.repository_id = ${repositoryId} and p.kind = 'manifest' and p.content_id = entry.parent_id
        and p.removed_in is null)`;
}
