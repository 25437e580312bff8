import { createHash } from 'node:crypto';
import { ScheduleNotFoundError } from '@temporalio/client';
import type { Client, ScheduleDescription, ScheduleUpdateOptions } from '@temporalio/client';
import type { ScheduleGroup, ScheduleKeeper } from '../../db/schedules/schedule-groups.ts';
import type { SeenSchedule } from '../../db/schedules/temporal-state.ts';
import { scheduledSyncsType } from '../../workflows/scheduled-syncs-input.ts';
import type { ScheduledSyncsInput } from '../../workflows/scheduled-syncs-input.ts';
import { ruleWorkflowType } from '../../workflows/rule-input.ts';
import type { RuleInput } from '../../workflows/rule-input.ts';
import { summarizeSync, summaryOf } from '../../workflows/sync-input.ts';
import type { AttributeFallback } from '../../telemetry/attribute-fallback.ts';
import { searchAttributesOf } from '../../workflows/search-attributes.ts';
import type { SearchAttribute } from '../../workflows/search-attributes.ts';
import { callTemporal, unavailable } from './temporal-call.ts';
import type { WorkflowClientOptions } from './temporal-call.ts';

export interface ScheduleClientOptions extends WorkflowClientOptions {
  readonly attributes: AttributeFallback;
}

export function createScheduleClient({
  client,
  taskQueue,
  own,
  attributes,
}: ScheduleClientOptions): ScheduleKeeper {
  const call = <T>(work: () => Promise<T>): Promise<T> => callTemporal(client, work);

  function put(temporalId: string, wanted: Wanted): Promise<void> {
    const { typedSearchAttributes = [], ...action } = wanted.action;
    return attributes.attempt(typedSearchAttributes, (searchable) =>
      putAction(client, temporalId, { ...wanted, action: { ...action, ...searchable } }),
    );
  }

  async function look(temporalId: string): Promise<ScheduleDescription | undefined> {
    try {
      return await call(() => client.schedule.getHandle(temporalId).describe());
    } catch (error) {
      if (error instanceof ScheduleNotFoundError) return undefined;
      throw error;
    }
  }

  return {
    async keep(group) {
      const { temporalId } = group;
      await own?.();
      try {
        const found = group.isPending ? undefined : await look(temporalId);
        const wanted = describeWanted(group, taskQueue, attributes);
        if (found !== undefined && fingerprintOf(found) === group.fingerprint && hasNames(found, wanted))
          return seen(found);
        await put(temporalId, wanted);
        const now = await look(temporalId);
        // Removed at this moment. The next comparison creates it again.
        return now === undefined ? { fingerprint: '', nextRunAts: [] } : seen(now);
      } catch (error) {
        // The SDK's error for a specification that Temporal cannot read.
        if (error instanceof TypeError) return { problem: `Temporal refuses it: ${error.message}` };
        throw unavailable(error);
      }
    },

    async remove(temporalId) {
      try {
        await call(() => client.schedule.getHandle(temporalId).delete());
      } catch (error) {
        if (!(error instanceof ScheduleNotFoundError)) throw unavailable(error);
      }
    },
  };
}

async function putAction(client: Client, temporalId: string, wanted: Wanted): Promise<void> {
  try {
    await callTemporal(client, () => client.schedule.getHandle(temporalId).update(() => wanted));
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
    // this memo can never be changed: only what stays is in it
    const { specification, trigger } = wanted.action.memo;
    const memo = { specification, trigger };
    await callTemporal(client, () => client.schedule.create({ ...wanted, scheduleId: temporalId, memo }));
  }
}

type Wanted = ScheduleUpdateOptions & {
  readonly spec: object;
  readonly action: {
    readonly memo: Record<string, unknown>;
    readonly staticSummary: string;
    readonly taskQueue: string;
    readonly typedSearchAttributes?: SearchAttribute[];
  };
};

/** A moment that comes while a run begins its syncs waits for it, so that none of the schedules misses both. */
function describeWanted(group: ScheduleGroup, taskQueue: string, attributes: AttributeFallback): Wanted {
  const { cron, intervalSeconds, jitterSeconds, timeZone, catchupWindowSeconds, paused } = group;
  const { specification, temporalId, repositories, only } = group;
  const input: ScheduledSyncsInput = { specification };
  const { note, ...names } = only ?? { note: null };
  const memo = { specification, repositories, ...names, trigger: 'SCHEDULE' as const };
  const { ruleId } = group;
  return {
    spec: {
      ...(cron === null ? {} : { cronExpressions: [cron] }),
      ...(intervalSeconds === null ? {} : { intervals: [{ every: intervalSeconds * 1000 }] }),
      jitter: jitterSeconds * 1000,
      timezone: timeZone,
    },
    action: {
      type: 'startWorkflow',
      workflowType: scheduledSyncsType,
      workflowId: temporalId,
      taskQueue,
      args: [input],
      memo,
      staticSummary:
        only === null
          ? summaryOf(`scheduled syncs of ${repositories} repositories: ${specification}`)
          : summarizeSync({ ...only, trigger: 'SCHEDULE' }),
      typedSearchAttributes: [...attributes.present(searchAttributesOf({ ...names, trigger: 'SCHEDULE' }))],
      ...(ruleId === undefined ? {} : runOf(ruleId, specification)),
    },
    policies: {
      overlap: ruleId === undefined ? 'BUFFER_ONE' : 'SKIP',
      catchupWindow: catchupWindowSeconds * 1000,
      pauseOnFailure: false,
    },
    state: { paused, ...(note === null ? {} : { note }) },
  };
}

/** Without the id of a task: the run creates its own. */
function runOf(ruleId: number, specification: string) {
  const input: RuleInput = { ruleId };
  return {
    workflowType: ruleWorkflowType,
    args: [input],
    memo: { specification, trigger: 'SCHEDULE' as const },
    staticSummary: summaryOf(specification),
  };
}

/** Whether Temporal shows the present names: a repository may be renamed, and an upstream may move. */
function hasNames({ action }: ScheduleDescription, wanted: Wanted): boolean {
  const { staticSummary, taskQueue, typedSearchAttributes } = wanted.action;
  const isNamed = action.staticSummary === staticSummary && action.taskQueue === taskQueue;
  return isNamed && valuesOf(attributesIn(action)) === valuesOf(typedSearchAttributes);
}

function attributesIn({ typedSearchAttributes: found = [] }: ScheduleDescription['action']) {
  return Array.isArray(found) ? found : found.getAll();
}

function valuesOf(
  attributes: readonly { readonly key: { readonly name: string }; readonly value: unknown }[] = [],
) {
  return JSON.stringify(
    attributes.map(({ key, value }) => `${key.name}=${String(value)}`).toSorted((a, b) => (a < b ? -1 : 1)),
  );
}

function seen(found: ScheduleDescription): SeenSchedule {
  return {
    fingerprint: fingerprintOf(found),
    nextRunAts: found.state.paused ? [] : found.info.nextActionTimes,
  };
}

/** Temporal stores a schedule in its own form, so it is compared with that form. */
function fingerprintOf({ spec, action, policies, state }: ScheduleDescription): string {
  return createHash('sha256')
    .update(JSON.stringify([spec, action, policies, state]))
    .digest('base64url');
}
