import { sql } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import type { Em } from '../open-database.ts';
import { hasDocumentsOnly } from '../policies/attachments.ts';
import { mayReuse } from './reuse.ts';
import type { Reuse } from './reuse.ts';
import { selectedGraph } from './selected-graph.ts';
import { kysely } from '../sql.ts';

export interface UnreadConfig {
  readonly manifestId: number;
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly mediaType: string;
}

/**
 * Stored configs of selected images whose platform is not read yet. An optional config must be fetched by this sync or
 * present in the repository: stored bytes of others are not revealed.
 */
export async function findUnreadConfigs(
  em: Em,
  taskId: number,
  afterId: number,
  limit: number,
): Promise<UnreadConfig[]> {
  const result = await sql<UnreadConfig>`
    with recursive ${selectedGraph(taskId)}
    select m.id as "manifestId", blob.digest, blob.size_bytes as "sizeBytes", edge.media_type as "mediaType"
    from reach join manifest m on m.id = reach.id
      join manifest_blob edge on edge.manifest_id = m.id and edge.role = 'config'
      join blob on blob.id = edge.blob_id join task on task.id = ${taskId}
    where not m.platform_read and m.kind = 'image' and blob.stored_at is not null and m.id > ${afterId}
      and (not edge.is_foreign
        or exists (select from sync_blob s where s.task_id = task.id and s.blob_id = blob.id and s.is_done and not s.is_absent)
        or exists (select from membership held where held.repository_id = task.repository_id and held.kind = 'blob'
          and held.content_id = blob.id and held.removed_in is null))
    order by m.id limit ${limit}`.execute(kysely(em));
  return result.rows;
}

/** An image that a sync or pull takes by itself, with its config. */
export interface RootImage extends UnreadConfig {
  readonly manifestDigest: Digest;
  readonly blobId: number;
  readonly platform: string | null;
  /** Whether its platform is known, and may be used. */
  readonly isRead: boolean;
  /** Whether the stored config may be read. */
  readonly isReusable: boolean;
}

/** The images among these manifests. Signatures and other documents are none. */
export async function readRootImages(em: Em, ids: readonly number[], reuse: Reuse): Promise<RootImage[]> {
  const result = await sql<RootImage>`
    select m.id as "manifestId", m.digest as "manifestDigest", blob.id as "blobId", blob.digest, edge.size_bytes as "sizeBytes",
      edge.media_type as "mediaType", m.platform, m.platform_read and may.reuse as "isRead",
      blob.stored_at is not null and may.reuse as "isReusable"
    from manifest m join manifest_blob edge on edge.manifest_id = m.id and edge.role = 'config' join blob on blob.id = edge.blob_id
      cross join lateral (select ${mayReuse('blob', sql`blob.id`, reuse)} as reuse) as may
    where m.id = any(${ids}::bigint[]) and m.kind = 'image' and not ${hasDocumentsOnly('m')}`.execute(
    kysely(em),
  );
  return result.rows;
}

export interface ReadPlatform {
  readonly manifestId: number;
  /** `os/architecture[/variant]`; null if it is no image. */
  readonly platform: string | null;
}

export async function writePlatforms(em: Em, platforms: readonly ReadPlatform[]): Promise<void> {
  await em.transactional(async (transaction) => {
    const db = kysely(transaction);
    const ids = platforms.map((row) => row.manifestId);
    await sql`select from manifest where id = any(${ids}::bigint[]) order by id for no key update`.execute(
      db,
    );
    await sql`
      update manifest set platform = v.platform, platform_read = true
      from unnest(${ids}::bigint[], ${platforms.map((row) => row.platform)}::text[]) as v(id, platform)
      where manifest.id = v.id`.execute(db);
  });
}
