import { Migrator } from '@mikro-orm/migrations';
import { MikroORM } from '@mikro-orm/postgresql';
import type { EntityManager } from '@mikro-orm/postgresql';
import pg from 'pg';
import { countOf } from '../oci/count-of.ts';
import { TidemarkError } from '../oci/error.ts';
import { clientKeepalive, limitVanishedClients } from './connection/keepalive.ts';
import { releaseDeadConnections } from './connection/dead-connections.ts';
import { entities } from './schema/entities.ts';
import { Migration0001Installation } from './migrations/0.1/0001-installation.ts';
import { Migration0002Access } from './migrations/0.1/0002-access.ts';
import { Migration0003Remotes } from './migrations/0.1/0003-remotes.ts';
import { Migration0004Repositories } from './migrations/0.1/0004-repositories.ts';
import { Migration0005Tasks } from './migrations/0.1/0005-tasks.ts';
import { Migration0006Content } from './migrations/0.1/0006-content.ts';
import { Migration0007Versions } from './migrations/0.1/0007-versions.ts';
import { Migration0008Distributions } from './migrations/0.1/0008-distributions.ts';
import { Migration0009Schedules } from './migrations/0.1/0009-schedules.ts';
import { Migration0010Staging } from './migrations/0.1/0010-staging.ts';
import { Migration0011Configuration } from './migrations/0.1/0011-configuration.ts';
import { Migration0012Rules } from './migrations/0.1/0012-rules.ts';
import { Migration0013Upstreams } from './migrations/0.1/0013-upstreams.ts';
import { Migration0014Budgets } from './migrations/0.1/0014-budgets.ts';
import { Migration0015Pulls } from './migrations/0.1/0015-pulls.ts';
import { Migration0016Proxies } from './migrations/0.1/0016-proxies.ts';
import { Migration0017PullThrough } from './migrations/0.1/0017-pull-through.ts';
import { Migration0018ProxyCaches } from './migrations/0018-proxy-caches.ts';
import { Migration0019Webhooks } from './migrations/0019-webhooks.ts';
import { Migration0020Difference } from './migrations/0020-difference.ts';
import { Migration0021ClosedUploads } from './migrations/0021-closed-uploads.ts';

/** Functions of this folder take one; some require a transaction. */
export type Em = EntityManager;

export type Database = MikroORM;

export interface DatabaseOptions {
  /** `postgresql://…`. */
  readonly url: string;
  /** Default 20. */
  readonly poolSize?: number;
}

const migrations = [
  Migration0001Installation,
  Migration0002Access,
  Migration0003Remotes,
  Migration0004Repositories,
  Migration0005Tasks,
  Migration0006Content,
  Migration0007Versions,
  Migration0008Distributions,
  Migration0009Schedules,
  Migration0010Staging,
  Migration0011Configuration,
  Migration0012Rules,
  Migration0013Upstreams,
  Migration0014Budgets,
  Migration0015Pulls,
  Migration0016Proxies,
  Migration0017PullThrough,
  Migration0018ProxyCaches,
  Migration0019Webhooks,
  Migration0020Difference,
  Migration0021ClosedUploads,
];

// Ids and byte counts are below 2^53.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

/** Opens the pool and checks the connection. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  return MikroORM.init({
    clientUrl: options.url,
    entities,
    extensions: [Migrator],
    pool: { min: 0, max: options.poolSize ?? 20 },
    driverOptions: {
      connectionTimeoutMillis: 10_000,
      application_name: 'tidemark',
      ...clientKeepalive,
      onConnect: limitVanishedClients,
      onPoolCreated: releaseDeadConnections,
    },
    migrations: {
      migrationsList: migrations,
      tableName: 'migration',
      snapshot: false,
      silent: true,
      transactional: true,
      allOrNothing: true,
    },
  });
}

/** An arbitrary number. One process migrates while the others wait. */
const migrationLock = 7_203_115;

/**
 * Runs the pending migrations. Several processes may call it concurrently.
 * @throws TidemarkError `SCHEMA_UNKNOWN` if a newer program has migrated the database (fault 107).
 */
export async function migrateDatabase(database: Database): Promise<void> {
  const lock = new pg.Client({
    connectionString: database.config.get('clientUrl') ?? '',
    ...clientKeepalive,
  });
  // Without a listener, an error of the connection would end the process.
  lock.on('error', () => undefined);
  await lock.connect();
  await limitVanishedClients(lock);
  try {
    await lock.query('select pg_advisory_lock($1)', [migrationLock]);
    await assertKnownSchema(database);
    await database.migrator.up();
  } finally {
    await lock.end();
  }
}

/** @throws TidemarkError `SCHEMA_UNKNOWN`, or `SCHEMA_OUTDATED` if migrations are pending. */
export async function checkSchema(database: Database): Promise<void> {
  await assertKnownSchema(database);
  const pending = await database.migrator.getPending();
  if (pending.length > 0)
    throw new TidemarkError(
      'SCHEMA_OUTDATED',
      `The database lacks ${countOf(pending.length, 'migration')}, the first is ${pending[0]?.name}. Run "tidemark migrate".`,
      { origin: 'server' },
    );
}

async function assertKnownSchema(database: Database): Promise<void> {
  const known = new Set(
    migrations.map((migration) => new migration(database.em.getDriver(), database.config).name),
  );
  const executed = await database.migrator.getExecuted();
  const unknown = executed.map((row) => row.name).filter((name) => !known.has(name));
  if (unknown.length > 0)
    throw new TidemarkError(
      'SCHEMA_UNKNOWN',
      `The database was migrated by a newer Tidemark: its migration ${unknown[0]} is not known here. Start that newer version.`,
      { origin: 'server' },
    );
}
