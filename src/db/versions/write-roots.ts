import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Em } from '../open-database.ts';
import type { Draft } from './draft.ts';
import { isInVersion } from './memberships.ts';
import type { VersionKey } from '../reads/read-versions.ts';
import { kysely } from '../sql.ts';

/* Tags and untagged roots. All other rows of a version follow from them. */

/** Ends the present tags `t` that meet the condition. */
export async function endTags(em: Em, draft: Draft, condition: RawBuilder<unknown>): Promise<void> {
  await sql`
    update tag_membership t set removed_in = ${draft.number}
    where t.repository_id = ${draft.repositoryId} and t.removed_in is null and ${condition}`.execute(
    kysely(em),
  );
}

/** Ends the present roots `r` that meet the condition. */
export async function endRoots(em: Em, draft: Draft, condition: RawBuilder<unknown>): Promise<void> {
  await sql`
    update root_membership r set removed_in = ${draft.number}
    where r.repository_id = ${draft.repositoryId} and r.removed_in is null and ${condition}`.execute(
    kysely(em),
  );
}

/** Sets tags from a query of `name` (collation "C", distinct) and `manifest_id`. */
export async function setTags(em: Em, draft: Draft, query: RawBuilder<unknown>): Promise<void> {
  const { repositoryId, number } = draft;
  const db = kysely(em);
  await sql`
    with wish as materialized (${query})
    update tag_membership t set removed_in = ${number} from wish
    where t.repository_id = ${repositoryId} and t.removed_in is null and t.name = wish.name
      and t.manifest_id <> wish.manifest_id`.execute(db);
  await sql`
    with wish as materialized (${query})
    insert into tag_membership (repository_id, name, manifest_id, added_in)
    select ${repositoryId}, wish.name, wish.manifest_id, ${number} from wish
    where not exists (select from lateral (
      select from tag_membership t where t.repository_id = ${repositoryId} and t.name = wish.name
        and t.removed_in is null offset 0) as present)
    order by wish.name`.execute(db);
}

/** Keeps the former manifests of moved tags as untagged roots, and ends the roots that are tagged again. */
export async function settleRoots(em: Em, draft: Draft): Promise<void> {
  const { repositoryId, number } = draft;
  await endRoots(
    em,
    draft,
    sql`exists (select from tag_membership t where t.repository_id = ${repositoryId} and t.added_in = ${number}
      and t.name = r.name and t.manifest_id = r.manifest_id)`,
  );
  await keepUntagged(em, draft);
}

/** Keeps the former manifests of tags as untagged roots under the tag's name, for pulls by digest. */
export async function keepUntagged(em: Em, draft: Draft): Promise<void> {
  await insertRoots(
    em,
    draft,
    sql`select t.manifest_id, t.name from tag_membership t
      where t.repository_id = ${draft.repositoryId} and t.removed_in = ${draft.number}`,
  );
}

/** Adds the untagged roots of a version of any repository. */
export async function addRoots(em: Em, draft: Draft, version: VersionKey): Promise<void> {
  await insertRoots(
    em,
    draft,
    sql`select r.manifest_id, r.name from root_membership r
      where ${isInVersion('r', version)}`,
  );
}

/** Adds untagged roots from a query of `manifest_id` and `name`. */
export async function insertRoots(em: Em, draft: Draft, query: RawBuilder<unknown>): Promise<void> {
  const { repositoryId, number } = draft;
  await sql`
    insert into root_membership (repository_id, manifest_id, name, added_in)
    select ${repositoryId}, wish.manifest_id, wish.name, ${number} from (${query}) as wish
    where not exists (select from lateral (
      select from root_membership r where r.repository_id = ${repositoryId} and r.manifest_id = wish.manifest_id
        and r.name = wish.name and r.removed_in is null offset 0) as present)
    order by wish.manifest_id, wish.name`.execute(kysely(em));
}
