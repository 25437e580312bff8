import type { Context } from '@temporalio/activity';
import { readFailedSyncs, readOpenSyncs } from '../../db/rules/rule-syncs.ts';
import { beginRuleRun, createRuleTask } from '../../db/rules/rule-runs.ts';
import { MirrorRule } from '../../db/schema/rules.ts';
import { endTask, logTaskBegun } from '../../db/tasks/task-log.ts';
import { addWarnings } from '../../db/tasks/task-warnings.ts';
import type { RuleInput } from '../../workflows/rule-input.ts';
import type { ActivityDeps, TaskInput } from '../deps.ts';
import { runActivity, runWithHeartbeat } from '../failure.ts';
import type { Looks } from '../look/create-looks.ts';
import { createRepositories } from './create-repositories.ts';
import { discover } from './discover.ts';
import { nextSyncs } from './next-syncs.ts';
import type { NextSyncs } from './next-syncs.ts';
import { loadRun } from './rule-context.ts';
import type { RuleRun } from './rule-context.ts';

export interface BegunRule extends TaskInput {
  readonly dryRun: boolean;
}

const failuresShown = 20;

/** The activities of mirror rules. */
export function createRuleActivities(deps: ActivityDeps, looks: Looks) {
  const fork = () => deps.database.em.fork();
  const working = <T>(
    { taskId }: TaskInput,
    body: (run: RuleRun, signal: AbortSignal) => Promise<T>,
  ): Promise<T> => runWithHeartbeat(async (signal) => body(await loadRun(deps, taskId), signal));

  return {
    /** Starts the task, or creates one for a scheduled run. Null while a run of the rule is open, and without the rule. Local. */
    beginRule: (input: RuleInput): Promise<BegunRule | null> =>
      runActivity(async ({ info }) => {
        const taskId = input.taskId ?? (await taskOfRun(deps, input.ruleId ?? 0, info));
        if (taskId === undefined) return null;
        const { dryRun } = await beginRuleRun(fork(), taskId);
        if (input.isSyncing !== true) await logTaskBegun(fork(), deps.logger, taskId);
        return { taskId, dryRun };
      }),

    discoverRepositories: (input: TaskInput): Promise<void> =>
      working(input, (run, signal) => discover(deps, run, signal)),

    createRuleRepositories: (input: TaskInput): Promise<void> =>
      working(input, (run, signal) => createRepositories(deps, run, signal)),

    nextRuleSyncs: (input: TaskInput): Promise<NextSyncs> =>
      working(input, (run, signal) => nextSyncs(deps, looks, run, signal)),

    /** Ends the syncs of a cancelled run that have no workflow. @returns the workflows of the others. Local. */
    openRuleSyncs: ({ taskId }: TaskInput): Promise<{ workflowId: string; runId: string }[]> =>
      runActivity(async () => {
        const open = await readOpenSyncs(fork(), taskId);
        for (const { taskId: syncId, runId } of open)
          if (runId === null) await endTask(fork(), deps.logger, syncId, { state: 'CANCELED' });
        return open.flatMap(({ workflowId, runId }) => (runId === null ? [] : [{ workflowId, runId }]));
      }),

    /** Local. */
    completeRule: ({ taskId }: TaskInput): Promise<void> =>
      runActivity(async () => {
        const failed = await readFailedSyncs(fork(), taskId, failuresShown);
        const warnings = failed.map(({ name, message }) => `The sync of ${name} failed: ${message}`);
        await addWarnings(fork(), taskId, warnings);
        await endTask(fork(), deps.logger, taskId, { state: 'COMPLETED', createdVersion: null });
      }),
  };
}

/** The task of a scheduled run. An earlier attempt may have created it. */
async function taskOfRun(
  deps: ActivityDeps,
  ruleId: number,
  { workflowExecution }: Context['info'],
): Promise<number | undefined> {
  const em = deps.database.em.fork();
  const rule = await em.findOne(MirrorRule, { id: ruleId });
  if (rule === null) return undefined;
  const { workflowId = '', runId = '' } = workflowExecution ?? {};
  const { task, isNew } = await createRuleTask(em, {
    ruleId,
    dryRun: false,
    allowPrivate: rule.allowPrivate,
    startedBy: rule.madeBy ?? null,
    workflow: { workflowId, runId },
  });
  return isNew || task.runId === runId ? task.id : undefined;
}
