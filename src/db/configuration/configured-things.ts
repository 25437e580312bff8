import type { ConfiguredKind } from '../schema/configuration.ts';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

interface Thing {
  readonly kind: ConfiguredKind;
  readonly id: number;
}

/** Notes that applying a configuration has created these, in the transaction that creates them. */
export async function noteConfigured(em: Em, configuration: string, things: readonly Thing[]): Promise<void> {
  if (things.length === 0) return;
  await kysely(em)
    .insertInto('configured_thing')
    .values(things.map(({ kind, id }) => ({ kind, thing_id: id, configuration })))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

export async function forgetConfigured(em: Em, { kind, id }: Thing): Promise<void> {
  await kysely(em)
    .deleteFrom('configured_thing')
    .where('kind', '=', kind)
    .where('thing_id', '=', id)
    .execute();
}

/** The ids of what applying this configuration has created. Some may be deleted already. */
export async function readConfigured(
  em: Em,
  configuration: string,
): Promise<ReadonlyMap<ConfiguredKind, ReadonlySet<number>>> {
  const found = await kysely(em)
    .selectFrom('configured_thing')
    .select(['kind', 'thing_id as id'])
    .where('configuration', '=', configuration)
    .execute();
  const byKind = new Map<ConfiguredKind, Set<number>>();
  for (const { kind, id } of found) byKind.set(kind, (byKind.get(kind) ?? new Set()).add(id));
  return byKind;
}
