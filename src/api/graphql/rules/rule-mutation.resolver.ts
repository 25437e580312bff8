import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import type { Outcome, Reference } from '../../../operations/operation.ts';
import { createRule, removeRule, runRule, updateRule } from '../../../operations/rules/rules.ts';
import type { RuleDeps } from '../../../operations/rules/rules.ts';
import type { RequestContext } from '../context.ts';
import { DeletePayload } from '../payload.type.ts';
import { toFallbacks } from '../remotes/upstream.type.ts';
import { runDeletion, runMutation, toOptionalReference, toReference } from '../run-mutation.ts';
import { answerTask, syncDepsOf } from '../tasks/answer-task.ts';
import { TaskPayload } from '../tasks/task.type.ts';
import {
  MirrorRuleCreateInput,
  MirrorRuleDeleteInput,
  MirrorRuleRunInput,
  MirrorRuleUpdateInput,
} from './rule-input.type.ts';
import { MirrorRulePayload, toMirrorRuleType } from './rule.type.ts';

@Resolver()
export class MirrorRuleMutationResolver {
  @Mutation(() => MirrorRulePayload, {
    description:
      'Creates a mirror rule. Needs the role maintainer for its name, and for all names below the target prefix.',
  })
  async mirrorRuleCreate(
    @Arg('input', () => MirrorRuleCreateInput, { description: 'The new rule.' }) input: MirrorRuleCreateInput,
    @Ctx() context: RequestContext,
  ): Promise<MirrorRulePayload> {
    const fields = Object.assign({}, input, referencesOf(input));
    return answer(context, createRule(context, depsOf(context), fields));
  }

  @Mutation(() => MirrorRulePayload, {
    description: 'Changes a mirror rule. Repositories and remotes that it has made stay as they are.',
  })
  async mirrorRuleUpdate(
    @Arg('input', () => MirrorRuleUpdateInput, { description: 'The changes.' }) input: MirrorRuleUpdateInput,
    @Ctx() context: RequestContext,
  ): Promise<MirrorRulePayload> {
    const changes = Object.assign({}, input, referencesOf(input));
    return answer(context, updateRule(context, depsOf(context), ruleOf(input), changes));
  }

  @Mutation(() => DeletePayload, {
    description:
      'Deletes a mirror rule. The repositories and remotes that it has made stay. Refused with IN_USE while a run of it is open.',
  })
  async mirrorRuleDelete(
    @Arg('input', () => MirrorRuleDeleteInput, { description: 'The rule.' }) input: MirrorRuleDeleteInput,
    @Ctx() context: RequestContext,
  ): Promise<DeletePayload> {
    return runDeletion(context, input.id, removeRule(context, ruleOf(input)));
  }

  @Mutation(() => TaskPayload, {
    description:
      'Runs a mirror rule: finds the repositories of the upstream, creates those that are new, flags those that have vanished, and syncs all of ' +
      'them. Refused with IN_USE while a run of it is open.',
  })
  async mirrorRuleRun(
    @Arg('input', () => MirrorRuleRunInput, { description: 'The rule.' }) input: MirrorRuleRunInput,
    @Ctx() context: RequestContext,
  ): Promise<TaskPayload> {
    const options = { dryRun: input.dryRun ?? false };
    return answerTask(context, runRule(context, syncDepsOf(context), ruleOf(input), options));
  }
}

function depsOf(context: RequestContext): RuleDeps {
  return { ...syncDepsOf(context), secrets: context.api.secrets };
}

function ruleOf({ id }: { readonly id: string }): Reference {
  return toReference('MirrorRule', 'id', id);
}

function referencesOf({
  signaturePolicyId,
  credentialId,
  fallbacks,
}: MirrorRuleCreateInput | MirrorRuleUpdateInput) {
  return {
    signaturePolicy: toOptionalReference('SignaturePolicy', 'signaturePolicyId', signaturePolicyId),
    credential: toOptionalReference('Credential', 'credentialId', credentialId),
    fallbacks: toFallbacks(fallbacks),
  };
}

type RulePart = Pick<MirrorRulePayload, 'mirrorRule'>;

function answer(context: RequestContext, operation: Promise<Outcome<number>>): Promise<MirrorRulePayload> {
  const load = async (id: number): Promise<RulePart> => {
    const row = await context.loaders.mirrorRules.load(id);
    return { mirrorRule: row === undefined ? null : toMirrorRuleType(row) };
  };
  return runMutation<number, RulePart>(context, operation, load, { mirrorRule: null });
}
