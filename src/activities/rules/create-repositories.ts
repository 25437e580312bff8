import { adoptPresent, changeOutcome, flagVanished, readToCreate } from '../../db/rules/stage-outcomes.ts';
import { addWarnings } from '../../db/tasks/task-warnings.ts';
import { makeRepository } from '../../operations/rules/make-repository.ts';
import type { ActivityDeps } from '../deps.ts';
import type { RuleRun } from './rule-context.ts';

const pageRepositories = 100;

/** Creates what is new, each repository in a transaction of its own, and flags what has vanished. Repeatable. */
export async function createRepositories(
  deps: ActivityDeps,
  run: RuleRun,
  signal: AbortSignal,
): Promise<void> {
  const { taskId, rule, viewer, isAccessOn, allowPrivate } = run;
  const rules = { addresses: { allowPrivate, allowUpstream: deps.allowUpstream }, secrets: deps.secrets };
  await adoptPresent(deps.database.em.fork(), taskId, rule.id);
  await flagVanished(deps.database.em.fork(), taskId);
  for (;;) {
    const page = await readToCreate(deps.database.em.fork(), taskId, pageRepositories);
    if (page.length === 0) return;
    for (const one of page) {
      signal.throwIfAborted();
      const em = deps.database.em.fork();
      const { mistakes } = await makeRepository(
        { em, viewer },
        { taskId, rule, rules, isPrivate: isAccessOn },
        one,
      );
      if (mistakes === undefined) continue;
      const isTaken = mistakes.some(({ code }) => code === 'ALREADY_EXISTS');
      const reason = mistakes.map(({ message }) => message).join(' ');
      const outcome = isTaken ? 'COLLIDES' : 'LEFT_OUT';
      await changeOutcome(em, taskId, { upstreamName: one.upstreamName, outcome, reason });
      await addWarnings(em, taskId, [`${one.upstreamName} is left out: ${reason}`]);
    }
  }
}
