import { sql } from 'kysely';
import type { Em } from '../../../src/db/open-database.ts';
import { kysely } from '../../../src/db/sql.ts';

/** Tags of a version, by name: the digest. */
export async function readTags(em: Em, repositoryId: number, version: number): Promise<Map<string, string>> {
  const rows = await sql<{ name: string; digest: string }>`
    select t.name, m.digest from tag_membership t join manifest m on m.id = t.manifest_id
    where t.repository_id = ${repositoryId} and t.added_in <= ${version}
      and (t.removed_in is null or t.removed_in > ${version}) order by t.name`.execute(kysely(em));
  return new Map(rows.rows.map((row) => [row.name, row.digest]));
}

/** Digests of the manifests or blobs of a version, sorted. */
export async function readContent(
  em: Em,
  { repositoryId, version }: { readonly repositoryId: number; readonly version: number },
  kind: 'manifest' | 'blob',
): Promise<string[]> {
  const rows = await sql<{ digest: string }>`
    select coalesce(manifest.digest, blob.digest) as digest from membership m
      left join manifest on m.kind = 'manifest' and manifest.id = m.content_id
      left join blob on m.kind = 'blob' and blob.id = m.content_id
    where m.repository_id = ${repositoryId} and m.kind = ${kind} and m.added_in <= ${version}
      and (m.removed_in is null or m.removed_in > ${version}) order by 1`.execute(kysely(em));
  return rows.rows.map((row) => row.digest).sort();
}
