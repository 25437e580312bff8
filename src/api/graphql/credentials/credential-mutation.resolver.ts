import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import {
  createCredential,
  deleteCredential,
  updateCredential,
} from '../../../operations/credentials/credentials.ts';
import type { Outcome } from '../../../operations/operation.ts';
import type { RequestContext } from '../context.ts';
import { DeletePayload } from '../payload.type.ts';
import { runDeletion, runMutation, toReference } from '../run-mutation.ts';
import {
  CredentialCreateInput,
  CredentialDeleteInput,
  CredentialUpdateInput,
} from './credential-input.type.ts';
import { CredentialPayload, toCredentialType } from './credential.type.ts';

@Resolver()
export class CredentialMutationResolver {
  @Mutation(() => CredentialPayload, { description: 'Creates a credential. Nothing is sent to a registry.' })
  async credentialCreate(
    @Arg('input', () => CredentialCreateInput, { description: 'The new credential.' })
    input: CredentialCreateInput,
    @Ctx() context: RequestContext,
  ): Promise<CredentialPayload> {
    return answer(context, createCredential(context, input, context.api.secrets));
  }

  @Mutation(() => CredentialPayload, {
    description:
      'Changes a credential. The remotes that use it log in anew; running steps of a sync finish with the old login.',
  })
  async credentialUpdate(
    @Arg('input', () => CredentialUpdateInput, { description: 'The changes.' }) input: CredentialUpdateInput,
    @Ctx() context: RequestContext,
  ): Promise<CredentialPayload> {
    return answer(context, updateCredential(context, credentialOf(input), input, context.api.secrets));
  }

  @Mutation(() => DeletePayload, {
    description: 'Deletes a credential. Refused with IN_USE while remotes use it; the message names them.',
  })
  async credentialDelete(
    @Arg('input', () => CredentialDeleteInput, { description: 'The credential.' })
    input: CredentialDeleteInput,
    @Ctx() context: RequestContext,
  ): Promise<DeletePayload> {
    return runDeletion(context, input.id, deleteCredential(context, credentialOf(input)));
  }
}

function credentialOf({ id }: { readonly id: string }) {
  return toReference('Credential', 'id', id);
}

type CredentialPart = Pick<CredentialPayload, 'credential'>;

function answer(context: RequestContext, operation: Promise<Outcome<number>>): Promise<CredentialPayload> {
  const load = async (id: number): Promise<CredentialPart> => {
    const row = await context.loaders.credentials.load(id);
    return { credential: row === undefined ? null : toCredentialType(row) };
  };
  return runMutation<number, CredentialPart>(context, operation, load, { credential: null });
}
