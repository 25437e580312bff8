import { sql } from 'kysely';
import type { Em } from './open-database.ts';
import { selectedGraph } from './plan-content.ts';
import { kysely } from './sql.ts';
import { toPolicyKey } from './verdicts.ts';
import type { PolicyKey } from './verdicts.ts';
import type { SignatureFailure } from './entities.ts';

/** The policy of a sync. */
export interface SyncPolicy {
  readonly name: string;
  readonly onFailure: SignatureFailure;
  readonly key: PolicyKey;
}

/** The repository's own policy, else that of the remote that the task syncs with; undefined where there is neither. */
export async function readSyncPolicy(em: Em, taskId: number): Promise<SyncPolicy | undefined> {
  const found = await sql<{
    policyId: number;
    name: string;
    onFailure: SignatureFailure;
    revision: number;
    dockerReference: string | null;
    url: string | null;
    upstreamName: string;
  }>`
    select p.id as "policyId", p.name, p.on_failure as "onFailure", p.revision, p.docker_reference as "dockerReference",
      u.url, u.upstream_name as "upstreamName"
    from task join repository r on r.id = task.repository_id join remote u on u.id = task.remote_id
      join signature_policy p on p.id = coalesce(r.signature_policy_id, u.signature_policy_id)
    where task.id = ${taskId}`.execute(kysely(em));
  const row = found.rows[0];
  const key = row === undefined ? null : toPolicyKey(row);
  return row === undefined || key === null ? undefined : { name: row.name, onFailure: row.onFailure, key };
}

/**
 * Stages the signatures that the selected images will have after the commit: those that this sync brings, and those that the repository
 * has and this sync leaves. Manifests that sign become signatures here already; nobody sees them before the commit.
 */
export async function stageSigners(em: Em, taskId: number, mirror: boolean): Promise<void> {
  await em.transactional(async (transaction) => {
    const db = kysely(transaction);
    const signing = sql`
      recursive ${selectedGraph(taskId)},
      signing as (
        select m.id as manifest_id, m.subject_digest as signed_digest, m.digest as name
        from reach join manifest m on m.id = reach.id where m.is_signature and m.subject_digest is not null
        union
        select manifest_id, 'sha256:' || substr(name, 8, 64), name from selected_tag
        where name ~ '^sha256-[0-9a-f]{64}\\.sig$'
      )`;
    await sql`delete from sync_signer where task_id = ${taskId}`.execute(db);
    await sql`
      insert into signature (kind, manifest_id, signed_digest, name)
      with ${signing}
      select distinct on (manifest_id, signed_digest) 'COSIGN', manifest_id, signed_digest, name from signing
      order by manifest_id, signed_digest, name desc on conflict do nothing`.execute(db);
    await sql`
      insert into sync_signer (task_id, signature_id)
      with ${signing}
      select ${taskId}::bigint, s.id from signing join signature s on s.kind = 'COSIGN' and s.manifest_id = signing.manifest_id
        and s.signed_digest = signing.signed_digest
      union
      select ${taskId}::bigint, f.signature_id from sync_signature f where f.task_id = ${taskId}
      union
      select ${taskId}::bigint, s.id
      from reach join manifest m on m.id = reach.id join signature s on s.signed_digest = m.digest
        join task on task.id = ${taskId}
        join membership held on held.repository_id = task.repository_id and held.kind = 'signature'
          and held.content_id = s.id and held.removed_in is null
      where not exists (select from sync_root r where r.task_id = task.id and r.manifest_id = s.manifest_id and r.is_removed)
        and not exists (select from sync_tag t where t.task_id = task.id and t.name = s.name
          and (t.manifest_id <> s.manifest_id or (${mirror} and t.manifest_id is null)))
        and not (${mirror} and s.kind = 'ATOMIC'
          and exists (select from sync_signed asked where asked.task_id = task.id and asked.manifest_id = m.id)
          and not exists (select from sync_problem u where u.task_id = task.id and u.subject_digest = m.digest))`.execute(
      db,
    );
  });
}

/** A page of the staged signatures' ids. */
export async function readSignerPage(
  em: Em,
  taskId: number,
  page: { readonly after: number; readonly first: number },
): Promise<number[]> {
  const found = await sql<{ id: number }>`
    select signature_id as id from sync_signer where task_id = ${taskId} and signature_id > ${page.after}
    order by signature_id limit ${page.first}`.execute(kysely(em));
  return found.rows.map((row) => row.id);
}
