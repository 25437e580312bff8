import type pg from 'pg';

/**
 * Gives connections that die in the middle of a transaction back to their pool. Kysely does so only after a rollback that worked, which is
 * never on a dead one: each would be lost to the pool, until nothing can be asked any more and the pool cannot be closed (fault 105).
 */
export function releaseDeadConnections(pool: pg.Pool): void {
  const held = new Set<pg.PoolClient>();
  pool.on('acquire', (client) => held.add(client));
  pool.on('release', (_error, client) => held.delete(client));
  pool.on('connect', (client) => {
    // while a pool closes nobody listens to its connections, and an error that nobody hears ends the process
    client.on('error', () => undefined);
    client.once('end', () => {
      if (!held.delete(client)) return;
      client.release(true);
      // whoever holds it may still give it back
      client.release = () => undefined;
    });
  });
}
