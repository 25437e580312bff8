import type pg from 'pg';

/**
 * Returns connections that break during a transaction to their pool. Kysely does so only after a successful rollback.
 * Otherwise the pool would run out and could not be closed (fault 105).
 */
export function releaseDeadConnections(pool: pg.Pool): void {
  const held = new Set<pg.PoolClient>();
  pool.on('acquire', (client) => held.add(client));
  pool.on('release', (_error, client) => held.delete(client));
  pool.on('connect', (client) => {
    // A closing pool does not listen to its connections, and an unhandled error ends the process.
    client.on('error', () => undefined);
    client.once('end', () => {
      if (!held.delete(client)) return;
      client.release(true);
      // Its holder may still release it.
      client.release = () => undefined;
    });
  });
}
