import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/** The manifest that an atomic signature `s` signs is not there any more, and so in no version, and staged by no sync. */
const signsNothing = sql`s.kind = 'ATOMIC' and not exists (select from lateral (
  select from manifest m where m.digest = s.signed_digest offset 0) as signed)`;

/**
 * Removes atomic signatures of manifests that were removed; those of cosign go with the manifest that signs. Each is locked and looked at
 * again: a sync that has brought the manifest back meanwhile keeps its signatures, or stores them anew.
 * @returns the last id that was looked at; undefined where there was none after `afterId`.
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
