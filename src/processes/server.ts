import { fileURLToPath } from 'node:url';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import type { Logger } from 'pino';
import { createAccess } from '../access/access.ts';
import { finishRotation } from '../access/rotate-secrets.ts';
import { createSignatureChecks } from '../upstream/check-signatures.ts';
import { createOutputLog } from '../api/access-log.ts';
import { keepCollectionSchedule } from '../api/temporal/collection-schedule.ts';
import { createTaskQueueClaim } from '../api/own-task-queue.ts';
import { startReconciler } from '../api/temporal/reconcile-tasks.ts';
import { startPullCounter } from '../api/pull-counter.ts';
import { startSweep } from '../api/sweep.ts';
import { createApi } from '../api/server.ts';
import { createWorkflowClient } from '../api/temporal/workflow-client.ts';
import type { Config } from '../config.ts';
import type { BlobStore } from '../content/store.ts';
import { openUploadFolder } from '../content/folder/upload-folder.ts';
import { readInstallation } from '../db/tasks/installation.ts';
import { forbidPrivateUpstreams } from '../db/access/private-upstreams.ts';
import { checkSchema, migrateDatabase, openDatabase } from '../db/open-database.ts';
import type { Database } from '../db/open-database.ts';
import { countOf } from '../oci/count-of.ts';
import { createUpstreamReader } from '../on-demand/upstream-reader.ts';
import { createBandwidth } from '../upstream/bandwidth.ts';
import type { Bandwidth } from '../upstream/bandwidth.ts';
import { openRegistry } from '../registry/client.ts';
import { startEmbedded } from '../embedded/start-embedded.ts';
import type { RunningServers } from '../embedded/start-embedded.ts';
import { openBlobStore } from './blob-store.ts';
import { checkDistributions } from './check-distributions.ts';
import { checkUpstreams } from './check-upstreams.ts';
import { allowsPrivateUpstreams, chooseLogins } from './check-logins.ts';
import { openSecrets } from './check-secrets.ts';
import type { OpenedSecrets } from './check-secrets.ts';
import { closeDataFolder } from './data-folder.ts';
import { checkPort, listen } from './listen.ts';
import { createLogger } from './logger.ts';
import { readVersion } from './program-version.ts';
import { removeServerFile, writeServerFile } from './server-file.ts';
import { postgres, temporal, whenReachable } from './reachable.ts';
import { createStopper } from './stopper.ts';
import type { Stopper } from './stopper.ts';
import { watchFaults } from './watch-faults.ts';
import { watchTaskQueue } from './watch-task-queue.ts';
import { installTemporalRuntime, startWorker } from './worker-role.ts';
import type { RunningWorker } from './worker-role.ts';

/** The parts of Tidemark that a process runs. */
export type Role = 'api' | 'worker';

export interface StartServerOptions {
  readonly roles: readonly Role[];
  /** Called with one line of text for each step of the start. */
  readonly log: (message: string) => void;
  readonly signal?: AbortSignal;
  /** Default: JSON lines on standard output, of the configured level. */
  readonly logger?: Logger;
}

export interface RunningServer {
  /** `http://127.0.0.1:4000`; undefined without the API role. */
  readonly apiUrl: string | undefined;
  readonly temporalUiUrl: string | undefined;
  /** Rejects when a part stops by itself. Resolves after `stop`. */
  readonly stopped: Promise<void>;
  /** Drains requests, hands activities back to Temporal, and stops embedded servers. Idempotent. */
  stop(): Promise<void>;
}

/** The resources that both roles share. */
interface Ground extends OpenedSecrets {
  readonly config: Config;
  readonly servers: RunningServers;
  readonly database: Database;
  /** The id of this installation. */
  readonly installation: string;
  readonly store: BlobStore;
  readonly logger: Logger;
  readonly stopper: Stopper;
  readonly bandwidth: Bandwidth;
  /** Rejects with an uncaught exception. */
  readonly failed: Promise<never>;
}

/** Starts the named roles, with embedded PostgreSQL and Temporal if none are configured. */
export async function startServer(config: Config, options: StartServerOptions): Promise<RunningServer> {
  const stopper = createStopper();
  try {
    if (options.roles.includes('api')) {
      chooseLogins(config);
      await checkPort(config);
    }
    const ground = await layGround(config, options, stopper);
    options.signal?.throwIfAborted();
    const runsWorker = options.roles.includes('worker');
    const [running, worker] = await Promise.all([
      options.roles.includes('api') ? startApiRole(ground, options) : undefined,
      runsWorker ? startWorkerRole(ground, options) : undefined,
    ]);
    const ended =
      worker?.stopped ??
      new Promise<void>((resolve) => stopper.add('waiting', () => Promise.resolve(resolve())));
    const stopped = Promise.race([ended, ground.failed, ...(running === undefined ? [] : [running.refused])]);
    // An unawaited rejection must not end the process.
    stopped.catch(() => undefined);
    const { temporalUiUrl } = ground.servers;
    return { apiUrl: running?.apiUrl, temporalUiUrl, stopped, stop: () => stopper.stop() };
  } catch (error) {
    await stopper.stop().catch(() => undefined);
    throw error;
  }
}

async function layGround(config: Config, options: StartServerOptions, stopper: Stopper): Promise<Ground> {
  const logger = options.logger ?? createLogger(config.logLevel);
  installTemporalRuntime(logger);
  const faults = watchFaults(logger, () => stopper.stop());
  stopper.add('the watch for faults', () => Promise.resolve(faults.close()));
  const servers = await startEmbedded(config, options.log, options.signal);
  stopper.add('the embedded servers', () => servers.stop());
  await closeDataFolder(config.dataDir, logger);
  const database = await openDatabase({ url: servers.databaseUrl, poolSize: config.databasePoolSize });
  stopper.add('the database pool', () => database.close());
  // A shared database is migrated by `tidemark migrate`.
  const prepare = config.databaseUrl === undefined ? migrateDatabase : checkSchema;
  await whenReachable(postgres, options, () => prepare(database));
  const opened = await openSecrets(config, database);
  const store = await openBlobStore(config, logger, stopper);
  const installation = await readInstallation(database.em.fork());
  const bandwidth = createBandwidth(database, config.hostRates);
  const parts = { ...opened, store, installation, bandwidth, failed: faults.failed };
  return { config, servers, database, logger, stopper, ...parts };
}

/** Address, TLS and API key of an external Temporal server come from @temporalio/envconfig. */
function temporalOptions({ config, servers }: Ground) {
  if (config.temporalAddress === undefined) return { address: servers.temporalAddress };
  return { ...loadClientConnectConfig().connectionOptions, address: config.temporalAddress };
}

/** @returns `refused`, which rejects if the task queue belongs to another installation. */
async function startApiRole(ground: Ground, options: StartServerOptions) {
  const { config, stopper, database, logger, installation } = ground;
  const rotation = await finishRotation(database.em.fork(), ground.secrets);
  if (rotation !== undefined)
    options.log(
      `Finished an interrupted key rotation: ${countOf(rotation.resealed, 'secret')} encrypted with the first key`,
    );
  const logins = chooseLogins(config);
  const areLoginsOn = logins.tokens || logins.oidc !== undefined;
  await checkDistributions(database.em.fork(), {
    areLoginsOn,
    earlier: config.earlierDistributions,
    log: options.log,
  });
  const allowPrivate = allowsPrivateUpstreams(config);
  const { allowUpstream } = config;
  if (!allowPrivate) await forbidPrivateUpstreams(database.em.fork());
  await checkUpstreams(database.em.fork(), { allowPrivate, allowUpstream, log: options.log });
  const connection = Connection.lazy(temporalOptions(ground));
  stopper.add('the connection to Temporal', () => connection.close());
  const client = new Client({ connection, namespace: config.temporalNamespace });
  const { taskQueue, collectionIntervalSeconds: everySeconds } = config;
  const own = createTaskQueueClaim({ client, taskQueue, installation });
  const queue = watchTaskQueue(own);
  stopper.add('the watch of the task queue', () => Promise.resolve(queue.stop()));
  await queue.looked;
  const workflows = createWorkflowClient({ client, taskQueue, own });
  stopper.add(
    'the schedule of clean-ups',
    keepCollectionSchedule({ client, taskQueue, installation, own, everySeconds, logger }),
  );
  stopper.add('the reconciler', startReconciler({ database, workflows, logger }));
  const uploads = await openUploadFolder({ root: config.dataDir, blobs: ground.store });
  stopper.add('the sweep of uploads and sessions', startSweep({ database, uploads, logger }));
  const pulls = startPullCounter({ database, logger });
  stopper.add('the counts of pulls', () => pulls.close());
  const signatures = createSignatureChecks(ground);
  const upstreams = createUpstreamReader({
    ...ground,
    signatures,
    isShared: areLoginsOn,
    databaseUrl: ground.servers.databaseUrl,
    openRegistry,
    manifestMaxBytes: config.manifestMaxBytes,
    allowPrivate,
    allowUpstream,
  });
  stopper.add('what is fetched on demand', () => upstreams.close());
  const api = await createApi({
    database,
    workflows,
    secrets: ground.secrets,
    access: createAccess({ database, secrets: ground.secrets, logins }),
    config: {
      host: config.host,
      publicUrl: config.publicUrl,
      allowPrivate,
      allowUpstream,
      temporalUiUrl: ground.servers.temporalUiUrl,
      temporalNamespace: config.temporalNamespace,
      manifestMaxBytes: config.manifestMaxBytes,
      version: readVersion(),
      webFolder: fileURLToPath(new URL('../web', import.meta.url)),
    },
    blobs: ground.store,
    upstreams,
    pulls,
    uploads,
    signatures,
    checkStore: () => ground.store.check(),
    logger,
    accessLog: config.accessLog === 'json' ? createOutputLog() : undefined,
  });
  stopper.add('the API', () => api.close());
  const apiUrl = await listen(api, config);
  options.log(`API ready on ${apiUrl}`);
  await writeServerFile(config.dataDir, { apiUrl, temporalUiUrl: ground.servers.temporalUiUrl });
  stopper.add('the server file', () => removeServerFile(config.dataDir));
  return { apiUrl, refused: queue.refused };
}

async function startWorkerRole(ground: Ground, options: StartServerOptions): Promise<RunningWorker> {
  const { config, stopper } = ground;
  const connection = await whenReachable(temporal, options, () =>
    NativeConnection.connect(temporalOptions(ground)),
  );
  stopper.add('the connection of the worker', () => connection.close());
  const { taskQueue, temporalNamespace: namespace } = config;
  const client = new Client({ connection, namespace });
  const own = createTaskQueueClaim({ client, taskQueue, installation: ground.installation });
  await whenReachable(temporal, options, own);
  const worker = await startWorker({
    ...config,
    ...ground,
    databaseUrl: ground.servers.databaseUrl,
    connection,
    namespace,
    taskQueue,
    workflowBundle: { codePath: fileURLToPath(new URL('../workflow-bundle.js', import.meta.url)) },
    allowPrivate: allowsPrivateUpstreams(config),
  });
  stopper.add('the worker', () => worker.stop());
  options.log(`Worker ready on task queue ${taskQueue}`);
  return worker;
}
