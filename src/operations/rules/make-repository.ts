import { noteCreated } from '../../db/rules/stage-outcomes.ts';
import type { NewRepository } from '../../db/rules/stage-outcomes.ts';
import type { MirrorRule } from '../../db/schema/rules.ts';
import { makeTemplated } from '../remotes/make-templated.ts';
import { done, inTransaction, refused } from '../operation.ts';
import type { Operator, Outcome } from '../operation.ts';
import type { RemoteRules } from '../remotes/remotes.ts';
import { ruleSecrets } from './rule-row.ts';

export interface Making {
  readonly taskId: number;
  readonly rule: MirrorRule;
  readonly rules: RemoteRules;
  /** Whether new repositories are private. */
  readonly isPrivate: boolean;
}

/** Creates a repository of a rule with its remote, in one transaction. Needs the role maintainer for the name. */
export async function makeRepository(
  operator: Operator,
  { taskId, rule, rules, isPrivate }: Making,
  { upstreamName, name }: NewRepository,
): Promise<Outcome<undefined>> {
  const words = `the rule ${rule.name}`;
  const secrets = ruleSecrets(rules.secrets);
  return inTransaction(operator, async (em) => {
    const templated = { row: rule, words, secrets, rules, name, upstreamName, isPrivate };
    const repository = await makeTemplated({ ...operator, em }, templated);
    if (repository.mistakes !== undefined) return refused(...repository.mistakes);
    await noteCreated(em, { taskId, ruleId: rule.id, upstreamName, repositoryId: repository.value.id });
    return done(undefined);
  });
}
