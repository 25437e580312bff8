import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { CompanionSuffix } from '../../oci/signatures/companion-tag.ts';
import type { Digest } from '../../oci/digest.ts';
import type { Em } from '../open-database.ts';
import { hasFailed } from '../outcomes/failed-content.ts';
import { selectedGraph } from './selected-graph.ts';
import { mayReuse } from './reuse.ts';
import type { Reuse } from './reuse.ts';
import { isKeptBySync } from '../content/absences.ts';
import { reachFrom } from '../content/reach.ts';
import { companionTagOf } from '../content/companion-tags.ts';
import { kysely } from '../sql.ts';

/* Staging rows of companion tags and referrers. */

/** The root name of a referrer, which leaves with its subject. No tag or digest begins with @. */
export function referrerRootName(subject: Digest): string {
  return `@${subject}`;
}

/** The subject of a referrer's root; undefined for any other root. */
export function parseReferrerRoot(name: string): string | undefined {
  return name.startsWith('@') ? name.slice(1) : undefined;
}

/** Names that the upstream lists and the filters exclude. */
export async function stageCompanionNames(em: Em, taskId: number, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  await sql`
    insert into sync_companion (task_id, name)
    select ${taskId}, n from unnest(${[...new Set(names)].sort()}::text[]) as n on conflict do nothing`.execute(
    kysely(em),
  );
}

export interface ManifestRef {
  readonly id: number;
  readonly digest: Digest;
}

function below(rootIds: readonly number[], taskId: number): RawBuilder<unknown> {
  return reachFrom(
    sql`select unnest(${rootIds}::bigint[])`,
    sql`${isKeptBySync(taskId)} and not ${hasFailed(taskId, sql`reach.id`)}`,
  );
}

/** Stored manifests, from the roots down, whose companions and referrers are not staged yet. */
export async function findUnasked(
  em: Em,
  taskId: number,
  rootIds: readonly number[],
  limit: number,
): Promise<ManifestRef[]> {
  const result = await sql<ManifestRef>`
    with recursive ${below(rootIds, taskId)}
    select m.id, m.digest from reach join manifest m on m.id = reach.id
    where m.raw is not null and not ${hasFailed(taskId, sql`m.id`)}
      and not exists (select from sync_asked a where a.task_id = ${taskId} and a.manifest_id = m.id)
    order by m.id limit ${limit}`.execute(kysely(em));
  return result.rows;
}

export async function markAsked(em: Em, taskId: number, ids: readonly number[]): Promise<void> {
  await sql`
    insert into sync_asked (task_id, manifest_id)
    select ${taskId}, id from unnest(${[...ids].sort((a, b) => a - b)}::bigint[]) as id on conflict do nothing`.execute(
    kysely(em),
  );
}

export interface CompanionName {
  readonly name: string;
  readonly subject: Digest;
}

/** Companion names of these manifests that are not selected yet. */
export async function findCompanions(
  em: Em,
  taskId: number,
  subjects: readonly Digest[],
  suffixes: readonly CompanionSuffix[],
): Promise<CompanionName[]> {
  const result = await sql<CompanionName>`
    select c.name, s.digest as subject
    from unnest(${subjects}::text[]) as s(digest) cross join unnest(${suffixes}::text[]) as suffix
      join sync_companion c on c.task_id = ${taskId} and c.name = ${companionTagOf(sql`s.digest`, sql`suffix`)}
    where not c.is_selected order by c.name`.execute(kysely(em));
  return result.rows;
}

/** Selects companions of selected manifests, whatever the filters say. */
export async function selectCompanions(em: Em, taskId: number, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  await sql`
    insert into sync_companion (task_id, name, is_selected)
    select ${taskId}, n, true from unnest(${[...new Set(names)].sort()}::text[]) as n
    on conflict (task_id, name) do update set is_selected = true`.execute(kysely(em));
}

/** Names that do not exist, or are no companions. */
export async function dropCompanions(em: Em, taskId: number, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  await sql`delete from sync_companion where task_id = ${taskId} and name = any(${names}::text[])`.execute(
    kysely(em),
  );
}

export interface StoredReferrer extends ManifestRef {
  readonly subject: Digest | null;
}

/** Typed manifests that are stored and may be reused. */
export async function readStoredReferrers(
  em: Em,
  digests: readonly Digest[],
  reuse: Reuse,
): Promise<Map<Digest, StoredReferrer>> {
  const result = await sql<StoredReferrer>`
    select m.id, m.digest, m.subject_digest as subject from manifest m
    where m.digest = any(${digests}::text[]) and m.raw is not null and m.is_typed
      and ${mayReuse('manifest', sql`m.id`, reuse)}`.execute(kysely(em));
  return new Map(result.rows.map((row) => [row.digest, row]));
}

/** The stored indexes that are empty or list a referrer of the subject. */
export async function findReferrerIndexes(
  em: Em,
  indexes: readonly { readonly manifestId: number; readonly subject: Digest }[],
): Promise<Set<number>> {
  if (indexes.length === 0) return new Set();
  const result = await sql<{ id: number }>`
    select v.id from unnest(${indexes.map(({ manifestId }) => manifestId)}::bigint[], ${indexes.map(({ subject }) => subject)}::text[])
      as v(id, subject)
    where not exists (select from manifest_manifest edge where edge.parent_id = v.id)
      or exists (select from manifest_manifest edge join manifest m on m.id = edge.child_id
        where edge.parent_id = v.id and m.subject_digest = v.subject)`.execute(kysely(em));
  return new Set(result.rows.map((row) => row.id));
}

/** Unreadable signatures or referrers of a manifest: they may exist (fault 63). */
export interface SignatureProblem {
  readonly subject: Digest;
  readonly reason: string;
}

/** Stands for all manifests if it is unknown whether atomic signatures exist. */
export const unknownSource = '*' as Digest;

export async function stageProblems(
  em: Em,
  taskId: number,
  problems: readonly SignatureProblem[],
): Promise<void> {
  if (problems.length === 0) return;
  const distinct = new Map(problems.map(({ subject, reason }) => [subject, reason]));
  await sql`
    insert into sync_problem (task_id, subject_digest, reason)
    select ${taskId}, v.* from unnest(${[...distinct.keys()]}::text[], ${[...distinct.values()]}::text[]) as v(subject, reason)
    order by subject on conflict (task_id, subject_digest) do nothing`.execute(kysely(em));
}

/** The selected manifests, among these digests, whose signatures and referrers were all read. */
export async function findRead(em: Em, taskId: number, subjects: readonly string[]): Promise<Set<string>> {
  if (subjects.length === 0) return new Set();
  const result = await sql<{ digest: string }>`
    with recursive ${selectedGraph(taskId)}
    select m.digest from manifest m join reach on reach.id = m.id
    where m.digest = any(${[...new Set(subjects)]}::text[])
      and exists (select from sync_asked a where a.task_id = ${taskId} and a.manifest_id = m.id)
      and not exists (select from sync_problem p where p.task_id = ${taskId} and p.subject_digest = m.digest)`.execute(
    kysely(em),
  );
  return new Set(result.rows.map((row) => row.digest));
}
