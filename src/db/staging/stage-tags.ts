import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { parseCompanionTag } from '../../oci/signatures/companion-tag.ts';
import type { Digest } from '../../oci/digest.ts';
import { isDigest } from '../../oci/digest.ts';
import type { Newest } from '../../selection/newest-tags.ts';
import { filterNames } from '../../selection/filter-names.ts';
import type { MinimumAge, TagOrder } from '../../selection/tag-rules.ts';
import type { TagFilter } from '../../selection/tag-filter.ts';
import type { Em } from '../open-database.ts';
import { listedNames } from './selected-graph.ts';
import { kysely } from '../sql.ts';
import { findRead, parseReferrerRoot } from './stage-companions.ts';

export interface PresentTag {
  readonly manifestId: number;
  readonly digest: Digest;
  readonly mediaType: string;
  /** Whether the document has a media type of its own. */
  readonly isTyped: boolean;
}

/** The stored manifests under these names in the latest version. */
export async function readPresentTags(
  em: Em,
  repositoryId: number,
  names: readonly string[],
): Promise<Map<string, PresentTag>> {
  const result = await sql<PresentTag & { name: string }>`
    select t.name, m.id as "manifestId", m.digest, m.media_type as "mediaType", m.is_typed as "isTyped"
    from tag_membership t join manifest m on m.id = t.manifest_id
    where t.repository_id = ${repositoryId} and t.removed_in is null and t.name = any(${names}::text[])
      and m.raw is not null`.execute(kysely(em));
  return new Map(result.rows.map(({ name, ...tag }) => [name, tag]));
}

export interface StagedTag {
  readonly name: string;
  /** Null: the upstream has no such tag (404, or an excluded kind); a mirror sync removes it. */
  readonly manifestId: number | null;
}

export async function stageTags(em: Em, taskId: number, tags: readonly StagedTag[]): Promise<void> {
  if (tags.length === 0) return;
  const distinct = [...new Map(tags.map((tag) => [tag.name, tag])).values()];
  await sql`
    insert into sync_tag (task_id, name, manifest_id)
    select ${taskId}, name, manifest_id
    from unnest(${distinct.map((tag) => tag.name)}::text[], ${distinct.map((tag) => tag.manifestId)}::bigint[])
      as v(name, manifest_id)
    order by name collate "C"
    on conflict (task_id, name) do update set manifest_id = excluded.manifest_id,
      outcome = null, code = null, reason = null, digest = null`.execute(kysely(em));
}

/** Drops what an earlier attempt staged of tags that no longer differ. */
export async function unstageTags(em: Em, taskId: number, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  await sql`delete from sync_tag where task_id = ${taskId} and name = any(${names}::text[])`.execute(
    kysely(em),
  );
}

export interface StagedRoot {
  readonly manifestId: number;
  readonly name: string;
}

/** The roots as rows `v(manifest_id, name)`. */
export function rootRows(roots: readonly StagedRoot[]): RawBuilder<unknown> {
  return sql`unnest(${roots.map((root) => root.manifestId)}::bigint[], ${roots.map((root) => root.name)}::text[])
    as v(manifest_id, name)`;
}

/** Stages manifests that were requested by digest. They stay untagged. */
export async function stageRoots(em: Em, taskId: number, roots: readonly StagedRoot[]): Promise<void> {
  if (roots.length === 0) return;
  await sql`
    insert into sync_root (task_id, manifest_id, name)
    select ${taskId}, manifest_id, name
    from ${rootRows(roots)}
    on conflict do nothing`.execute(kysely(em));
}

/** The part of a repository that a filtered sync covers. */
export interface SubsetFilter extends TagFilter {
  /** Whether it covers an untagged manifest of this digest. */
  holdsDigest(digest: Digest): boolean;
  /** Undefined without `immutableTags`. */
  readonly isImmutable?: ((name: string) => boolean) | undefined;
  /** Undefined without `minimumAgeSeconds`. */
  readonly minimumAge?: MinimumAge | undefined;
  /** The platforms that the remote takes; null: all. */
  readonly platforms: readonly string[] | null;
  /** Set if the remote takes only the newest tags: ranks those that pass the rules. */
  readonly createNewest?: (() => Newest) | undefined;
  /** What makes a tag newer for `createNewest`. */
  readonly newestOrder: TagOrder;
}

const pageSize = 5_000;

/**
 * Stages the removals of a mirror sync: tags and untagged roots in the filtered subset that the upstream no longer has.
 */
export async function stageRemovals(
  em: Em,
  sync: { readonly taskId: number; readonly repositoryId: number },
  filter: SubsetFilter,
  /** Whether untagged roots outside of the subset are removed as well. */
  prune: boolean,
): Promise<void> {
  await em.transactional(async (transaction) => {
    await stageTagRemovals(transaction, sync, filter);
    await stageRootRemovals(transaction, sync, filter, prune);
  });
}

async function stageTagRemovals(
  em: Em,
  sync: { readonly taskId: number; readonly repositoryId: number },
  filter: TagFilter,
): Promise<void> {
  const db = kysely(em);
  await sql`
    create temporary table unlisted on commit drop as
    select t.name from tag_membership t
    where t.repository_id = ${sync.repositoryId} and t.removed_in is null
    except
    ${listedNames(sync.taskId)}
    except
    select name from sync_companion where task_id = ${sync.taskId} and is_selected`.execute(db);
  await sql`create index on unlisted (name collate "C")`.execute(db);
  let after = '';
  for (;;) {
    const page = await sql<{ name: string }>`
      select name from unlisted where name collate "C" > ${after} order by name collate "C" limit ${pageSize}`.execute(
      db,
    );
    const last = page.rows.at(-1);
    if (!last) return;
    after = last.name;
    const names = page.rows.map((row) => row.name);
    // A companion that the upstream no longer has is removed if its image is selected. Otherwise it stays or leaves with
    // its image.
    const outside = await filterNames(names, (name) => !filter.matches(name));
    const subjects = outside.flatMap((name) => parseCompanionTag(name)?.subject ?? []);
    const read = await findRead(em, sync.taskId, subjects);
    const isOutside = new Set(outside);
    const gone = names.filter(
      (name) => !isOutside.has(name) || read.has(parseCompanionTag(name)?.subject ?? ''),
    );
    await stageTags(
      em,
      sync.taskId,
      gone.map((name) => ({ name, manifestId: null })),
    );
  }
}

async function stageRootRemovals(
  em: Em,
  sync: { readonly taskId: number; readonly repositoryId: number },
  filter: SubsetFilter,
  prune: boolean,
): Promise<void> {
  const db = kysely(em);
  let after = { manifestId: 0, name: '' };
  for (;;) {
    const page = await sql<{ manifestId: number; name: string }>`
      select r.manifest_id as "manifestId", r.name from root_membership r
      where r.repository_id = ${sync.repositoryId} and r.removed_in is null
        and (r.manifest_id, r.name) > (${after.manifestId}, ${after.name})
        and not exists (select from sync_root s where s.task_id = ${sync.taskId} and s.manifest_id = r.manifest_id
          and s.name = r.name and not s.is_removed)
      order by r.manifest_id, r.name limit ${pageSize}`.execute(db);
    const last = page.rows.at(-1);
    if (!last) return;
    after = last;
    const read = await findRead(
      em,
      sync.taskId,
      page.rows.flatMap((row) => parseReferrerRoot(row.name) ?? []),
    );
    const gone = page.rows.filter(({ name }) => {
      const subject = parseReferrerRoot(name);
      if (subject !== undefined) return read.has(subject);
      return prune || (isDigest(name) ? filter.holdsDigest(name) : filter.matches(name));
    });
    await sql`
      insert into sync_root (task_id, manifest_id, name, is_removed)
      select ${sync.taskId}, manifest_id, name, true
      from unnest(${gone.map((root) => root.manifestId)}::bigint[], ${gone.map((root) => root.name)}::text[])
        as v(manifest_id, name)
      on conflict do nothing`.execute(db);
  }
}
