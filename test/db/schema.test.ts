/** Entities and migrations describe the same database. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase } from '../../src/db/open-database.ts';
import type { Database } from '../../src/db/open-database.ts';
import { kysely } from '../../src/db/sql.ts';
import { createEmptyDatabase } from '../support/servers/servers.ts';
import { useTestDatabase } from '../support/servers/test-database.ts';

const migrated = useTestDatabase();
let described: Database;
let drop: () => Promise<void>;
beforeAll(async () => {
  const created = await createEmptyDatabase();
  described = await openDatabase({ url: created.url, poolSize: 2 });
  drop = () => created.drop();
});
afterAll(async () => {
  await described.close();
  await drop();
});

/** Each column with its type, nullability, whether it has a default, and its place in the primary key. */
async function columns(em: Database['em']): Promise<string[]> {
  const found = await em.fork().execute<{ line: string }[]>(
    `select concat_ws(' ', c.relname || '.' || a.attname, format_type(a.atttypid, a.atttypmod), case when a.attnotnull then 'not null' end,
      case when a.atthasdef or a.attidentity <> '' then 'default' end, 'key ' || array_position(k.conkey, a.attnum)) as line
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      left join pg_constraint k on k.conrelid = c.oid and k.contype = 'p'
    where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and c.relname <> 'migration'`,
  );
  // repository_source has a unique constraint in place of a key, which MikroORM insists on
  return found.map(({ line }) => line.replace(/^(repository_source\..*) key \d$/, '$1')).sort();
}

test('the entities and the migrations have the same tables, columns, types, nullability, defaults and keys', async () => {
  await described.schema.create();
  expect(await columns(described.em)).toEqual(await columns(migrated.em));
});

test('statements of the builder are typed by the entities', () => {
  const db = kysely(migrated.em.fork());
  // @ts-expect-error there is no such column
  expect(() => db.selectFrom('blob').select('nothing').compile()).not.toThrow();
  // @ts-expect-error there is no such table
  expect(() => db.selectFrom('nowhere').compile()).not.toThrow();
  // @ts-expect-error a digest is a text
  expect(() => db.insertInto('blob').values({ digest: 7 }).compile()).not.toThrow();
});
