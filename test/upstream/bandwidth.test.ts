/** Limits of bandwidth: several processes, each with a pool of its own, read from one upstream. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase } from '../../src/db/open-database.ts';
import type { Database } from '../../src/db/open-database.ts';
import { kysely } from '../../src/db/sql.ts';
import type { Remote } from '../../src/db/schema/remotes.ts';
import { parseDigest } from '../../src/oci/digest.ts';
import { openRegistry } from '../../src/registry/client.ts';
import { createBandwidth } from '../../src/upstream/bandwidth.ts';
import type { HostRates } from '../../src/upstream/bandwidth.ts';
import { parseRates } from '../../src/timetables/rates.ts';
import { insertMirror } from '../support/sync/insert-mirror.ts';
import { createTestDatabase } from '../support/servers/servers.ts';
import { blob, openFakeUpstream } from '../support/upstream/fake-upstream.ts';
import type { FakeUpstream } from '../support/upstream/fake-upstream.ts';

const size = 1_500_000;
const digest = parseDigest(`sha256:${'a'.repeat(64)}`);
let upstream: FakeUpstream;
let processes: Database[];
let home: Database;
let drop: () => Promise<void>;
beforeAll(async () => {
  const created = await createTestDatabase();
  drop = () => created.drop();
  home = await openDatabase({ url: created.url, poolSize: 2 });
  upstream = await openFakeUpstream({ fallback: blob(randomBytes(size)) });
  processes = await Promise.all([0, 1, 2].map(() => openDatabase({ url: created.url, poolSize: 2 })));
});
afterAll(async () => {
  await Promise.all([home, ...processes].map((database) => database.close()));
  await drop();
  await upstream.close();
});

type Limits = Pick<Remote, 'bytesPerSecond'>;

/** Reads the blob twice in each process, all at the same time. */
async function readAll(id: number, limits: Limits, hosts: HostRates = new Map()): Promise<number> {
  const startedAt = performance.now();
  const read = async (database: Database) => {
    const byteBudget = createBandwidth(database, hosts).budgetOf({ id, url: upstream.url, ...limits });
    const registry = openRegistry({
      url: upstream.url,
      upstreamName: 'app',
      allowPrivate: true,
      ...(byteBudget !== undefined && { byteBudget }),
    });
    const readOne = async () => {
      const { bytes } = await registry.fetch({ digest, size, mediaType: 'application/octet-stream' });
      let received = 0;
      for await (const chunk of bytes) received += chunk.byteLength;
      expect(received).toBe(size);
    };
    await Promise.all([readOne(), readOne()]);
    await registry.close();
  };
  await Promise.all(processes.map(read));
  return (performance.now() - startedAt) / 1000;
}

/** Half a second of bytes at once, and what each reader takes before it waits. */
function burst(rate: number): number {
  return rate / 2 + 6 * 128 * 1024;
}

const accounts = async () =>
  (
    await kysely(home.em.fork())
      .selectFrom('byte_account')
      .select(['scope', 'remote_id'])
      .orderBy('scope')
      .execute()
  ).map(({ scope }) => scope);

test('bandwidth of several processes: none above the limit, no statement without one, both limits hold', async () => {
  const { remoteId } = await insertMirror(home.em.fork(), 'limited', {
    url: upstream.url,
    upstreamName: 'app',
  });
  await readAll(remoteId, { bytesPerSecond: null });
  await readAll(remoteId, { bytesPerSecond: 'off' });
  expect(await accounts()).toEqual([]);

  const seconds = await readAll(remoteId, { bytesPerSecond: '6MB/s' });
  expect(6 * size).toBeLessThanOrEqual(6e6 * seconds + burst(6e6));
  expect(await accounts()).toEqual([`remote ${remoteId}`]);

  const hostRate = parseRates('5MB/s');
  if ('mistake' in hostRate) throw new Error(hostRate.mistake);
  const { host } = new URL(upstream.url);
  const both = await readAll(remoteId, { bytesPerSecond: '100MB/s' }, new Map([[host, hostRate.value]]));
  expect(6 * size).toBeLessThanOrEqual(5e6 * both + burst(5e6));
  expect(await accounts()).toEqual([`host ${host}`, `remote ${remoteId}`]);

  await home.em.fork().execute('delete from repository');
  await home.em.fork().execute('delete from remote');
  expect(await accounts()).toEqual([`host ${host}`]);
});

test('a reader that waits for bandwidth can be aborted, and a clock that was set back stops nobody', async () => {
  const { remoteId } = await insertMirror(home.em.fork(), 'slow', { url: upstream.url, upstreamName: 'app' });
  const [database] = processes;
  if (database === undefined) throw new Error('no database');
  const budget = createBandwidth(database, new Map()).budgetOf({
    id: remoteId,
    url: upstream.url,
    bytesPerSecond: '10kB/s',
  });
  await budget?.take(5_000);
  await budget?.take(1_000_000);
  const leaving = new AbortController();
  const waiting = budget?.take(5_000, leaving.signal);
  leaving.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');

  await database.em.fork().execute("update byte_account set leased_at = now() + interval '1 day'");
  const other = createBandwidth(database, new Map()).budgetOf({
    id: remoteId,
    url: upstream.url,
    bytesPerSecond: '10kB/s',
  });
  // it would wait for 100 s
  await other?.take(5_000);
});
