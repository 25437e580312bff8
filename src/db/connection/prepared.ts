import { CompiledQuery } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/** Each text gets one name, so the texts must be as many as the code has, whatever is asked for: values as parameters, no lists. */
const names = new Map<string, string>();

/**
 * Runs a statement that each connection parses and plans once and then knows by its name: for the small look-ups of every pull, of which
 * parsing and planning are most of the cost. In a transaction it is run as any other.
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
