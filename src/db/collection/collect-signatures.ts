import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/** The signed manifest of an atomic signature `s` is deleted, so no version or staging row has the signature. */
const signsNothing = sql`s.kind = 'ATOMIC' and not exists (select from lateral (
  select from manifest m where m.digest = s.signed_digest offset 0) as signed)`;

/**
 * Removes atomic signatures of deleted manifests; cosign's are deleted with the signing manifest. Each row is locked and
 * checked again, because a sync may have restored the manifest.
 * @returns the last id; undefined if there was none after `afterId`.
 */
export async function removeSignatures(em: Em, afterId: number, limit: number): Promise<number | undefined> {
  return em.transactional(async (transaction) => {
    const db = kysely(transaction);
    const found = await sql<{ id: number }>`
      select s.id from signature s where s.id > ${afterId} and ${signsNothing}
      order by s.id limit ${limit} for update of s skip locked`.execute(db);
    const ids = found.rows.map((row) => row.id);
    await sql`delete from signature s where s.id = any(${ids}::bigint[]) and ${signsNothing}`.execute(db);
    return ids.at(-1);
  });
}
