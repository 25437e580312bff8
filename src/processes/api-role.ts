import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import type { FastifyInstance } from 'fastify';
import { createAccess } from '../access/access.ts';
import { areLoginsOn } from '../access/login-settings.ts';
import { finishRotation } from '../access/rotate-secrets.ts';
import { createOutputLog } from '../api/access-log.ts';
import type { ApiConfig } from '../api/dependencies.ts';
import { createDockerHubListener } from '../api/docker-hub-listener.ts';
import { createMetricsPrinter } from '../api/metrics.ts';
import { createTaskQueueClaim } from '../api/own-task-queue.ts';
import { createApi } from '../api/server.ts';
import { startPullCounter } from '../api/pull-counter.ts';
import { startSweep } from '../api/sweep.ts';
import { keepCollectionSchedule } from '../api/temporal/collection-schedule.ts';
import { startReconciler } from '../api/temporal/reconcile-tasks.ts';
import { startWebhookDispatch } from '../api/temporal/webhook-dispatch.ts';
import { createWorkflowClient } from '../api/temporal/workflow-client.ts';
import { forbidPrivateUpstreams } from '../db/access/private-upstreams.ts';
import { countOf } from '../oci/count-of.ts';
import { createUpstreamReader } from '../on-demand/upstream-reader.ts';
import type { WorkflowStarter } from '../operations/workflows.ts';
import { openRegistry } from '../registry/client.ts';
import { createAttributeFallback } from '../telemetry/attribute-fallback.ts';
import { createSignatureChecks } from '../upstream/check-signatures.ts';
import type { ProcessMetrics } from '../telemetry/metrics.ts';
import { checkDistributions } from './checks/check-distributions.ts';
import { allowsPrivateUpstreams, chooseLogins } from './checks/check-logins.ts';
import { checkUpstreams } from './checks/check-upstreams.ts';
import type { Ground } from './ground.ts';
import { addressesOf, listen } from './listen.ts';
import { readVersion } from './program-version.ts';
import { removeServerFile, writeServerFile } from './server-file.ts';
import { openUploads } from './uploads.ts';
import { temporalOptions } from './temporal/temporal-options.ts';
import { watchTaskQueue } from './watch-task-queue.ts';

export interface RunningApi {
  readonly apiUrl: string;
  /** What the API shows at `/metrics`. */
  readonly printMetrics: () => Promise<string>;
  /** Rejects if the task queue belongs to another installation. */
  readonly refused: Promise<never>;
}

export async function startApiRole(
  ground: Ground,
  log: (message: string) => void,
  processMetrics: Pick<ProcessMetrics, 'print'>,
): Promise<RunningApi> {
  const { config, stopper, database, secrets, logger, store: blobs } = ground;
  await prepareDatabase(ground, log);
  const { workflows, refused } = await openWorkflows(ground);
  const uploads = await openUploads({ root: config.dataDir, blobs, database });
  stopper.add('the sweep of uploads and sessions', startSweep({ database, uploads, logger }));
  const signatures = createSignatureChecks(ground);
  const logins = chooseLogins(config);
  const upstreams = createUpstreamReader({
    ...ground,
    signatures,
    logins,
    databaseUrl: ground.servers.databaseUrl,
    openRegistry,
    manifestMaxBytes: config.manifestMaxBytes,
    cacheBytes: config.cacheBytes,
    allowPrivate: allowsPrivateUpstreams(config),
    allowUpstream: config.allowUpstream,
  });
  stopper.add('what is fetched on demand', () => upstreams.close());
  const onCached = (repositoryIds: readonly number[]) => upstreams.trimCaches(repositoryIds);
  const pulls = startPullCounter({ database, logger, onCached });
  stopper.add('the counts of pulls', () => pulls.close());
  const api = await createApi({
    database,
    workflows,
    secrets,
    access: createAccess({ database, secrets, logins }),
    config: apiConfig(ground),
    blobs,
    upstreams,
    pulls,
    uploads,
    signatures,
    checkStore: () => blobs.check(),
    processMetrics,
    tracing: ground.tracing,
    logger,
    accessLog: config.accessLog === 'json' ? createOutputLog() : undefined,
  });
  stopper.add('the API', () => api.close());
  const apiUrl = await listenEverywhere(api, ground, log);
  await writeServerFile(config.dataDir, { apiUrl, temporalUiUrl: ground.servers.temporalUiUrl });
  stopper.add('the server file', () => removeServerFile(config.dataDir));
  const printMetrics = createMetricsPrinter({ database, config: apiConfig(ground), processMetrics });
  return { apiUrl, printMetrics, refused };
}

/** @returns the URL of the API. */
async function listenEverywhere(
  api: FastifyInstance,
  { config, stopper }: Ground,
  log: (message: string) => void,
): Promise<string> {
  const [own, dockerHub] = addressesOf(config);
  const apiUrl = await listen(api, own);
  log(`API ready on ${apiUrl}`);
  if (dockerHub !== undefined) {
    const listener = createDockerHubListener(api);
    stopper.add('the port for Docker Hub', () => listener.close());
    log(`Mirror of Docker Hub ready on ${await listen(listener, dockerHub)}`);
  }
  return apiUrl;
}

/** Applies to stored data what the settings of this start decide, and logs what the operator must decide. */
async function prepareDatabase(
  { config, database, secrets }: Ground,
  log: (message: string) => void,
): Promise<void> {
  const rotation = await finishRotation(database.em.fork(), secrets);
  if (rotation !== undefined)
    log(
      `Finished an interrupted key rotation: ${countOf(rotation.resealed, 'secret')} encrypted with the first key`,
    );
  await checkDistributions(database.em.fork(), {
    areLoginsOn: areLoginsOn(chooseLogins(config)),
    earlier: config.earlierDistributions,
    log,
  });
  const allowPrivate = allowsPrivateUpstreams(config);
  if (!allowPrivate) await forbidPrivateUpstreams(database.em.fork());
  await checkUpstreams(database.em.fork(), { allowPrivate, allowUpstream: config.allowUpstream, log });
}

/** Connects to Temporal, and keeps there what this installation needs. */
async function openWorkflows(
  ground: Ground,
): Promise<{ readonly workflows: WorkflowStarter; readonly refused: Promise<never> }> {
  const { config, stopper, database, logger, installation } = ground;
  const connection = Connection.lazy(temporalOptions(ground));
  stopper.add('the connection to Temporal', () => connection.close());
  const client = new Client({
    connection,
    namespace: config.temporalNamespace,
    interceptors: { workflow: ground.tracing?.clientInterceptors ?? [] },
  });
  const { taskQueue, collectionIntervalSeconds: everySeconds } = config;
  const own = createTaskQueueClaim({ client, taskQueue, installation });
  const queue = watchTaskQueue(own);
  stopper.add('the watch of the task queue', () => Promise.resolve(queue.stop()));
  await queue.looked;
  const attributes = createAttributeFallback((fields, message) => logger.warn(fields, message));
  const { publicUrl } = config;
  const workflows = createWorkflowClient({ client, taskQueue, own, attributes, publicUrl });
  stopper.add(
    'the schedule of clean-ups',
    keepCollectionSchedule({ client, taskQueue, installation, own, everySeconds, attributes, logger }),
  );
  stopper.add('the reconciler', startReconciler({ database, workflows, logger }));
  stopper.add(
    'the deliveries to webhooks',
    startWebhookDispatch({ client, taskQueue, own, database, logger }),
  );
  return { workflows, refused: queue.refused };
}

function apiConfig({ config, servers }: Ground): ApiConfig {
  return {
    host: config.host,
    publicUrl: config.publicUrl,
    dockerHub: config.dockerHub,
    allowPrivate: allowsPrivateUpstreams(config),
    allowUpstream: config.allowUpstream,
    temporalUiUrl: servers.temporalUiUrl,
    temporalNamespace: config.temporalNamespace,
    manifestMaxBytes: config.manifestMaxBytes,
    version: readVersion(),
    repositoryMetrics: config.repositoryMetrics,
    webFolder: fileURLToPath(new URL('../web', import.meta.url)),
  };
}
