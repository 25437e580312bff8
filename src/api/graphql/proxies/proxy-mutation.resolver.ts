import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import type { Outcome, Reference } from '../../../operations/operation.ts';
import { createProxy, removeProxy, updateProxy } from '../../../operations/proxies/proxies.ts';
import type { RemoteRules } from '../../../operations/remotes/remotes.ts';
import type { RequestContext } from '../context.ts';
import { DeletePayload } from '../payload.type.ts';
import { toFallbacks } from '../remotes/upstream.type.ts';
import { runDeletion, runMutation, toOptionalReference, toReference } from '../run-mutation.ts';
import { syncDepsOf } from '../tasks/answer-task.ts';
import { ProxyCreateInput, ProxyDeleteInput, ProxyUpdateInput } from './proxy-input.type.ts';
import { ProxyPayload, toProxyType } from './proxy.type.ts';

@Resolver()
export class ProxyMutationResolver {
  @Mutation(() => ProxyPayload, {
    description:
      'Creates a proxy. Needs the role maintainer for its base path, and for all names below it. It makes repositories with the rights that its ' +
      'creator then has.',
  })
  async proxyCreate(
    @Arg('input', () => ProxyCreateInput, { description: 'The new proxy.' }) input: ProxyCreateInput,
    @Ctx() context: RequestContext,
  ): Promise<ProxyPayload> {
    const fields = Object.assign({}, input, referencesOf(input));
    return answer(context, createProxy(context, rulesOf(context), fields));
  }

  @Mutation(() => ProxyPayload, {
    description:
      'Changes a proxy. Repositories, remotes and distributions that it has made stay as they are. It makes later ones with the rights of the ' +
      'caller.',
  })
  async proxyUpdate(
    @Arg('input', () => ProxyUpdateInput, { description: 'The changes.' }) input: ProxyUpdateInput,
    @Ctx() context: RequestContext,
  ): Promise<ProxyPayload> {
    const changes = Object.assign({}, input, referencesOf(input));
    return answer(context, updateProxy(context, rulesOf(context), proxyOf(input), changes));
  }

  @Mutation(() => DeletePayload, {
    description: 'Deletes a proxy. The repositories, remotes and distributions that it has made stay.',
  })
  async proxyDelete(
    @Arg('input', () => ProxyDeleteInput, { description: 'The proxy.' }) input: ProxyDeleteInput,
    @Ctx() context: RequestContext,
  ): Promise<DeletePayload> {
    return runDeletion(context, input.id, removeProxy(context, proxyOf(input)));
  }
}

function rulesOf(context: RequestContext): RemoteRules {
  return { addresses: syncDepsOf(context).addresses, secrets: context.api.secrets };
}

function proxyOf({ id }: { readonly id: string }): Reference {
  return toReference('Proxy', 'id', id);
}

function referencesOf({ signaturePolicyId, credentialId, fallbacks }: ProxyCreateInput | ProxyUpdateInput) {
  return {
    signaturePolicy: toOptionalReference('SignaturePolicy', 'signaturePolicyId', signaturePolicyId),
    credential: toOptionalReference('Credential', 'credentialId', credentialId),
    fallbacks: toFallbacks(fallbacks),
  };
}

type ProxyPart = Pick<ProxyPayload, 'proxy'>;

function answer(context: RequestContext, operation: Promise<Outcome<number>>): Promise<ProxyPayload> {
  const load = async (id: number): Promise<ProxyPart> => {
    const row = await context.loaders.proxies.load(id);
    return { proxy: row === undefined ? null : toProxyType(row) };
  };
  return runMutation<number, ProxyPart>(context, operation, load, { proxy: null });
}
