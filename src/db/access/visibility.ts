import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Identity } from '../schema/columns/identity.ts';

/**
 * The names that a caller may see, from their grants (`access/viewer.ts`). Every read that begins at an id, a name or
 * nothing takes one; the rest is treated as absent. Lists below a visible row need none.
 */
export interface Visibility {
  /** All names, and rows without a name. */
  readonly all: boolean;
  readonly names: readonly string[];
  readonly prefixes: readonly string[];
  /** The caller also sees their own tasks. */
  readonly identity?: Identity;
}

/** For background work of the server. */
export const everything: Visibility = { all: true, names: [], prefixes: [] };

export function isVisible({ all, names, prefixes }: Visibility, name: string): boolean {
  return all || names.includes(name) || prefixes.some((prefix) => name.startsWith(prefix));
}

/** As a condition on a column of names. */
export function nameVisible(
  name: RawBuilder<unknown>,
  { all, names, prefixes }: Visibility,
): RawBuilder<unknown> {
  if (all) return sql`true`;
  return sql`(${name} = any(${names}::text[]) or ${name} ^@ any(${prefixes}::text[]))`;
}

/** Whether the repository exists and is visible. Null ids are visible to those who see everything. */
export function repositoryVisible(
  repositoryId: RawBuilder<unknown>,
  visibility: Visibility,
): RawBuilder<unknown> {
  if (visibility.all) return sql`true`;
  return sql`exists (select from repository seen where seen.id = ${repositoryId} and ${nameVisible(sql`seen.name`, visibility)})`;
}

/**
 * Whether a row of `task` is visible: with its repository or mirror rule, or, once that is deleted, to the caller who started the task.
 * A failed first sync deletes its repository (`discardUnlessSynced`), and its caller must still read the reason.
 */
export function taskVisible(visibility: Visibility): RawBuilder<unknown> {
  if (visibility.all) return sql`true`;
  const { identity } = visibility;
  const withRepository = sql`(${repositoryVisible(sql`task.repository_id`, visibility)} or exists (
    select from mirror_rule seen where seen.id = task.rule_id and ${nameVisible(sql`seen.name`, visibility)}))`;
  // Groups differ between logins; the subject does not.
  const starter =
    identity?.kind === 'token'
      ? { kind: identity.kind, id: identity.id }
      : identity?.kind === 'subject'
        ? { kind: identity.kind, subject: identity.subject }
        : undefined;
  if (starter === undefined) return withRepository;
  return sql`(${withRepository} or (task.repository_id is null and task.started_by @> ${JSON.stringify(starter)}::jsonb))`;
}

/** Whether a version of a visible repository has this content. */
export function contentVisible(
  kind: 'manifest' | 'blob' | 'signature',
  contentId: RawBuilder<unknown>,
  visibility: Visibility,
): RawBuilder<unknown> {
  if (visibility.all) return sql`true`;
  return sql`exists (select from repository seen where ${nameVisible(sql`seen.name`, visibility)} and exists (
    select from membership held where held.repository_id = seen.id and held.kind = ${kind} and held.content_id = ${contentId}))`;
}
