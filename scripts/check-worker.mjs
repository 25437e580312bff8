/**
 * The health check of a worker's container: exits 0 when Temporal has heard from a worker of this machine lately.
 * Reads what the worker reads: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TIDEMARK_TASK_QUEUE, and @temporalio/envconfig's.
 */
import { hostname } from 'node:os';
import { Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';

/** A worker asks for tasks at least once in a long poll, which is a minute. */
const recentMs = 150_000;
const timeoutMs = 8_000;

const { connectionOptions, namespace } = loadClientConnectConfig();
const connection = await Connection.connect({ ...connectionOptions, connectTimeout: timeoutMs });
const { pollers } = await connection.withDeadline(Date.now() + timeoutMs, () =>
  connection.workflowService.describeTaskQueue({
    namespace: namespace ?? 'default',
    taskQueue: { name: process.env.TIDEMARK_TASK_QUEUE || 'tidemark' },
    // TASK_QUEUE_TYPE_ACTIVITY
    taskQueueType: 2,
  }),
);
await connection.close();
const heard = (pollers ?? []).some(
  ({ identity, lastAccessTime }) =>
    identity?.endsWith(`@${hostname()}`) &&
    Date.now() - Number(lastAccessTime?.seconds ?? 0) * 1000 < recentMs,
);
console.log(
  heard ? 'Temporal hears this worker' : 'Temporal has not heard from a worker of this machine lately',
);
process.exitCode = heard ? 0 : 1;
