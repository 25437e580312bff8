import { sql } from 'kysely';
import type { Digest } from '../oci/digest.ts';
import type { Em } from './open-database.ts';
import { kysely } from './sql.ts';

/** The document of a manifest. */
export async function readRawManifest(em: Em, id: number): Promise<Buffer | undefined> {
  const found = await sql<{ raw: Buffer }>`
    select raw from manifest where id = ${id} and raw is not null`.execute(kysely(em));
  return found.rows[0]?.raw;
}

/** The document of a manifest that a repository has, in any version, and whose descriptor of the blob carries the bytes by its own word. */
export async function readInlineManifest(
  em: Em,
  { repositoryId, digest }: { readonly repositoryId: number; readonly digest: Digest },
): Promise<Buffer | undefined> {
  const found = await sql<{ raw: Buffer }>`
    select m.raw from blob b join manifest_blob edge on edge.blob_id = b.id and edge.has_data
      join manifest m on m.id = edge.manifest_id and m.raw is not null
      join membership held on held.repository_id = ${repositoryId} and held.kind = 'manifest' and held.content_id = m.id
    where b.digest = ${digest} limit 1`.execute(kysely(em));
  return found.rows[0]?.raw;
}
