import { areLoginsOn } from '../../access/login-settings.ts';
import { assumeLogins, readStanding } from '../../access/standing.ts';
import type { Viewer } from '../../access/viewer.ts';
import { MirrorRule } from '../../db/schema/rules.ts';
import { Task } from '../../db/schema/tasks.ts';
import { assertRunning } from '../../db/tasks/open-tasks.ts';
import { TidemarkError } from '../../oci/error.ts';
import { lacksTarget } from '../../operations/rules/rule-fields.ts';
import { ruleSecrets } from '../../operations/rules/rule-row.ts';
import { templateOf } from '../../operations/remotes/remote-template.ts';
import type { RegistryOptions } from '../../registry/registry.ts';
import { fieldOptions } from '../../upstream/clients/remote-options.ts';
import type { ActivityDeps } from '../deps.ts';

/** A run of a rule. */
export interface RuleRun {
  readonly taskId: number;
  readonly task: Task;
  readonly rule: MirrorRule;
  /** Whose rights the run has, as they are now. */
  readonly viewer: Viewer;
  /** Whether logins are on. */
  readonly isAccessOn: boolean;
  /** Whether upstreams may have private addresses. */
  readonly allowPrivate: boolean;
}

/**
 * Loads a run.
 * @throws TidemarkError `TASK_NOT_RUNNING`, and `FORBIDDEN` for a starter who may no longer make repositories there.
 */
export async function loadRun(deps: ActivityDeps, taskId: number): Promise<RuleRun> {
  const em = deps.database.em.fork();
  const task = await em.findOne(Task, { id: taskId });
  const rule = task?.ruleId == null ? null : await em.findOne(MirrorRule, { id: task.ruleId });
  if (task === null || rule === null)
    throw new TidemarkError('TASK_NOT_RUNNING', `Task ${taskId} or its rule was deleted.`, {
      origin: 'server',
    });
  assertRunning(task);
  const logins = deps.logins ?? (await assumeLogins(em));
  const viewer = await readStanding(em, task.startedBy, logins);
  const [lacking] = lacksTarget(viewer, rule.targetPrefix, 'targetPrefix');
  if (lacking !== undefined) throw new TidemarkError('FORBIDDEN', lacking.message, { origin: 'caller' });
  const isAccessOn = areLoginsOn(logins);
  const allowPrivate = deps.allowPrivate && (task.arguments.allowPrivate ?? true);
  return { taskId, task, rule, viewer, isAccessOn, allowPrivate };
}

/** The options of a client of the rule's registry; `upstreamName` is a repository there. */
export function ruleOptions(
  deps: ActivityDeps,
  { rule, allowPrivate }: RuleRun,
  upstreamName: string,
): RegistryOptions {
  const fields = templateOf(rule, ruleSecrets(deps.secrets));
  const { url, credentialId } = rule;
  return fieldOptions({ ...deps, allowPrivate }, { ...fields, url, upstreamName, credentialId });
}
