import type { Config } from '../config.ts';
import type { ProcessMetrics } from '../telemetry/metrics.ts';
import type { RunningApi } from './api-role.ts';
import { chooseLogins } from './checks/check-logins.ts';
import { layGround } from './ground.ts';
import type { Ground, StartOptions } from './ground.ts';
import { addressesOf, checkPort } from './listen.ts';
import { openMetricsServer } from './metrics-server.ts';
import type { MetricsServer } from './metrics-server.ts';
import { createStopper } from './stopper.ts';
import type { Stopper } from './stopper.ts';
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
    const [running, worker] = await Promise.all([
      startApi(ground, options, { print: async () => (await metrics.promise).print() }),
      startWorker(ground, options),
    ]);
    // Loaded once the roles are ready, which it would delay.
    await startMetrics({ ground, options, running, server: metricsServer, note: metrics.resolve });
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

/** A role loads what it needs, so that the other one starts sooner and smaller. */
async function startApi(
  ground: Ground,
  { roles, log }: StartServerOptions,
  processMetrics: Pick<ProcessMetrics, 'print'>,
): Promise<RunningApi | undefined> {
  if (!roles.includes('api')) return undefined;
  const { startApiRole } = await import('./api-role.ts');
  return startApiRole(ground, log, processMetrics);
}

async function startWorker(ground: Ground, options: StartServerOptions): Promise<RunningWorker | undefined> {
  if (!options.roles.includes('worker')) return undefined;
  const { openWorker } = await import('./open-worker.ts');
  return openWorker(ground, options);
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
async function startMetrics({
  ground: { stopper },
  options: { log },
  running,
  server,
  note,
}: {
  readonly ground: Ground;
  readonly options: StartServerOptions;
  readonly running: RunningApi | undefined;
  readonly server: MetricsServer | undefined;
  readonly note: (metrics: ProcessMetrics) => void;
}): Promise<void> {
  if (running === undefined && server === undefined) return;
  const { createProcessMetrics } = await import('../telemetry/metrics.ts');
  const metrics = createProcessMetrics();
  note(metrics);
  stopper.add('the metrics', () => Promise.resolve(metrics.close()));
  if (server === undefined) return;
  server.show({ print: running?.printMetrics ?? (() => metrics.print()) });
  // Before the parts that they read end.
  stopper.add('the answers with metrics', () => server.close());
  log(`Metrics ready on ${server.url}`);
}
