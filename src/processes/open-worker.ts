import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { createTaskQueueClaim } from '../api/own-task-queue.ts';
import { allowsPrivateUpstreams } from './checks/check-logins.ts';
import type { Ground, StartOptions } from './ground.ts';
import { temporal, whenReachable } from './reachable.ts';
import { temporalOptions } from './temporal/temporal-options.ts';
import { installTemporalRuntime, startWorker } from './worker-role.ts';
import type { RunningWorker } from './worker-role.ts';

/** Workflows that publish spans load OpenTelemetry into each isolate, so they are a bundle of their own. */
function bundleOf({ tracing }: Ground): string {
  return tracing === undefined ? '../workflow-bundle.js' : '../workflow-bundle-traced.js';
}

/** Connects to Temporal, and starts the worker. */
export async function openWorker(ground: Ground, options: StartOptions): Promise<RunningWorker> {
  const { config, stopper, logger } = ground;
  installTemporalRuntime(logger);
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
