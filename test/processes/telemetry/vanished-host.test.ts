/** A host that vanishes: its cable is cut, so that PostgreSQL gets no FIN of its sessions. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { expect, test } from 'vitest';
import { createBlobLocks } from '../../../src/db/content/blob-lock.ts';
import { openNetworkNamespace } from '../../support/servers/network-namespace.ts';
import { openPostgres } from '../../support/servers/open-postgres.ts';
import { until } from '../../support/until.ts';

const client = fileURLToPath(new URL('vanishing-client.ts', import.meta.url));

test('its locks, its transactions and its statements are given back within 30 s', async (context) => {
  const namespace = await openNetworkNamespace();
  if (typeof namespace === 'string') {
    console.log(`Skipped: ${namespace}`);
    return context.skip(namespace);
  }
  const server = await openPostgres();
  const own = server.url('127.0.0.1');
  const [command = '', ...prefix] = namespace.prefix;
  const guest = spawn(command, [...prefix, process.execPath, client, server.url(namespace.hostAddress)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const watcher = new pg.Client({ connectionString: own });
  const locks = createBlobLocks(own);
  try {
    await once(guest.stdout, 'data');
    await watcher.connect();
    const sessions = async () => {
      const found = await watcher.query<{ state: string }>(
        'select state from pg_stat_activity where client_addr = $1::inet order by state',
        [namespace.guestAddress],
      );
      return found.rows.map(({ state }) => state);
    };
    await until(async () => (await sessions()).includes('active'));
    expect(await sessions()).toEqual(['active', 'idle', 'idle in transaction']);
    await namespace.cutCable();
    guest.kill('SIGKILL');
    const lastWait = AbortSignal.timeout(30_000);
    await locks.withLock('sha256:held', lastWait, () => Promise.resolve());
    await until(async () => (await sessions()).length === 0, { atMostMs: 30_000 });
    const free = await watcher.query<{ free: boolean }>('select pg_try_advisory_lock(1) as free');
    expect(free.rows).toEqual([{ free: true }]);
  } finally {
    guest.kill('SIGKILL');
    await Promise.all([locks.close(), watcher.end()]);
    await server.close();
    await namespace.close();
  }
});
