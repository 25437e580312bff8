/** A host that vanishes: its cable is cut, so that PostgreSQL and Temporal get no FIN of its connections. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { expect, test } from 'vitest';
import type { TestContext } from 'vitest';
import { createBlobLocks } from '../../../src/db/content/blob-lock.ts';
import { openNetworkNamespace } from '../../support/servers/network-namespace.ts';
import type { NetworkNamespace } from '../../support/servers/network-namespace.ts';
import { openPostgres } from '../../support/servers/open-postgres.ts';
import { testServers } from '../../support/servers/servers.ts';
import { openTcpForwarder } from '../../support/servers/tcp-forwarder.ts';
import { sampleAnswers } from '../../support/upstream/sample-answers.ts';
import { until } from '../../support/until.ts';
import { openScene, stuck } from '../scene.ts';

const client = fileURLToPath(new URL('vanishing-client.ts', import.meta.url));
const atMostMs = 30_000;

interface Host {
  readonly namespace: NetworkNamespace;
  readonly server: Awaited<ReturnType<typeof openPostgres>>;
  /** PostgreSQL's address for this machine. */
  readonly own: string;
  /** The states of the host's sessions. */
  readonly sessions: () => Promise<string[]>;
  /** How many advisory locks they hold. */
  readonly locks: () => Promise<number>;
  /** Closed in reverse order, before the server. */
  readonly parts: (() => unknown)[];
}

async function withHost({ skip }: TestContext, play: (host: Host) => Promise<void>): Promise<void> {
  const namespace = await openNetworkNamespace();
  if (typeof namespace === 'string') {
    console.log(`Skipped: ${namespace}`);
    return skip(namespace);
  }
  const server = await openPostgres();
  const own = server.url('127.0.0.1');
  const watcher = new pg.Client({ connectionString: own });
  const parts: (() => unknown)[] = [() => namespace.close(), () => server.close(), () => watcher.end()];
  const column = async <T>(query: string): Promise<T[]> => {
    const { rows } = await watcher.query<{ value: T }>(query, [namespace.guestAddress]);
    return rows.map(({ value }) => value);
  };
  try {
    await watcher.connect();
    await play({
      namespace,
      server,
      own,
      parts,
      sessions: () =>
        column('select state as value from pg_stat_activity where client_addr = $1::inet order by state'),
      locks: async () => {
        const held = await column(
          `select 1 as value from pg_locks join pg_stat_activity using (pid) where locktype = 'advisory' and granted and client_addr = $1::inet`,
        );
        return held.length;
      },
    });
  } finally {
    for (const close of parts.toReversed()) await close();
  }
}

test.concurrent('its locks, its transactions and its statements are given back within 30 s', (context) =>
  withHost(context, async ({ namespace, server, own, sessions, parts }) => {
    const [command = '', ...prefix] = namespace.prefix;
    const guest = spawn(command, [...prefix, process.execPath, client, server.url(namespace.hostAddress)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    parts.push(() => guest.kill('SIGKILL'));
    const locks = createBlobLocks(own);
    parts.push(() => locks.close());
    await once(guest.stdout, 'data');
    await until(async () => (await sessions()).includes('active'));
    expect(await sessions()).toEqual(['active', 'idle', 'idle in transaction']);
    await namespace.cutCable();
    guest.kill('SIGKILL');
    await locks.withLock('sha256:held', AbortSignal.timeout(atMostMs), () => Promise.resolve());
    await until(async () => (await sessions()).length === 0, { atMostMs });
    const other = new pg.Client({ connectionString: own });
    await other.connect();
    parts.push(() => other.end());
    const free = await other.query<{ free: boolean }>('select pg_try_advisory_lock(1) as free');
    expect(free.rows).toEqual([{ free: true }]);
  }));

test.concurrent('a worker on it loses its locks and its activity, and another worker finishes the sync', (context) =>
  withHost(context, async ({ namespace, server, own, sessions, locks, parts }) => {
    const { hostAddress, prefix } = namespace;
    const temporal = await openTcpForwarder(hostAddress, testServers().temporalAddress);
    parts.push(() => temporal.close());
    const scene = await openScene({ databaseUrl: own, upstreamHost: hostAddress });
    parts.push(() => scene.close());
    const { stack, upstream, large, content, ids } = scene;
    await stack.launch(
      'worker',
      { DATABASE_URL: server.url(hostAddress), TEMPORAL_ADDRESS: temporal.address },
      [...prefix, process.execPath],
    );
    upstream.on(large.route, stuck(large.bytes, 1));
    const task = await stack.start(ids);
    await until(() => upstream.requestsOf(large.route).length > 0);
    expect(await locks()).toBeGreaterThan(0);

    await namespace.cutCable();
    upstream.on(large.route, sampleAnswers(content));
    await stack.launch('worker');
    // It runs on, and believes that it has its work.
    await until(async () => (await sessions()).length === 0, { atMostMs });
    expect(await locks()).toBe(0);
    expect(await stack.finish(task)).toMatchObject({ state: 'COMPLETED', createdVersion: 1 });
    await scene.expectWhole();
  }));
