import { sql } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import type { Em } from '../open-database.ts';
import { selectedGraph } from '../staging/selected-graph.ts';
import { kysely } from '../sql.ts';

export async function readRawManifest(em: Em, id: number): Promise<Buffer | undefined> {
  const found = await sql<{ raw: Buffer }>`
    select raw from manifest where id = ${id} and raw is not null`.execute(kysely(em));
  return found.rows[0]?.raw;
}

/** The maximum of manifests whose addresses of a layer are read. */
const documentsMost = 3;

const namesForeign = sql`
  from blob b join manifest_blob edge on edge.blob_id = b.id and edge.is_foreign
    join manifest m on m.id = edge.manifest_id and m.raw is not null`;

/** Documents of selected manifests with an optional layer. */
export async function readForeignOfSync(em: Em, taskId: number, digest: Digest): Promise<Buffer[]> {
  const found = await sql<{ raw: Buffer }>`
    with recursive ${selectedGraph(taskId)}
    select m.raw ${namesForeign} join reach on reach.id = m.id
    where b.digest = ${digest} order by m.digest limit ${documentsMost}`.execute(kysely(em));
  return found.rows.map(({ raw }) => raw);
}

/** Documents of a repository's manifests, in any version, with an optional layer. */
export async function readForeignOf(em: Em, repositoryId: number, digest: Digest): Promise<Buffer[]> {
  const found = await sql<{ raw: Buffer }>`
    select m.raw ${namesForeign}
    where b.digest = ${digest} and exists (select from membership held
      where held.repository_id = ${repositoryId} and held.kind = 'manifest' and held.content_id = m.id)
    order by m.digest limit ${documentsMost}`.execute(kysely(em));
  return found.rows.map(({ raw }) => raw);
}

/** A manifest of the repository, in any version, whose descriptor claims to contain the blob's bytes. */
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
