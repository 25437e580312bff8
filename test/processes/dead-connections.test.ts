import { expect, test } from 'vitest';
import { openDatabase } from '../../src/db/open-database.ts';
import { createEmptyDatabase } from '../support/servers/servers.ts';

test('fault 105: the pool replaces connections that die in transactions', async () => {
  const { url, ...created } = await createEmptyDatabase();
  const database = await openDatabase({ url, poolSize: 2 });
  try {
    for (let round = 0; round < 5; round += 1)
      await expect(
        database.em.fork().transactional(async (em) => {
          await em.execute('select pg_terminate_backend(pg_backend_pid())');
        }),
      ).rejects.toThrow(/terminat/);
    expect(await database.em.fork().execute('select 1 as one')).toEqual([{ one: 1 }]);
  } finally {
    await database.close();
    await created.drop();
  }
});
