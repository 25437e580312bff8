import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { meaningKey, meaningRows } from './meaning.ts';
import type { Meaning } from './meaning.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/*
 * Creates the missing rows of content that is about to be referred to, and locks them against collection until the
 * reference is written (fault 111). Marks of an earlier collection are cleared. The order of digest or id prevents
 * deadlocks (fault 98).
 */

export async function holdManifests(em: Em, meanings: readonly Meaning[]): Promise<void> {
  const distinct = [...new Map(meanings.map((meaning) => [meaningKey(meaning), meaning])).values()];
  const isOne = sql`m.digest = v.digest and m.media_type = v.media_type`;
  await hold(em, 'manifest', distinct.length, {
    make: sql`
      insert into manifest (digest, media_type) select v.digest, v.media_type from ${meaningRows(distinct)}
      where not exists (select from manifest m where ${isOne})
      order by v.digest collate "C", v.media_type collate "C" on conflict do nothing`,
    lock: sql`
      select m.id, m.condemned_at is not null as "isCondemned" from ${meaningRows(distinct)} join manifest m on ${isOne}
      order by m.id for key share of m`,
  });
}

export async function holdBlobs(em: Em, digests: readonly string[]): Promise<void> {
  const distinct = [...new Set(digests)];
  await hold(em, 'blob', distinct.length, {
    make: sql`
      insert into blob (digest) select d from unnest(${distinct}::text[]) as d
      where not exists (select from blob where digest = d) order by d collate "C" on conflict do nothing`,
    lock: sql`
      select id, condemned_at is not null as "isCondemned" from blob
      where digest = any(${distinct}::text[]) order by id for key share`,
  });
}

async function hold(
  em: Em,
  table: 'manifest' | 'blob',
  count: number,
  { make, lock }: { readonly make: RawBuilder<unknown>; readonly lock: RawBuilder<unknown> },
): Promise<void> {
  if (count === 0) return;
  const db = kysely(em);
  for (;;) {
    await make.execute(db);
    const held = await sql<{ id: number; isCondemned: boolean }>`${lock}`.execute(db);
    // Rows that were removed between the two statements are created again.
    if (held.rows.length < count) continue;
    const condemned = held.rows.filter((row) => row.isCondemned).map((row) => row.id);
    if (condemned.length > 0) await pardon(em, table, condemned);
    return;
  }
}

async function pardon(em: Em, table: 'manifest' | 'blob', ids: readonly number[]): Promise<void> {
  await sql`
    with condemned as (
      select id from ${sql.table(table)} where id = any(${ids}::bigint[]) and condemned_at is not null
      order by id for no key update
    )
    update ${sql.table(table)} c set condemned_at = null from condemned where c.id = condemned.id`.execute(
    kysely(em),
  );
}
