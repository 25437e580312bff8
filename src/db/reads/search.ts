import { sql } from 'kysely';
import { nameVisible } from '../access/visibility.ts';
import type { Visibility } from '../access/visibility.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/** A tag of the latest version of a repository. */
export interface FoundTag {
  readonly repositoryId: number;
  readonly tag: string;
  readonly digest: string;
}

/** The visible repositories whose name contains the text. Those that begin or end with it come first. */
export async function findRepositories(
  em: Em,
  visibility: Visibility,
  { text, first }: { readonly text: string; readonly first: number },
): Promise<number[]> {
  const found = await sql<{ id: number }>`
    select r.id from repository r
    where position(${text} in r.name) > 0 and ${nameVisible(sql`r.name`, visibility)}
    order by r.name = ${text} desc, right(r.name, length(${text})) = ${text} desc, r.name ^@ ${text} desc, r.name
    limit ${first}`.execute(kysely(em));
  return found.rows.map(({ id }) => id);
}

/** Above any text that begins with another one, in the order of bytes. */
const last = '\u{10ffff}';

/** Tags that begin with the text, in the latest versions of the visible repositories: one of each repository, from the index. */
export async function findTags(
  em: Em,
  visibility: Visibility,
  { text, first }: { readonly text: string; readonly first: number },
): Promise<FoundTag[]> {
  const found = await sql<FoundTag>`
    select r.id as "repositoryId", t.name as tag, m.digest
    from repository r cross join lateral (
      select name, manifest_id from tag_membership
      where repository_id = r.id and removed_in is null and name >= ${text} and name < ${text + last}
      order by name limit 1
    ) as t join manifest m on m.id = t.manifest_id
    where ${nameVisible(sql`r.name`, visibility)}
    order by t.name = ${text} desc, r.name limit ${first}`.execute(kysely(em));
  return found.rows;
}

/** Tags of the latest versions whose manifest, or an entry of it, has a digest that begins with the text. */
export async function findDigests(
  em: Em,
  visibility: Visibility,
  { text, first }: { readonly text: string; readonly first: number },
): Promise<FoundTag[]> {
  const found = await sql<FoundTag>`
    with named as (
      select id, digest from manifest where digest >= ${text} and digest < ${text + last} order by digest limit ${first}
    ), roots as (
      select id, digest from named
      union select e.parent_id, named.digest from named join manifest_manifest e on e.child_id = named.id
    )
    select r.id as "repositoryId", t.name as tag, roots.digest
    from roots join tag_membership t on t.manifest_id = roots.id and t.removed_in is null
      join repository r on r.id = t.repository_id
    where ${nameVisible(sql`r.name`, visibility)}
    order by roots.digest, r.name, t.name limit ${first}`.execute(kysely(em));
  return found.rows;
}
