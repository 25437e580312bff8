import { expect, test } from 'vitest';
import { toFailure } from '../../src/activities/failure.ts';
import type { Em } from '../../src/db/open-database.ts';
import { useTestDatabase } from '../support/servers/test-database.ts';

const database = useTestDatabase();

/** Locks both, the second when the other one has its first. */
async function lockInTurn(em: Em, locks: readonly [number, number], other: Deferred, own: Deferred) {
  await em.transactional(async (transaction) => {
    await transaction.execute('select pg_advisory_xact_lock(?)', [locks[0]]);
    own.resolve(undefined);
    await other.promise;
    await transaction.execute('select pg_advisory_xact_lock(?)', [locks[1]]);
  });
}
type Deferred = PromiseWithResolvers<undefined>;

test.each([
  {
    name: 'a deadlock',
    play: async () => {
      const [one, two] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
      return Promise.allSettled([
        lockInTurn(database.em.fork(), [1, 2], two, one),
        lockInTurn(database.em.fork(), [2, 1], one, two),
      ]);
    },
  },
  {
    name: 'a serialisation failure',
    play: async () => {
      const em = database.em.fork();
      await em.execute('create table counted (id int primary key, count int not null)');
      await em.execute('insert into counted values (1, 0)');
      const first = database.em.fork();
      await first.begin({ isolationLevel: 'repeatable read' });
      await first.execute('select count from counted');
      await em.execute('update counted set count = 1');
      const results = await Promise.allSettled([first.execute('update counted set count = 2')]);
      await first.rollback();
      return results;
    },
  },
])('fault 106: $name is tried again, however often, and tells nothing', async ({ play }) => {
  const lost = (await play()).filter((result) => result.status === 'rejected');
  expect(lost).toHaveLength(1);
  const failure = toFailure(lost[0]?.reason, 1_000);
  expect(failure).toMatchObject({ type: 'INTERNAL', nonRetryable: false });
  expect(failure.message).not.toMatch(/deadlock|update|lock/);
});
