import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { BlobStore } from '../content/store.ts';
import { readInstallation } from '../db/tasks/installation.ts';
import { checkSchema, migrateDatabase, openDatabase } from '../db/open-database.ts';
import type { Database } from '../db/open-database.ts';
import { startEmbedded } from '../embedded/start-embedded.ts';
import type { RunningServers } from '../embedded/start-embedded.ts';
import { openBlobStore } from './blob-store.ts';
import { openSecrets } from './checks/check-secrets.ts';
import type { OpenedSecrets } from './checks/check-secrets.ts';
import { closeDataFolder } from './data-folder.ts';
import { createLogger } from './logger.ts';
import { postgres, whenReachable } from './reachable.ts';
import type { Stopper } from './stopper.ts';
import type { Tracing } from '../telemetry/tracing.ts';
import { createBandwidth } from '../upstream/bandwidth.ts';
import type { Bandwidth } from '../upstream/bandwidth.ts';
import { watchFaults } from './watch-faults.ts';

export interface StartOptions {
  /** Called with one line of text for each step of the start. */
  readonly log: (message: string) => void;
  readonly signal?: AbortSignal;
  /** Default: JSON lines on standard output, of the configured level. */
  readonly logger?: Logger;
}

/** The resources that both roles share. */
export interface Ground extends OpenedSecrets {
  readonly config: Config;
  readonly servers: RunningServers;
  readonly database: Database;
  /** The id of this installation. */
  readonly installation: string;
  readonly store: BlobStore;
  readonly logger: Logger;
  readonly stopper: Stopper;
  readonly bandwidth: Bandwidth;
  /** Undefined: no traces. */
  readonly tracing: Tracing | undefined;
  /** Rejects with an uncaught exception. */
  readonly failed: Promise<never>;
}

export async function layGround(config: Config, options: StartOptions, stopper: Stopper): Promise<Ground> {
  const logger = options.logger ?? createLogger(config.logLevel);
  const faults = watchFaults(logger, () => stopper.stop());
  stopper.add('the watch for faults', () => Promise.resolve(faults.close()));
  const tracing = config.traces
    ? (await import('../telemetry/tracing.ts')).startTracing(process.env)
    : undefined;
  if (tracing !== undefined) stopper.add('the traces', () => tracing.close());
  const servers = await startEmbedded(config, options.log, options.signal);
  stopper.add('the embedded servers', () => servers.stop());
  await closeDataFolder(config.dataDir, logger);
  const database = await openDatabase({ url: servers.databaseUrl, poolSize: config.databasePoolSize });
  stopper.add('the database pool', () => database.close());
  // A shared database is migrated by `tidemark migrate`.
  const prepare = config.databaseUrl === undefined ? migrateDatabase : checkSchema;
  await whenReachable(postgres, options, () => prepare(database));
  const opened = await openSecrets(config, database);
  const store = await openBlobStore(config, database, { logger, stopper });
  const installation = await readInstallation(database.em.fork());
  const bandwidth = createBandwidth(database, config.hostRates);
  const parts = { ...opened, tracing, store, installation, bandwidth, failed: faults.failed };
  return { config, servers, database, logger, stopper, ...parts };
}
