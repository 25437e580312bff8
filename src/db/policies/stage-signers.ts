import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Em } from '../open-database.ts';
import { selectedGraph } from '../staging/selected-graph.ts';
import { isSignatureTag, subjectOfTag } from '../content/companion-tags.ts';
import { kysely } from '../sql.ts';
import { byCost, isValid, toPolicyKey, verdictOn } from './verdicts.ts';
import type { PolicyKey } from '../schema/signatures.ts';
import type { SignatureFailure } from '../schema/signatures.ts';

export interface SyncPolicy {
  readonly name: string;
  readonly onFailure: SignatureFailure;
  readonly key: PolicyKey;
  readonly repositoryId: number;
  readonly mirror: boolean;
}

/** Locks the remote and the policy until the transaction ends. The caller holds the lock on the repository's row. */
export async function lockSyncPolicy(em: Em, taskId: number): Promise<PolicyKey | null> {
  await sql`
    select from task join remote on remote.id = task.remote_id where task.id = ${taskId} for share of remote`.execute(
    kysely(em),
  );
  // the remote is locked first, so the policy that is read and locked is the one in force
  return (await readPolicy(em, taskId, sql`for share of p`))?.key ?? null;
}

/** @param key Null: no policy was in force. */
export async function setCheckedBy(em: Em, taskId: number, key: PolicyKey | null): Promise<void> {
  await sql`
    update task set checked_by = v.key from (select ${key === null ? null : JSON.stringify(key)}::jsonb as key) as v
    where id = ${taskId} and checked_by is distinct from v.key`.execute(kysely(em));
}

/** The policy of the repository, or of the task's remote; undefined without one. */
export async function readSyncPolicy(em: Em, taskId: number): Promise<SyncPolicy | undefined> {
  return readPolicy(em, taskId, sql``);
}

async function readPolicy(
  em: Em,
  taskId: number,
  lock: RawBuilder<unknown>,
): Promise<SyncPolicy | undefined> {
  const found = await sql<{
    policyId: number;
    name: string;
    repositoryId: number;
    onFailure: SignatureFailure;
    revision: number;
    dockerReference: string | null;
    url: string | null;
    upstreamName: string;
    mirror: boolean;
  }>`
    select p.id as "policyId", p.name, task.repository_id as "repositoryId", (task.arguments ->> 'mirror')::boolean as mirror, p.on_failure as "onFailure", p.revision, p.docker_reference as "dockerReference",
      u.url, u.upstream_name as "upstreamName"
    from task join repository r on r.id = task.repository_id join remote u on u.id = task.remote_id
      join signature_policy p on p.id = coalesce(r.signature_policy_id, u.signature_policy_id)
    where task.id = ${taskId} ${lock}`.execute(kysely(em));
  const row = found.rows[0];
  const key = row === undefined ? null : toPolicyKey(row);
  if (row === undefined || key === null) return undefined;
  const { name, onFailure, repositoryId, mirror } = row;
  return { name, onFailure, repositoryId, mirror, key };
}

/**
 * Stages the signatures that the selected images will have after the commit: new ones, and present ones that the sync
 * keeps. Signing manifests get their rows in `signature` here. Nobody sees them before the commit.
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
        select manifest_id, ${subjectOfTag(sql`name`)}, name from selected_tag
        where ${isSignatureTag(sql`name`)}
      )`;
    await db.deleteFrom('sync_signer').where('task_id', '=', taskId).execute();
    await sql`
      insert into signature (kind, manifest_id, signed_digest, name)
      with ${signing}
      select distinct on (manifest_id, signed_digest) 'COSIGN', manifest_id, signed_digest, name from signing
      order by manifest_id, signed_digest, name desc on conflict do nothing`.execute(db);
    await sql`
      insert into sync_signer (task_id, signature_id, rank)
      with ${signing},
      staged(id) as (
      select s.id from signing join signature s on s.kind = 'COSIGN' and s.manifest_id = signing.manifest_id
        and s.signed_digest = signing.signed_digest
      union
      select f.signature_id from sync_signature f where f.task_id = ${taskId}
      union
      select s.id
      from reach join manifest m on m.id = reach.id join signature s on s.signed_digest = m.digest
        join task on task.id = ${taskId}
        join membership held on held.repository_id = task.repository_id and held.kind = 'signature'
          and held.content_id = s.id and held.removed_in is null
      where not exists (select from sync_root r where r.task_id = task.id and r.manifest_id = s.manifest_id and r.is_removed)
        and not exists (select from sync_tag t where t.task_id = task.id and t.name = s.name
          and (t.manifest_id <> s.manifest_id or (${mirror} and t.manifest_id is null and t.outcome is null)))
        and not (${mirror} and s.kind = 'ATOMIC'
          and exists (select from sync_signed asked where asked.task_id = task.id and asked.manifest_id = m.id)
          and not exists (select from sync_problem u where u.task_id = task.id and u.subject_digest = m.digest))
      )
      select ${taskId}::bigint, s.id, row_number() over (partition by s.signed_digest order by ${byCost}, s.id)
      from staged join signature s on s.id = staged.id`.execute(db);
  });
}

/** The rank is the order of checking within an image. */
export interface Signer {
  readonly id: number;
  readonly rank: number;
}

/**
 * A page of staged signatures without a verdict, of images that are not verified yet: the cheapest of each image first.
 */
export async function readSignerPage(
  em: Em,
  { taskId, policy }: { readonly taskId: number; readonly policy: PolicyKey },
  page: { readonly after: Signer; readonly first: number },
): Promise<Signer[]> {
  const found = await sql<Signer>`
    select s.id, c.rank from sync_signer c join signature s on s.id = c.signature_id
    where c.task_id = ${taskId} and (c.rank, s.id) > (${page.after.rank}, ${page.after.id})
      and not exists (select from signature_verdict v where ${verdictOn(policy)})
      and s.signed_digest not in (
        select s.signed_digest from sync_signer other join signature s on s.id = other.signature_id
          join signature_verdict v on ${verdictOn(policy)}
        where other.task_id = ${taskId} and ${isValid})
    order by c.rank, s.id limit ${page.first}`.execute(kysely(em));
  return found.rows;
}
