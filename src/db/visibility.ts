import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';

/**
 * Which names a caller may see; `access/viewer.ts` makes it of the caller's grants. Every read that begins at an id, a name or nothing
 * takes one: what is not seen is as absent. Lists below something that was seen need none.
 */
export interface Visibility {
  /** All names, and what has none. */
  readonly all: boolean;
  readonly names: readonly string[];
  /** Each ends in `/`. */
  readonly prefixes: readonly string[];
}

/** For what the server does by itself. */
export const everything: Visibility = { all: true, names: [], prefixes: [] };

export function isVisible({ all, names, prefixes }: Visibility, name: string): boolean {
  return all || names.includes(name) || prefixes.some((prefix) => name.startsWith(prefix));
}

/** The same as a condition on a column of names. */
export function nameVisible(
  name: RawBuilder<unknown>,
  { all, names, prefixes }: Visibility,
): RawBuilder<unknown> {
  if (all) return sql`true`;
  return sql`(${name} = any(${names}::text[]) or ${name} ^@ any(${prefixes}::text[]))`;
}

/** Whether the repository with the id in this column is there and seen; null ids only by those who see everything. */
export function repositoryVisible(
  repositoryId: RawBuilder<unknown>,
  visibility: Visibility,
): RawBuilder<unknown> {
  if (visibility.all) return sql`true`;
  return sql`exists (select from repository seen where seen.id = ${repositoryId} and ${nameVisible(sql`seen.name`, visibility)})`;
}

/** Whether any version of a repository that is seen holds this content. */
export function contentVisible(
  kind: 'manifest' | 'blob' | 'signature',
  contentId: RawBuilder<unknown>,
  visibility: Visibility,
): RawBuilder<unknown> {
  if (visibility.all) return sql`true`;
  return sql`exists (select from repository seen where ${nameVisible(sql`seen.name`, visibility)} and exists (
    select from membership held where held.repository_id = seen.id and held.kind = ${kind} and held.content_id = ${contentId}))`;
}
