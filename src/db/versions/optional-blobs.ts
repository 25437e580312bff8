import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Em } from '../open-database.ts';
import type { Draft } from './draft.ts';
import { addMemberships, isPresent } from './memberships.ts';

/*
 * Foreign layers are optional: a version has one if its repository got it by a sync, a push or an on-demand source.
 * Other repositories do not count.
 */

export function hasOptional(draft: Draft, blobId: RawBuilder<unknown>): RawBuilder<unknown> {
  const { repositoryId, taskId, copiedFrom } = draft;
  const places = copiedFrom === undefined ? [repositoryId] : [repositoryId, copiedFrom];
  return sql`(
    exists (select from blob had where had.id = ${blobId} and had.stored_at is not null and (
      exists (select from sync_blob s where s.task_id = ${taskId}::bigint and s.blob_id = had.id and s.is_done and not s.is_absent)
      or exists (select from repository_blob u where u.repository_id = ${repositoryId} and u.blob_id = had.id)
      or exists (select from membership held where held.repository_id = any(${places}::bigint[]) and held.kind = 'blob'
        and held.content_id = had.id)))
    or exists (select from repository_source source join repository r on r.id = ${repositoryId} and r.remote_id = source.remote_id
      where source.repository_id = r.id and source.blob_id = ${blobId}))`;
}

/** Optional blobs that the sync has fetched for manifests of the version, and that are not present. */
function fresh(draft: Draft): RawBuilder<unknown> {
  const { repositoryId, taskId } = draft;
  return sql`
    select distinct s.blob_id as id from sync_blob s
    where s.task_id = ${taskId}::bigint and s.is_optional and s.is_done and not s.is_absent
      and exists (select from manifest_blob edge join membership held on held.repository_id = ${repositoryId}
        and held.kind = 'manifest' and held.content_id = edge.manifest_id and held.removed_in is null
        where edge.blob_id = s.blob_id)
      and not ${isPresent(draft, 'blob', sql`s.blob_id`)}`;
}

export function isOptionalNew(draft: Draft): RawBuilder<unknown> {
  return sql`exists (${fresh(draft)})`;
}

/** Also for manifests of earlier versions: an upstream may get a layer later. */
export async function addOptional(em: Em, draft: Draft): Promise<void> {
  if (draft.taskId !== null) await addMemberships(em, draft, 'blob', fresh(draft));
}
