import { sql } from 'kysely';
import { digestBytes } from '../../oci/digest-bytes.ts';
import { digestHex } from '../../oci/digest.ts';
import type { Digest } from '../../oci/digest.ts';
import type { Em } from '../open-database.ts';
import { selectedGraph } from './selected-graph.ts';
import type { Draft } from '../versions/draft.ts';
import { addMemberships } from '../versions/memberships.ts';
import { kysely } from '../sql.ts';
import type { ManifestRef } from './stage-companions.ts';

/** STORE: a dedicated signature store; EXTENSION: the upstream registry itself. */
export type SignatureSource = 'STORE' | 'EXTENSION';

export async function setSignatureSource(
  em: Em,
  taskId: number,
  source: SignatureSource | undefined,
): Promise<void> {
  await kysely(em)
    .updateTable('task')
    .set({ signature_source: source ?? null })
    .where('id', '=', taskId)
    .execute();
}

export async function readSignatureSource(em: Em, taskId: number): Promise<SignatureSource | undefined> {
  const result = await kysely(em)
    .selectFrom('task')
    .select('signature_source as source')
    .where('id', '=', taskId)
    .execute();
  return result[0]?.source ?? undefined;
}

/**
 * Numbers the selected manifests whose signatures are fetched, and returns their number; 0 without a source.
 * @param onlyAsked Leaves out manifests whose companions were not asked for: those of immutable tags.
 */
export async function stageSigned(em: Em, taskId: number, { onlyAsked = false } = {}): Promise<number> {
  if ((await readSignatureSource(em, taskId)) === undefined) return 0;
  return em.transactional(async (transaction) => {
    const db = kysely(transaction);
    await db.deleteFrom('sync_signed').where('task_id', '=', taskId).execute();
    const staged = await sql`
      insert into sync_signed (task_id, position, manifest_id)
      with recursive ${selectedGraph(taskId)}
      select ${taskId}, row_number() over (order by id) - 1, id from reach
      where not ${onlyAsked} or exists (select from sync_asked a where a.task_id = ${taskId} and a.manifest_id = reach.id)`.execute(
      db,
    );
    return Number(staged.numAffectedRows ?? 0n);
  });
}

export interface SignedManifest extends ManifestRef {
  /** Names of its signatures in the latest version. */
  readonly present: readonly string[];
}

/** Positions from `from` (inclusive) to `to` (exclusive). */
export async function readSigned(
  em: Em,
  { taskId, repositoryId }: { readonly taskId: number; readonly repositoryId: number },
  from: number,
  to: number,
): Promise<SignedManifest[]> {
  const result = await sql<SignedManifest>`
    select m.id, m.digest, array(select s.name from signature s join membership p on p.repository_id = ${repositoryId}
        and p.kind = 'signature' and p.content_id = s.id and p.removed_in is null
      where s.kind = 'ATOMIC' and s.signed_digest = m.digest) as present
    from sync_signed s join manifest m on m.id = s.manifest_id
    where s.task_id = ${taskId} and s.position >= ${from} and s.position < ${to} order by s.position`.execute(
    kysely(em),
  );
  return result.rows;
}

export interface SignatureToStore {
  readonly signed: Digest;
  readonly content: Buffer;
  readonly keyId: string | undefined;
  readonly creator: string | undefined;
  readonly timestamp: Date | undefined;
  readonly dockerReference: string | undefined;
}

/** `sha256:…@<32 hex>`, as in the registry API extension. */
export function signatureName(signed: Digest, content: Uint8Array): string {
  return `${signed}@${digestHex(digestBytes(content)).slice(0, 32)}`;
}

/** Stores new signatures and stages all of them. */
export async function stageSignatures(
  em: Em,
  taskId: number,
  signatures: readonly SignatureToStore[],
): Promise<void> {
  await em.transactional(async (transaction) => {
    const ids = await storeAtomic(transaction, signatures);
    await sql`
      insert into sync_signature (task_id, signature_id) select ${taskId}, unnest(${ids}::bigint[])
      on conflict do nothing`.execute(kysely(transaction));
  });
}

/** Returns the ids. Nobody sees a signature before it is in a version. */
export async function storeAtomic(em: Em, signatures: readonly SignatureToStore[]): Promise<number[]> {
  if (signatures.length === 0) return [];
  const named = new Map(
    signatures.map((signature) => [signatureName(signature.signed, signature.content), signature]),
  );
  const names = [...named.keys()].sort();
  const rows = names.flatMap((name) => named.get(name) ?? []);
  const db = kysely(em);
  await sql`
    insert into signature (kind, signed_digest, name, content, key_id, creator, signed_at, docker_reference)
    select 'ATOMIC', v.* from unnest(${rows.map((row) => row.signed)}::text[], ${names}::text[],
      ${rows.map((row) => row.content)}::bytea[], ${rows.map((row) => row.keyId ?? null)}::text[],
      ${rows.map((row) => row.creator ?? null)}::text[], ${rows.map((row) => row.timestamp ?? null)}::timestamptz[],
      ${rows.map((row) => row.dockerReference ?? null)}::text[]) as v
    on conflict do nothing`.execute(db);
  const stored = await sql<{ id: number }>`
    select s.id from unnest(${rows.map((row) => row.signed)}::text[], ${names}::text[]) as v(signed, name)
      join signature s on s.kind = 'ATOMIC' and s.signed_digest = v.signed and s.name = v.name
    order by s.id`.execute(db);
  return stored.rows.map(({ id }) => id);
}

export async function addAtomic(em: Em, draft: Draft, signatureIds: readonly number[]): Promise<void> {
  if (signatureIds.length > 0)
    await addMemberships(em, draft, 'signature', sql`select unnest(${[...signatureIds]}::bigint[]) as id`);
}

/**
 * Writes the staged atomic signatures. A mirror sync removes those that the upstream no longer has, if they could be
 * read; an additive sync keeps them.
 */
export async function writeSignatures(
  em: Em,
  draft: Draft & { readonly taskId: number; readonly mirror: boolean },
): Promise<void> {
  const { taskId, repositoryId, number, mirror } = draft;
  if (mirror)
    await sql`
      update membership p set removed_in = ${number}
      from sync_signed asked join manifest m on m.id = asked.manifest_id
        join signature s on s.signed_digest = m.digest and s.kind = 'ATOMIC'
      where asked.task_id = ${taskId} and p.repository_id = ${repositoryId} and p.kind = 'signature' and p.removed_in is null
        and p.content_id = s.id
        and not exists (select from sync_signature f where f.task_id = ${taskId} and f.signature_id = s.id)
        and not exists (select from sync_problem u where u.task_id = ${taskId} and u.subject_digest = m.digest)`.execute(
      kysely(em),
    );
  await addMemberships(
    em,
    draft,
    'signature',
    sql`select signature_id as id from sync_signature where task_id = ${taskId}`,
  );
}
