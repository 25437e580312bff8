import type { Client } from '@temporalio/client';
import { TidemarkError } from '../../oci/error.ts';
import type { AttributeFallback } from '../../telemetry/attribute-fallback.ts';

/** Where the API finds Temporal, and the queue of its workers. */
export interface WorkflowClientOptions {
  readonly client: Client;
  readonly taskQueue: string;
  /**
   * Resolves when this installation owns the task queue. Nothing is sent to its workers before. Default: it owns the queue.
   * @throws TidemarkError `TASK_QUEUE_TAKEN`, `TEMPORAL_UNAVAILABLE`
   */
  readonly own?: (() => Promise<void>) | undefined;
  /** Default: one of its own that logs nothing. */
  readonly attributes?: AttributeFallback | undefined;
  /** Where people reach the web console; undefined: unknown. */
  readonly publicUrl?: string | undefined;
}

const callMs = 5_000;

/** A call with a timeout of 5 seconds. */
export function callTemporal<T>(client: Client, work: () => Promise<T>): Promise<T> {
  return client.withDeadline(Date.now() + callMs, work);
}

export function unavailable(cause: unknown): TidemarkError {
  return new TidemarkError('TEMPORAL_UNAVAILABLE', 'Temporal cannot be reached; try again.', {
    origin: 'server',
    retryable: true,
    cause,
  });
}
