import { afterAll, beforeAll } from 'vitest';
import { openDatabase } from '../../../src/db/open-database.ts';
import type { Database } from '../../../src/db/open-database.ts';
import { createTestDatabase } from './servers.ts';

/** A database with all migrations, for the tests of one file. */
export function useTestDatabase(): Pick<Database, 'em'> {
  let database: Database;
  let close: (() => Promise<void>) | undefined;
  beforeAll(async () => {
    const created = await createTestDatabase();
    database = await openDatabase({ url: created.url, poolSize: 4 });
    close = async () => {
      await database.close();
      await created.drop();
    };
  });
  afterAll(() => close?.());
  return {
    get em() {
      return database.em;
    },
  };
}
