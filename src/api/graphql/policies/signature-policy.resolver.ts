import { Arg, Ctx, FieldResolver, ID, Int, Query, Resolver, Root } from 'type-graphql';
import { countNamed, findNamedId, readNamedPage } from '../../../db/reads/read-named.ts';
import { readTextCursor, toConnection } from '../connection.ts';
import type { Connection } from '../connection.ts';
import type { RequestContext } from '../context.ts';
import { DistributionType } from '../distributions/distribution.type.ts';
import { checkFirst } from '../errors.ts';
import { parseNumericId } from '../../../operations/global-id.ts';
import { loadPage } from '../loaders.ts';
import { afterOption, checkIdOrName, firstOption, isStorableText } from '../page-arguments.ts';
import { RemoteSettings } from '../remotes/remote-settings.type.ts';
import { RepositoryType } from '../repositories/repository.type.ts';
import {
  SignaturePolicyConnection,
  SignaturePolicyType,
  toSignaturePolicyType,
} from './signature-policy.type.ts';

@Resolver(() => SignaturePolicyType)
export class SignaturePolicyResolver {
  @Query(() => SignaturePolicyType, {
    nullable: true,
    description: 'A signature policy by id or by name; null when there is none.',
  })
  async signaturePolicy(
    @Arg('id', () => ID, { nullable: true, description: 'The id.' }) id: string | null,
    @Arg('name', () => String, { nullable: true, description: 'The name.' }) name: string | null,
    @Ctx() { em, loaders }: RequestContext,
  ): Promise<SignaturePolicyType | null> {
    checkIdOrName(id, name);
    const byName = typeof name === 'string' && isStorableText(name);
    const key =
      typeof name === 'string'
        ? byName
          ? await findNamedId(em, 'signature_policy', name)
          : undefined
        : parseNumericId('SignaturePolicy', id ?? '');
    const row = key === undefined ? undefined : await loaders.signaturePolicies.load(key);
    return row === undefined ? null : toSignaturePolicyType(row);
  }

  @Query(() => SignaturePolicyConnection, {
    description: 'Signature policies that the caller may read, ordered by name.',
  })
  async signaturePolicies(
    @Arg('first', () => Int, firstOption) first: number,
    @Arg('after', () => String, afterOption) after: string | null,
    @Ctx() { em, loaders }: RequestContext,
  ): Promise<Connection<SignaturePolicyType>> {
    const page = await readNamedPage(em, loaders.visibility, 'signature_policy', {
      first: checkFirst(first),
      after: readTextCursor('signaturePolicies', after),
    });
    return toConnection(await loadPage(page, loaders.signaturePolicies), {
      list: 'signaturePolicies',
      after,
      keyOf: ({ value }) => value.name,
      nodeOf: ({ value }) => toSignaturePolicyType(value),
      countTotal: () => countNamed(em, loaders.visibility, 'signature_policy'),
    });
  }
}

/** The users of a policy. Each has the same field. */
interface User {
  readonly row: { readonly signaturePolicyId?: number | null | undefined };
}

async function loadPolicy({ row }: User, { loaders }: RequestContext): Promise<SignaturePolicyType | null> {
  const id = row.signaturePolicyId;
  const policy = typeof id === 'number' ? await loaders.signaturePolicies.load(id) : undefined;
  return policy === undefined ? null : toSignaturePolicyType(policy);
}

@Resolver(() => RemoteSettings)
export class RemoteSignaturePolicyResolver {
  @FieldResolver(() => SignaturePolicyType, {
    nullable: true,
    description:
      'The signature policy for syncs and pulls of the repositories of the remotes that have no policy of their own; null: none, or one that ' +
      'the caller may not read.',
  })
  signaturePolicy(
    @Root() remote: RemoteSettings,
    @Ctx() context: RequestContext,
  ): Promise<SignaturePolicyType | null> {
    return loadPolicy(remote, context);
  }
}

@Resolver(() => RepositoryType)
export class RepositorySignaturePolicyResolver {
  @FieldResolver(() => SignaturePolicyType, {
    nullable: true,
    description:
      "The signature policy for syncs and pulls. A distribution's own policy applies in addition. Null: the policy of the remote applies.",
  })
  signaturePolicy(
    @Root() repository: RepositoryType,
    @Ctx() context: RequestContext,
  ): Promise<SignaturePolicyType | null> {
    return loadPolicy(repository, context);
  }
}

async function loadInForce(
  { row }: DistributionType,
  { loaders }: RequestContext,
): Promise<SignaturePolicyType[]> {
  const ids = await loaders.policiesInForce.load(row.id);
  const policies = await Promise.all(ids.map((id) => loaders.signaturePolicies.load(id)));
  return policies.flatMap((policy) => (policy === undefined ? [] : [toSignaturePolicyType(policy)]));
}

@Resolver(() => DistributionType)
export class DistributionSignaturePolicyResolver {
  @FieldResolver(() => SignaturePolicyType, {
    nullable: true,
    description:
      "The distribution's own policy, which applies in addition to the repository's; null: none. signaturePoliciesInForce lists all that " +
      'apply.',
  })
  signaturePolicy(
    @Root() distribution: DistributionType,
    @Ctx() context: RequestContext,
  ): Promise<SignaturePolicyType | null> {
    return loadPolicy(distribution, context);
  }

  @FieldResolver(() => SignaturePolicyType, {
    nullable: true,
    description:
      "The first of signaturePoliciesInForce that the caller may read: the distribution's own, else the repository's, else that of the " +
      "repository's remote; null: none.",
  })
  async signaturePolicyInForce(
    @Root() distribution: DistributionType,
    @Ctx() context: RequestContext,
  ): Promise<SignaturePolicyType | null> {
    const [first] = await loadInForce(distribution, context);
    return first ?? null;
  }

  @FieldResolver(() => [SignaturePolicyType], {
    description:
      "Policies that an image must satisfy to be served here: the distribution's own policy, and the repository's, else that of the " +
      "repository's remote. Each applies independently; empty: every image is served. Policies that the caller may not read apply too, but " +
      'are omitted. An image without a valid signature that is pushed, tagged, copied or restored stays in the repository; pulls of it are ' +
      'answered with 403 DENIED until it is signed. Callers with the role pusher for the repository may read its manifest by digest, so that ' +
      'tools can sign it.',
  })
  signaturePoliciesInForce(
    @Root() distribution: DistributionType,
    @Ctx() context: RequestContext,
  ): Promise<SignaturePolicyType[]> {
    return loadInForce(distribution, context);
  }
}
