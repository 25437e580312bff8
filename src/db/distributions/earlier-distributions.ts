import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { countRows } from '../reads/counts.ts';
import { kysely } from '../sql.ts';

/*
 * Distributions created while logins were off are undecided: nobody chose whether they are public. They are private
 * while logins are on.
 */

export interface UndecidedDistribution {
  readonly basePath: string;
  readonly repository: string;
}

export interface EarlierDistributions {
  readonly count: number;
  /** In order of base path. */
  readonly first: readonly UndecidedDistribution[];
}

/** The choice for undecided distributions at the start. */
export type EarlierAccess = 'public' | 'private';

/** @returns the number of decided distributions. */
export async function decideEarlier(em: Em, access: EarlierAccess): Promise<number> {
  const decided = await sql`
    update distribution set is_private = ${access === 'private'}, is_decided = true, updated_at = now()
    where not is_decided`.execute(kysely(em));
  return Number(decided.numAffectedRows ?? 0n);
}

/** Makes undecided distributions private while logins are on, and public again while they are off. */
export async function hideUndecided(
  em: Em,
  { areLoginsOn }: { readonly areLoginsOn: boolean },
): Promise<void> {
  await kysely(em)
    .updateTable('distribution')
    .set({ is_private: areLoginsOn })
    .where('is_decided', '=', false)
    .where('is_private', '<>', areLoginsOn)
    .execute();
}

export async function readUndecided(em: Em, limit: number): Promise<EarlierDistributions> {
  const found = await sql<UndecidedDistribution>`
    select d.base_path as "basePath", r.name as repository
    from distribution d join repository r on r.id = d.repository_id
    where not d.is_decided order by d.base_path limit ${limit}`.execute(kysely(em));
  return { count: await countRows(em, 'distribution', sql`not is_decided`), first: found.rows };
}
