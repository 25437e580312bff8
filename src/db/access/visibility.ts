import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Identity } from '../schema/identity.ts';

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
  /** The caller, who also sees the tasks that they started; absent: nobody in particular. */
  readonly identity?: Identity;
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

/**
 * Whether a row of `task` is seen: with its repository; once that is gone, by whoever started the task. A first sync that fails
 * deletes its repository (`discardUnlessSynced`), and its caller still has to read why. While the repository is there, its roles decide alone.
 */
export function taskVisible(visibility: Visibility): RawBuilder<unknown> {
  if (visibility.all) return sql`true`;
  const { identity } = visibility;
  const withRepository = repositoryVisible(sql`task.repository_id`, visibility);
  // the groups of a login change; its subject does not
  const starter =
    identity?.kind === 'token'
      ? { kind: identity.kind, id: identity.id }
      : identity?.kind === 'subject'
        ? { kind: identity.kind, subject: identity.subject }
        : undefined;
  if (starter === undefined) return withRepository;
  return sql`(${withRepository} or (task.repository_id is null and task.started_by @> ${JSON.stringify(starter)}::jsonb))`;
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
