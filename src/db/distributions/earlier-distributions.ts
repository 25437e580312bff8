import { sql } from 'kysely';
import type { Em } from '../open-database.ts';
import { countRows } from '../reads/counts.ts';
import { kysely } from '../sql.ts';

/*
 * While logins are off, everybody pulls everything, and nobody has to say who may. When logins are turned on, it has to be said for the
 * distributions made until then: public, or private. Those for which it was not said are undecided; they are private while logins are on.
 */

export interface UndecidedDistribution {
  readonly basePath: string;
  readonly repository: string;
}

export interface EarlierDistributions {
  readonly count: number;
  /** The first of them, in order of base path. */
  readonly first: readonly UndecidedDistribution[];
}

/** What is said of the undecided distributions at the start: who may pull from them while logins are on. */
export type EarlierAccess = 'public' | 'private';

/** Decides for all undecided distributions at once. @returns how many there were. */
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
  await sql`
    update distribution set is_private = ${areLoginsOn} where not is_decided and is_private <> ${areLoginsOn}`.execute(
    kysely(em),
  );
}

/** The distributions for which nobody has decided. */
export async function readUndecided(em: Em, limit: number): Promise<EarlierDistributions> {
  const found = await sql<UndecidedDistribution>`
    select d.base_path as "basePath", r.name as repository
    from distribution d join repository r on r.id = d.repository_id
    where not d.is_decided order by d.base_path limit ${limit}`.execute(kysely(em));
  return { count: await countRows(em, 'distribution', sql`not is_decided`), first: found.rows };
}
