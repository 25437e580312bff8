import type { Kysely } from 'kysely';
import type { Em } from './open-database.ts';

/**
 * For set-based statements in Kysely's `sql`: joins the transaction of `em`, takes arrays natively (docs/database.md). The statements
 * name their rows' types themselves, so the table types are left open.
 */
export function kysely(em: Em): Kysely<unknown> {
  return em.getKysely<unknown>();
}
