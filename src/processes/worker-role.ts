import { Runtime, Worker } from '@temporalio/worker';
import type { NativeConnection, WorkflowBundleOption } from '@temporalio/worker';
import type { Logger } from 'pino';
import type { LoginSettings } from '../access/login-settings.ts';
import type { Credentials } from '../access/credentials/credentials.ts';
import type { SecretBox } from '../access/secrets.ts';
import { createActivities } from '../activities/create-activities.ts';
import type { Bandwidth } from '../upstream/bandwidth.ts';
import { createLimiter } from '../upstream/limiter.ts';
import type { ThrottleClock } from '../activities/deps.ts';
import { scrubRecent } from '../activities/upkeep/verify.ts';
import type { ActivityDeps } from '../activities/deps.ts';
import { createBlobLocks } from '../db/content/blob-lock.ts';
import { hasLogins } from '../db/access/access-tokens.ts';
import type { Database } from '../db/open-database.ts';
import type { Tracing } from '../telemetry/tracing.ts';
import { openRegistry } from '../registry/client.ts';
import { createTransportPool } from '../registry/transport/transport-pool.ts';

export interface WorkerRoleOptions {
  readonly database: Database;
  readonly databaseUrl: string;
  readonly store: ActivityDeps['store'];
  readonly secrets: SecretBox;
  readonly credentials: Credentials;
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly taskQueue: string;
  /** Code of scripts/bundle-workflows.mjs. Bundling takes seconds and 200 MB, so it is part of the build. */
  readonly workflowBundle: WorkflowBundleOption;
  /** Upstream connections of this worker. */
  readonly workerConnections: number;
  /** Maximum of syncs of one host at a time, over all workers. */
  readonly syncsPerHost: number;
  /** How long a sync waits for a throttled host without progress. */
  readonly throttleBudgetSeconds: number;
  /** Default: the real clock. */
  readonly throttleClock?: ThrottleClock | undefined;
  readonly bandwidth: Bandwidth;
  readonly manifestMaxBytes: number;
  readonly allowPrivate: boolean;
  readonly allowUpstream: readonly string[];
  readonly collectionGraceSeconds: number;
  /** Undefined: not set for this process. */
  readonly logins: LoginSettings | undefined;
  readonly publicUrl?: string | undefined;
  readonly tracing?: Tracing | undefined;
  readonly logger: Logger;
}

export interface RunningWorker {
  /** Rejects when the worker stops by itself. Resolves after `stop`. */
  readonly stopped: Promise<void>;
  /** Hands running activities back to Temporal, and frees the worker's resources. */
  stop(): Promise<void>;
}

/** How long activities may continue after SIGTERM before they are told to hand their work back. */
const shutdownGraceTime = '500ms';
const shutdownForceTime = '10s';

/** Starts a Temporal worker for workflows and activities. */
export async function startWorker(options: WorkerRoleOptions): Promise<RunningWorker> {
  if (options.logins === undefined && (await hasLogins(options.database.em.fork())))
    options.logger.warn(
      'TIDEMARK_AUTH is not set for this worker, and the database has logins: syncs without a known starter reuse nothing. Set it as for the API.',
    );
  const blobLocks = createBlobLocks(options.databaseUrl);
  const connections = createTransportPool();
  const { activities, close } = createActivities({
    ...options,
    blobLocks,
    openRegistry: (registry) =>
      openRegistry(registry, { openTransport: (transport) => connections.open(transport) }),
    connections: createLimiter(options.workerConnections),
  });
  const worker = await Worker.create({
    connection: options.connection,
    namespace: options.namespace,
    taskQueue: options.taskQueue,
    workflowBundle: options.workflowBundle,
    activities,
    ...options.tracing?.worker,
    shutdownGraceTime,
    shutdownForceTime,
    // An activity is cancelled through the answer to a heartbeat, so heartbeats are not delayed for long.
    maxHeartbeatThrottleInterval: '1s',
    defaultHeartbeatThrottleInterval: '1s',
    maxCachedWorkflows: 50,
    maxConcurrentActivityTaskExecutions: activitiesAtOnce(options.workerConnections),
  });
  const stopping = new AbortController();
  // Not awaited: an unmarked lost blob is a 404 in any case.
  const scrubbing = scrubRecent({ ...options, blobLocks }, stopping.signal).catch((error: unknown) => {
    if (!stopping.signal.aborted)
      options.logger.warn({ err: error }, 'could not look at the blobs stored last');
  });
  const run = async () => {
    try {
      await worker.run();
    } finally {
      stopping.abort();
      await scrubbing;
      await close();
      await connections.close();
      await blobLocks.close();
    }
  };
  const stopped = run();
  // The rejection is optional to await.
  stopped.catch(() => undefined);
  return {
    stopped,
    async stop() {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await stopped;
    },
  };
}

/**
 * A sync has four activities at a time with five requests each. A worker with few connections takes fewer, so that others are left to the
 * next worker: Temporal prefers the worker that runs the workflow. Clean-ups need no connections: at most two.
 */
function activitiesAtOnce(connections: number): number {
  return Math.min(20, Math.max(3, 1 + Math.ceil(connections / 4)));
}

/** Redirects the log of Temporal's runtime to ours. Once per process, before any other use of @temporalio/worker. */
export function installTemporalRuntime(logger: Logger): void {
  Runtime.install({
    // main.ts handles SIGTERM and stops the parts in order.
    shutdownSignals: [],
    logger: {
      log: (level, message, meta) => {
        logger[pinoLevel(level)](meta ?? {}, message);
      },
      trace: (message, meta) => logger.trace(meta ?? {}, message),
      debug: (message, meta) => logger.debug(meta ?? {}, message),
      info: (message, meta) => logger.debug(meta ?? {}, message),
      // Activities log their errors themselves, with causes that Temporal does not get (activities/failure.ts).
      warn: (message, meta) => logger[message === 'Activity failed' ? 'debug' : 'warn'](meta ?? {}, message),
      error: (message, meta) => logger.error(meta ?? {}, message),
    },
  });
}

function pinoLevel(level: string): 'trace' | 'debug' | 'warn' | 'error' {
  switch (level) {
    case 'TRACE':
      return 'trace';
    case 'WARN':
      return 'warn';
    case 'ERROR':
      return 'error';
    default:
      return 'debug';
  }
}
