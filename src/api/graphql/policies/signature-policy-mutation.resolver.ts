import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import type { Outcome } from '../../../operations/operation.ts';
import {
  createSignaturePolicy,
  deleteSignaturePolicy,
  updateSignaturePolicy,
} from '../../../operations/signature-policies.ts';
import type { RequestContext } from '../context.ts';
import { DeletePayload } from '../payload.type.ts';
import { runDeletion, runMutation, toReference } from '../run-mutation.ts';
import {
  SignaturePolicyCreateInput,
  SignaturePolicyDeleteInput,
  SignaturePolicyPayload,
  SignaturePolicyUpdateInput,
  toSignaturePolicyType,
} from './signature-policy.type.ts';

@Resolver()
export class SignaturePolicyMutationResolver {
  @Mutation(() => SignaturePolicyPayload, {
    description:
      'Creates a signature policy. It applies to the remotes, repositories and distributions that refer to it.',
  })
  async signaturePolicyCreate(
    @Arg('input', () => SignaturePolicyCreateInput, { description: 'The new policy.' })
    input: SignaturePolicyCreateInput,
    @Ctx() context: RequestContext,
  ): Promise<SignaturePolicyPayload> {
    return answer(context, createSignaturePolicy(context, input, context.api.signatures.checkRules));
  }

  @Mutation(() => SignaturePolicyPayload, {
    description:
      'Changes a signature policy. Pulls are verified by the new rules immediately; the content of a repository changes at its next sync.',
  })
  async signaturePolicyUpdate(
    @Arg('input', () => SignaturePolicyUpdateInput, { description: 'The changes.' })
    input: SignaturePolicyUpdateInput,
    @Ctx() context: RequestContext,
  ): Promise<SignaturePolicyPayload> {
    const { checkRules } = context.api.signatures;
    return answer(context, updateSignaturePolicy(context, policyOf(input), input, checkRules));
  }

  @Mutation(() => DeletePayload, {
    description: 'Deletes a signature policy. Refused with IN_USE while something refers to it.',
  })
  async signaturePolicyDelete(
    @Arg('input', () => SignaturePolicyDeleteInput, { description: 'The policy.' })
    input: SignaturePolicyDeleteInput,
    @Ctx() context: RequestContext,
  ): Promise<DeletePayload> {
    return runDeletion(context, input.id, deleteSignaturePolicy(context, policyOf(input)));
  }
}

function policyOf({ id }: { readonly id: string }) {
  return toReference('SignaturePolicy', 'id', id);
}

function answer(
  context: RequestContext,
  operation: Promise<Outcome<number>>,
): Promise<SignaturePolicyPayload> {
  const load = async (id: number) => {
    const row = await context.loaders.signaturePolicies.load(id);
    return { signaturePolicy: row === undefined ? null : toSignaturePolicyType(row) };
  };
  return runMutation<number, Pick<SignaturePolicyPayload, 'signaturePolicy'>>(context, operation, load, {
    signaturePolicy: null,
  });
}
