import { countOf } from '../../../oci/count-of.ts';
import { findNamed, mutate, readList } from '../../api-calls.ts';
import type { Client } from '../../command.ts';
import { exitCodes } from '../../exit-codes.ts';
import { followTask } from '../../progress/follow-task.ts';
import { describeError } from '../../words.ts';
import { printJson } from '../print.ts';

interface Outcome {
  readonly upstreamName: string;
  readonly name: string;
  readonly outcome: string;
  readonly reason: string | null;
}

interface Result {
  readonly warnings: readonly string[];
  readonly ruleProgress: {
    readonly total: number | null;
    readonly unchanged: number;
    readonly failed: number;
  };
  readonly ruleOutcomeCounts: readonly { readonly outcome: string; readonly count: number }[];
}

/** `tidemark rule run`. */
export async function runRule(client: Client, name: string, dryRun: boolean): Promise<number> {
  const { session, terminal, json } = client;
  const { id: ruleId } = await findNamed(session, 'rule', name);
  const started = await mutate<{ readonly id: string }>(session, 'mirrorRuleRun', {
    field: 'task',
    fields: 'id',
    input: { id: ruleId, dryRun },
  });
  const task = await followTask(session, started.id, () => undefined);
  const { result } = await session.request<{ result: Result }>(
    `query ($id: ID!) { result: task(id: $id) { warnings ruleProgress { found total done unchanged failed } ruleOutcomeCounts { outcome count } } }`,
    { id: started.id },
  );
  const isDone = task.state === 'COMPLETED';
  const outcomes = dryRun && isDone ? await readOutcomes(client, started.id) : [];
  if (json) printJson({ terminal }, { task, ...result, ...(dryRun && { outcomes }), error: task.error });
  else {
    for (const { outcome, upstreamName, name: target, reason } of outcomes)
      terminal.print(
        `${outcome.padEnd(8)}  ${upstreamName} -> ${target}${reason === null ? '' : `  (${reason})`}`,
      );
    for (const warning of result.warnings) terminal.note(warning);
    if (isDone) terminal.print(summarize(result, dryRun));
    else terminal.note(task.error === null ? `The task ended ${task.state}.` : describeError(task.error));
  }
  if (!isDone) return 1;
  return result.ruleProgress.failed === 0 ? 0 : exitCodes.someTagsFailed;
}

async function readOutcomes({ session }: Client, id: string): Promise<readonly Outcome[]> {
  const document = {
    connection: 'ruleOutcomes',
    within: ['task(id: $id)'],
    variables: { id: ['ID!', id] as const },
    nodes: 'upstreamName name outcome reason',
  };
  return (await readList<Outcome>(session, document, { all: true }))?.nodes ?? [];
}

function summarize({ ruleOutcomeCounts, ruleProgress }: Result, dryRun: boolean): string {
  const counted = ruleOutcomeCounts.map(({ outcome, count }) => `${outcome}: ${count}`).join(', ');
  if (dryRun) return `A run would find ${counted === '' ? 'nothing' : counted}.`;
  const { total, unchanged, failed } = ruleProgress;
  const same = unchanged === 0 ? '' : `; ${unchanged} unchanged`;
  const ending = failed === 0 ? '' : `; ${countOf(failed, 'sync')} failed`;
  return `${counted === '' ? 'Nothing is selected' : counted}. Synced ${countOf(total ?? 0, 'repository')}${same}${ending}.`;
}
