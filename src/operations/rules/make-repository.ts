import { noteCreated } from '../../db/rules/stage-outcomes.ts';
import type { NewRepository } from '../../db/rules/stage-outcomes.ts';
import type { MirrorRule } from '../../db/schema/rules.ts';
import { done, inTransaction, refused } from '../operation.ts';
import type { Operator, Outcome } from '../operation.ts';
import { toFallbackFields } from '../remotes/fallbacks.ts';
import { createRemote } from '../remotes/remotes.ts';
import type { RemoteRules } from '../remotes/remotes.ts';
import { createRepository } from '../repositories.ts';
import { templateOf } from './rule-template.ts';

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
  const policyId = rule.signaturePolicyId;
  const signaturePolicy =
    typeof policyId === 'number'
      ? { key: policyId, field: 'signaturePolicyId', text: `the one of the rule ${rule.name}` }
      : undefined;
  const { credentialId } = rule;
  const credential =
    typeof credentialId === 'number'
      ? { key: credentialId, field: 'credentialId', text: `the one of the rule ${rule.name}` }
      : undefined;
  return inTransaction(operator, async (em) => {
    const inside = { ...operator, em };
    const fields = {
      ...templateOf(rule, rules.secrets),
      fallbacks: rule.fallbacks.map(toFallbackFields),
      name,
      url: rule.url,
      upstreamName,
      signaturePolicy,
      credential,
    };
    const remote = await createRemote(inside, fields, rules);
    if (remote.mistakes !== undefined) return refused(...remote.mistakes);
    const reference = { key: remote.value, field: 'remoteId', text: name };
    const repository = await createRepository(inside, { name, remote: reference }, { isPrivate });
    if (repository.mistakes !== undefined) return refused(...repository.mistakes);
    await noteCreated(em, { taskId, ruleId: rule.id, upstreamName, repositoryId: repository.value.id });
    return done(undefined);
  });
}
