import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import type { Outcome, Reference } from '../../../operations/operation.ts';
import { createRemote, deleteRemote, updateRemote } from '../../../operations/remotes/remotes.ts';
import type { RemoteChanges, RemoteRules } from '../../../operations/remotes/remotes.ts';
import type { RequestContext } from '../context.ts';
import { DeletePayload } from '../payload.type.ts';
import { runDeletion, runMutation, toOptionalReference, toReference } from '../run-mutation.ts';
import { RemoteCreateInput } from './remote-input.type.ts';
import { RemoteDeleteInput } from './remote-delete.type.ts';
import { RemoteUpdateInput } from './remote-update.type.ts';
import { toFallbacks } from './upstream.type.ts';
import { RemotePayload, toRemoteType } from './remote.type.ts';

@Resolver()
export class RemoteMutationResolver {
  @Mutation(() => RemotePayload, { description: 'Creates a remote.' })
  async remoteCreate(
    @Arg('input', () => RemoteCreateInput, { description: 'The new remote.' }) input: RemoteCreateInput,
    @Ctx() context: RequestContext,
  ): Promise<RemotePayload> {
    const { name, url, upstreamName } = input;
    const fields = { ...fieldsOf(input), name, url, upstreamName };
    return answer(context, createRemote(context, fields, rulesOf(context)));
  }

  @Mutation(() => RemotePayload, {
    description:
      'Changes a remote. New credentials and limits apply to a running sync, new filters do not. A running sync fails with REMOTE_CHANGED ' +
      'when url or upstreamName changes.',
  })
  async remoteUpdate(
    @Arg('input', () => RemoteUpdateInput, { description: 'The changes.' }) input: RemoteUpdateInput,
    @Ctx() context: RequestContext,
  ): Promise<RemotePayload> {
    return answer(context, updateRemote(context, remoteOf(input), fieldsOf(input), rulesOf(context)));
  }

  @Mutation(() => DeletePayload, {
    description:
      'Deletes a remote. Refused with IN_USE while a repository, a schedule or a running task uses it, or blobs are still to be fetched from ' +
      'it on demand.',
  })
  async remoteDelete(
    @Arg('input', () => RemoteDeleteInput, { description: 'The remote.' }) input: RemoteDeleteInput,
    @Ctx() context: RequestContext,
  ): Promise<DeletePayload> {
    return runDeletion(context, input.id, deleteRemote(context, remoteOf(input)));
  }
}

function remoteOf({ id }: { readonly id: string }): Reference {
  return toReference('Remote', 'id', id);
}

function rulesOf({ api }: RequestContext): RemoteRules {
  return { addresses: api.config, secrets: api.secrets };
}

function fieldsOf(input: RemoteCreateInput | RemoteUpdateInput): RemoteChanges {
  const signaturePolicy = toOptionalReference(
    'SignaturePolicy',
    'signaturePolicyId',
    input.signaturePolicyId,
  );
  const credential = toOptionalReference('Credential', 'credentialId', input.credentialId);
  return Object.assign({ signaturePolicy, credential }, input, { fallbacks: toFallbacks(input.fallbacks) });
}

type RemotePart = Pick<RemotePayload, 'remote'>;

function answer(context: RequestContext, operation: Promise<Outcome<number>>): Promise<RemotePayload> {
  const load = async (id: number): Promise<RemotePart> => {
    const row = await context.loaders.remotes.load(id);
    return { remote: row === undefined ? null : toRemoteType(row) };
  };
  return runMutation<number, RemotePart>(context, operation, load, { remote: null });
}
