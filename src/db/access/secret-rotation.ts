import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/** Records a rotation to this key and replaces an earlier record. */
export async function noteRotation(em: Em, keyId: string): Promise<void> {
  await em.transactional(async (transaction) => {
    const db = kysely(transaction);
    await db.deleteFrom('secret_rotation').where('key_id', '<>', keyId).execute();
    await sql`insert into secret_rotation (key_id) values (${keyId}) on conflict do nothing`.execute(db);
  });
}

/** Call it when all secrets that can be decrypted are encrypted with the key. */
export async function endRotation(em: Em, keyId: string): Promise<void> {
  await kysely(em).deleteFrom('secret_rotation').where('key_id', '=', keyId).execute();
}

/** Whether a rotation to this key is unfinished. */
export async function isRotationOpen(em: Em, keyId: string): Promise<boolean> {
  const found = await sql`select from secret_rotation where key_id = ${keyId}`.execute(kysely(em));
  return found.rows.length > 0;
}
