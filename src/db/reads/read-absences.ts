import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import type { AbsenceReason } from '../schema/columns/absence-reasons.ts';
import type { Em } from '../open-database.ts';
import { isIn, isInVersion } from '../versions/memberships.ts';
import type { VersionKey } from './read-versions.ts';
import { kysely } from '../sql.ts';
import { contentVisible } from '../access/visibility.ts';
import type { Visibility } from '../access/visibility.ts';

/** Why a version cannot serve a manifest. */
export interface Absence {
  /** `LOST`: the version has it, and its bytes are gone. */
  readonly kind: AbsenceReason | 'LOST';
  readonly parentDigest: Digest | null;
  /** What the remote took when it was left out, as far as it is known. */
  readonly platforms: readonly string[] | null;
}

/** Undefined for a manifest that the version does not know. */
export async function readAbsence(
  em: Em,
  version: VersionKey,
  reference: { readonly tag: string } | { readonly digest: Digest },
): Promise<Absence | undefined> {
  if ('tag' in reference) {
    const lost = sql`select from tag_membership t where t.name = ${reference.tag} and ${isInVersion('t', version)}`;
    return (await isAny(em, lost)) ? { kind: 'LOST', parentDigest: null, platforms: null } : undefined;
  }
  const found = await sql<Absence>`
    select 'LOST' as kind, null as "parentDigest", null::jsonb as platforms
    from manifest m join membership t on t.kind = 'manifest' and t.content_id = m.id
    where m.digest = ${reference.digest} and ${isInVersion('t', version)}
    union all
    (select a.reason, parent.digest, ${platformsOf(version)}
    from manifest child join manifest_manifest edge on edge.child_id = child.id
      join absent_child a on a.parent_id = edge.parent_id and a.position = edge.position and ${isInVersion('a', version)}
      join manifest parent on parent.id = edge.parent_id
    where child.digest = ${reference.digest} order by a.reason, parent.digest limit 1)`.execute(kysely(em));
  return found.rows[0];
}

async function isAny(em: Em, query: RawBuilder<unknown>): Promise<boolean> {
  return (await query.execute(kysely(em))).rows.length > 0;
}

/** Of the sync that left out the entry `a`, or else of the repository's remote. */
function platformsOf({ repositoryId }: VersionKey): RawBuilder<unknown> {
  return sql`coalesce(
    (select task.arguments #> '{selection,tagRules,platforms}' from repository_version v join task on task.id = v.task_id
      where v.repository_id = ${repositoryId} and v.number = a.added_in),
    (select u.tag_rules -> 'platforms' from repository r join remote u on u.id = r.remote_id where r.id = ${repositoryId}))`;
}

/** A manifest, and the version that it is shown in, if it is shown in one. */
export interface ParentInVersion {
  readonly id: number;
  readonly version: VersionKey | undefined;
}

/** An entry of an index. */
export interface DescriptorRow {
  readonly digest: string;
  readonly mediaType: string;
  readonly platform: string | null;
  readonly isStored: boolean;
  /** Why it is absent from the version; null if it is not, or outside of a version. */
  readonly absence: AbsenceReason | null;
}

/** The manifests that each index lists, in its order, absent ones too. */
export async function readDescriptors(
  em: Em,
  visibility: Visibility,
  parents: readonly ParentInVersion[],
): Promise<DescriptorRow[][]> {
  const found = await sql<DescriptorRow & { n: number }>`
    select p.n, m.digest, m.media_type as "mediaType", edge.platform, m.raw is not null and c.is_there as "isStored",
      case when not c.is_there then (select a.reason from absent_child a where a.repository_id = p.repository_id
        and a.parent_id = edge.parent_id and a.position = edge.position and ${isIn('a', sql`p.number`)} limit 1) end as absence
    from ${parentRows(parents)} join manifest_manifest edge on edge.parent_id = p.id join manifest m on m.id = edge.child_id
      cross join lateral (select ${isThere(visibility)} as is_there) as c
    order by p.n, edge.position`.execute(kysely(em));
  const groups = parents.map((): DescriptorRow[] => []);
  for (const { n, ...row } of found.rows) groups[n - 1]?.push(row);
  return groups;
}

export interface ChildCounts {
  readonly present: number;
  /** Lost ones are in neither of the counts. */
  readonly absent: number;
}

/** How many of the manifests that each index lists are stored, and how many the version does not have. */
export async function countChildren(
  em: Em,
  visibility: Visibility,
  parents: readonly ParentInVersion[],
): Promise<ChildCounts[]> {
  const found = await sql<ChildCounts & { n: number }>`
    select p.n, count(*) filter (where m.raw is not null and c.is_there) as present, count(*) filter (where not c.is_there) as absent
    from ${parentRows(parents)} join manifest_manifest edge on edge.parent_id = p.id join manifest m on m.id = edge.child_id
      cross join lateral (select ${isThere(visibility)} as is_there) as c
    group by p.n`.execute(kysely(em));
  const byPlace = new Map(found.rows.map(({ n, ...counts }) => [n, counts]));
  return parents.map((_, at) => byPlace.get(at + 1) ?? { present: 0, absent: 0 });
}

/** The parents as rows `p(id, repository_id, number, n)`. */
export function parentRows(parents: readonly ParentInVersion[]): RawBuilder<unknown> {
  return sql`unnest(${parents.map(({ id }) => id)}::bigint[],
    ${parents.map(({ version }) => version?.repositoryId ?? null)}::bigint[],
    ${parents.map(({ version }) => version?.number ?? null)}::int[]) with ordinality as p(id, repository_id, number, n)`;
}

/** Whether the version `p` has the manifest `m`, or, outside of a version, a visible repository. */
export function isThere(visibility: Visibility): RawBuilder<unknown> {
  return sql`(case when p.number is null then ${contentVisible('manifest', sql`m.id`, visibility)}
    else exists (select from membership t where t.repository_id = p.repository_id and t.kind = 'manifest'
      and t.content_id = m.id and ${isIn('t', sql`p.number`)}) end)`;
}
