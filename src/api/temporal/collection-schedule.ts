import { ScheduleAlreadyRunning, ScheduleNotFoundError, ScheduleOverlapPolicy } from '@temporalio/client';
import type { Client, ScheduleOptions } from '@temporalio/client';
import type { Logger } from 'pino';
import { createAttributeFallback } from '../../telemetry/attribute-fallback.ts';
import type { AttributeFallback } from '../../telemetry/attribute-fallback.ts';
import { searchAttributesOf } from '../../workflows/search-attributes.ts';
import type { SearchAttribute } from '../../workflows/search-attributes.ts';
import { repeat } from '../repeat.ts';
import { collectWorkflowType } from '../../workflows/upkeep-input.ts';

export interface CollectionScheduleOptions {
  readonly client: Client;
  readonly taskQueue: string;
  readonly installation: string;
  /** As in `WorkflowClientOptions`. */
  readonly own?: () => Promise<void>;
  /** Undefined: none. */
  readonly everySeconds: number | undefined;
  /** Default: as `WorkflowClientOptions`. */
  readonly attributes?: AttributeFallback | undefined;
  readonly logger: Logger;
  /** Pause between retries while Temporal is unreachable; default: ten seconds. */
  readonly retryMs?: number;
}

const callMs = 5_000;

/**
 * Creates, changes or deletes the Temporal schedule of garbage collections as the setting says. The API does not wait for it: while Temporal is
 * unreachable, it is retried.
 * @returns a function that stops the retries; the schedule stays.
 */
export function keepCollectionSchedule(options: CollectionScheduleOptions): () => Promise<void> {
  const { client, logger, retryMs = 10_000 } = options;
  return repeat(async () => {
    try {
      await client.withDeadline(Date.now() + callMs, () => setSchedule(options));
      return undefined;
    } catch (error) {
      logger.debug({ err: error }, 'could not set the schedule of garbage collections yet');
      return retryMs;
    }
  });
}

async function setSchedule(options: CollectionScheduleOptions): Promise<void> {
  const { attributes = createAttributeFallback(() => undefined) } = options;
  await attributes.attempt(searchAttributesOf({ trigger: 'SCHEDULE' }), (searchable) =>
    setScheduleWith(options, searchable),
  );
}

async function setScheduleWith(
  options: CollectionScheduleOptions,
  searchable: { typedSearchAttributes?: SearchAttribute[] },
): Promise<void> {
  const { client, taskQueue, installation, own, everySeconds } = options;
  await own?.();
  const scheduleId = `collect/${installation}`;
  const handle = client.schedule.getHandle(scheduleId);
  if (everySeconds === undefined) {
    await handle.delete().catch((error: unknown) => {
      if (!(error instanceof ScheduleNotFoundError)) throw error;
    });
    return;
  }
  const schedule: ScheduleOptions = {
    scheduleId,
    spec: { intervals: [{ every: everySeconds * 1000 }] },
    action: {
      type: 'startWorkflow',
      workflowType: collectWorkflowType,
      workflowId: scheduleId,
      taskQueue,
      args: [{}],
      memo: { trigger: 'SCHEDULE' },
      staticSummary: 'scheduled clean-up',
      ...searchable,
    },
    memo: { trigger: 'SCHEDULE' },
    // One at a time. Missed runs are caught up once.
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 minute' },
  };
  try {
    await client.schedule.create(schedule);
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    await handle.update((before) => ({ ...before, spec: schedule.spec, action: schedule.action }));
  }
}
