import { Arg, Ctx, FieldResolver, ID, Int, Query, Resolver, Root } from 'type-graphql';
import { countNamed, readNamedPage } from '../../../db/reads/read-repositories.ts';
import { findSignaturePolicyId } from '../../../db/policies/signature-policies.ts';
import { readTextCursor, toConnection } from '../connection.ts';
import type { Connection } from '../connection.ts';
import type { RequestContext } from '../context.ts';
import { DistributionType } from '../distributions/distribution.type.ts';
import { checkFirst } from '../errors.ts';
import { parseNumericId } from '../../../operations/global-id.ts';
import { loadPage } from '../loaders.ts';
import { afterOption, checkIdOrName, firstOption, isStorableText } from '../page-arguments.ts';
import { RemoteType } from '../remotes/remote.type.ts';
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
    description: 'A signature policy by id or by name; null where there is none.',
  })
  async signaturePolicy(
    @Arg('id', () => ID, { nullable: true, description: 'Its id.' }) id: string | null,
    @Arg('name', () => String, { nullable: true, description: 'Its name.' }) name: string | null,
    @Ctx() { em, loaders }: RequestContext,
  ): Promise<SignaturePolicyType | null> {
    checkIdOrName(id, name);
    const byName = typeof name === 'string' && isStorableText(name);
    const key =
      typeof name === 'string'
        ? byName
          ? await findSignaturePolicyId(em, name)
          : undefined
        : parseNumericId('SignaturePolicy', id ?? '');
    const row = key === undefined ? undefined : await loaders.signaturePolicies.load(key);
    return row === undefined ? null : toSignaturePolicyType(row);
  }

  @Query(() => SignaturePolicyConnection, {
    description: 'All signature policies that the caller may read, in order of name.',
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

/** A policy's users, each with the same field. */
interface User {
  readonly row: { readonly signaturePolicyId?: number | null | undefined };
}

async function loadPolicy({ row }: User, { loaders }: RequestContext): Promise<SignaturePolicyType | null> {
  const id = row.signaturePolicyId;
  const policy = typeof id === 'number' ? await loaders.signaturePolicies.load(id) : undefined;
  return policy === undefined ? null : toSignaturePolicyType(policy);
}

@Resolver(() => RemoteType)
export class RemoteSignaturePolicyResolver {
  @FieldResolver(() => SignaturePolicyType, {
    nullable: true,
    description:
      'What its repositories that have no policy of their own ask for, of syncs and of pulls; null: nothing.',
  })
  signaturePolicy(
    @Root() remote: RemoteType,
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
      "What its syncs and its distributions ask for; a distribution's own policy binds beside it. null: what the remote's policy asks for.",
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
      "Its own, which binds beside the repository's; null: it has none, and signaturePoliciesInForce says what else binds.",
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
      "The first of signaturePoliciesInForce, which the caller may read: its own policy, else its repository's, else that of the repository's " +
      'remote; null: there is none.',
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
      "What have to verify an image before it is served here: its own policy, and its repository's, else that of the repository's remote. " +
      'Each binds by itself. Empty: all is served. Policies that the caller may not read bind too and are left out. What is pushed, tagged, ' +
      'copied or restored without a valid signature stays in the repository, and is answered with 403 DENIED until it is signed. Callers who ' +
      'may push to the repository may read the manifest of such an image by its digest, as tools that sign do, and nothing else of it.',
  })
  signaturePoliciesInForce(
    @Root() distribution: DistributionType,
    @Ctx() context: RequestContext,
  ): Promise<SignaturePolicyType[]> {
    return loadInForce(distribution, context);
  }
}
