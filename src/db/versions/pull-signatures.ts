import { sql } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import { hasDocumentsOnly, hasImageConfig } from '../policies/attachments.ts';
import type { Em } from '../open-database.ts';
import type { PulledCompanion } from './pull-content.ts';
import { reachFrom } from '../content/reach.ts';
import { kysely } from '../sql.ts';

/* Signatures that a pull stores before its version exists. Nobody sees them yet. */

/** Stores the signing companions as signatures, so that they can be checked. */
export async function storeSigners(em: Em, companions: readonly PulledCompanion[]): Promise<void> {
  if (companions.length === 0) return;
  const signing = companions.filter(({ tag }) => tag?.endsWith('.sig') === true);
  await sql`
    insert into signature (kind, manifest_id, signed_digest, name)
    with recursive ${reachFrom(sql`select unnest(${companions.map(({ manifestId }) => manifestId)}::bigint[])`)},
    signing as (
      select m.id as manifest_id, m.subject_digest as signed_digest, m.digest as name
      from reach join manifest m on m.id = reach.id where m.is_signature and m.subject_digest is not null
      union
      select * from unnest(${signing.map(({ manifestId }) => manifestId)}::bigint[],
        ${signing.map(({ subject }) => subject)}::text[], ${signing.map(({ tag }) => tag)}::text[])
    )
    select distinct on (manifest_id, signed_digest) 'COSIGN', manifest_id, signed_digest, name from signing
    order by manifest_id, signed_digest, name desc on conflict do nothing`.execute(kysely(em));
}

export interface BlobToStore {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** Config and layers of the signing manifest; empty for an atomic signature. */
export async function readSignerBlobs(em: Em, signatureId: number): Promise<BlobToStore[]> {
  const found = await sql<BlobToStore>`
    select distinct blob.digest, e.size_bytes as "sizeBytes"
    from signature s join manifest_blob e on e.manifest_id = s.manifest_id and not e.is_foreign join blob on blob.id = e.blob_id
    where s.id = ${signatureId} order by e.size_bytes, blob.digest`.execute(kysely(em));
  return found.rows;
}

/** The unread config of a possible attachment. */
export async function readConfigBlobs(em: Em, manifestId: number): Promise<BlobToStore[]> {
  const found = await sql<BlobToStore>`
    select blob.digest, e.size_bytes as "sizeBytes"
    from manifest m join manifest_blob e on e.manifest_id = m.id and e.role = 'config' and not e.is_foreign
      join blob on blob.id = e.blob_id
    where m.id = ${manifestId} and not m.platform_read and ${hasDocumentsOnly('m')} and ${hasImageConfig('m')}`.execute(
    kysely(em),
  );
  return found.rows;
}
