import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/** Notes that all secrets are about to be sealed with this key; a note of another key, from before, is forgotten. */
export async function noteRotation(em: Em, keyId: string): Promise<void> {
  await em.transactional(async (transaction) => {
    const db = kysely(transaction);
    await sql`delete from secret_rotation where key_id <> ${keyId}`.execute(db);
    await sql`insert into secret_rotation (key_id) values (${keyId}) on conflict do nothing`.execute(db);
  });
}

/** To be called when every secret that can be opened is sealed with the key. */
export async function endRotation(em: Em, keyId: string): Promise<void> {
  await sql`delete from secret_rotation where key_id = ${keyId}`.execute(kysely(em));
}

/** Whether a rotation to this key has begun and not come to its end. */
export async function isRotationOpen(em: Em, keyId: string): Promise<boolean> {
  const found = await sql`select from secret_rotation where key_id = ${keyId}`.execute(kysely(em));
  return found.rows.length > 0;
}
