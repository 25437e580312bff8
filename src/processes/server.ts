import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { createTaskQueueClaim } from '../api/own-task-queue.ts';
import type { Config } from '../config.ts';
import { createMetricsPrinter } from '../api/metrics.ts';
import type { ProcessMetrics } from '../telemetry/metrics.ts';
import { apiConfig, startApiRole } from './api-role.ts';
import { allowsPrivateUpstreams, chooseLogins } from './checks/check-logins.ts';
import { layGround } from './ground.ts';
import type { Ground, StartOptions } from './ground.ts';
import { addressesOf, checkPort } from './listen.ts';
import { openMetricsServer } from './metrics-server.ts';
import type { MetricsServer } from './metrics-server.ts';
import { temporal, whenReachable } from './reachable.ts';
import { temporalOptions } from './temporal/temporal-options.ts';
import { createStopper } from './stopper.ts';
import type { Stopper } from './stopper.ts';
import { startWorker } from './worker-role.ts';
import type { RunningWorker } from './worker-role.ts';

/** The parts of Tidemark that a process runs. */
export type Role = 'api' | 'worker';

export interface StartServerOptions extends StartOptions {
  readonly roles: readonly Role[];
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

/** Starts the named roles, with embedded PostgreSQL and Temporal if none are configured. */
export async function startServer(config: Config, options: StartServerOptions): Promise<RunningServer> {
  const stopper = createStopper();
  try {
    if (options.roles.includes('api')) {
      chooseLogins(config);
      for (const address of addressesOf(config)) await checkPort(address);
    }
    const metricsServer = await takeMetricsAddress(config, stopper);
    const ground = await layGround(config, options, stopper);
    options.signal?.throwIfAborted();
    const metrics = Promise.withResolvers<ProcessMetrics>();
    const runsWorker = options.roles.includes('worker');
    const [running, worker] = await Promise.all([
      options.roles.includes('api')
        ? startApiRole(ground, options.log, { print: async () => (await metrics.promise).print() })
        : undefined,
      runsWorker ? startWorkerRole(ground, options) : undefined,
    ]);
    // Loaded once the roles are ready, which it would delay.
    await startMetrics(ground, options, metricsServer, metrics.resolve);
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

/** Before the process has work to give back. */
async function takeMetricsAddress(
  { metricsAddress }: Config,
  stopper: Stopper,
): Promise<MetricsServer | undefined> {
  if (metricsAddress === undefined) return undefined;
  const server = await openMetricsServer(metricsAddress);
  stopper.add('the address of the metrics', () => server.close());
  return server;
}

/** The API shows them at `/metrics`; a worker needs an address for them. */
async function startMetrics(
  ground: Ground,
  { roles, log }: StartServerOptions,
  server: MetricsServer | undefined,
  note: (metrics: ProcessMetrics) => void,
): Promise<void> {
  const { stopper, database } = ground;
  const isApi = roles.includes('api');
  if (!isApi && server === undefined) return;
  const { createProcessMetrics } = await import('../telemetry/metrics.ts');
  const metrics = createProcessMetrics();
  note(metrics);
  stopper.add('the metrics', () => Promise.resolve(metrics.close()));
  if (server === undefined) return;
  const all = createMetricsPrinter({ database, config: apiConfig(ground), processMetrics: metrics });
  server.show({ print: isApi ? all : () => metrics.print() });
  // Before the parts that they read end.
  stopper.add('the answers with metrics', () => server.close());
  log(`Metrics ready on ${server.url}`);
}

/** Workflows that publish spans load OpenTelemetry into each isolate, so they are a bundle of their own. */
function bundleOf({ tracing }: Ground): string {
  return tracing === undefined ? '../workflow-bundle.js' : '../workflow-bundle-traced.js';
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
    workflowBundle: { codePath: fileURLToPath(new URL(bundleOf(ground), import.meta.url)) },
    allowPrivate: allowsPrivateUpstreams(config),
  });
  stopper.add('the worker', () => worker.stop());
  options.log(`Worker ready on task queue ${taskQueue}`);
  return worker;
}
