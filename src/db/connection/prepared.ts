import { CompiledQuery } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/** One name per text. Texts must be constant: pass values as parameters, and no lists. */
const names = new Map<string, string>();

/**
 * Runs a prepared statement: each connection parses and plans it once. For the small look-ups of every pull, where
 * parsing dominates. In a transaction it runs unprepared.
 */
export async function executePrepared<Row extends object>(
  em: Em,
  statement: RawBuilder<Row>,
): Promise<Row[]> {
  const { sql: text, parameters } = statement.compile(kysely(em));
  if (em.isInTransaction())
    return (await kysely(em).executeQuery<Row>(CompiledQuery.raw(text, [...parameters]))).rows;
  const pool = await em.getDriver().getConnection().getNativeClient();
  return (await pool.query<Row>({ name: nameOf(text), text, values: [...parameters] })).rows;
}

function nameOf(text: string): string {
  const name = names.get(text) ?? `tidemark_${names.size + 1}`;
  names.set(text, name);
  return name;
}
