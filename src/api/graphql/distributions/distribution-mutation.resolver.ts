import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import {
  createDistribution,
  deleteDistribution,
  pointDistribution,
  updateDistribution,
} from '../../../operations/distributions.ts';
import type { Target } from '../../../operations/distribution-target.ts';
import type { DistributionFields } from '../../../operations/distributions.ts';
import type { Outcome, Reference } from '../../../operations/operation.ts';
import type { RequestContext } from '../context.ts';
import { DeletePayload } from '../payload.type.ts';
import {
  runDeletion,
  runMutation,
  toOptionalReference,
  toReference,
  toVersionReference,
} from '../run-mutation.ts';
import {
  DistributionCreateInput,
  DistributionDeleteInput,
  DistributionPayload,
  DistributionPointInput,
  DistributionUpdateInput,
  toDistributionType,
} from './distribution.type.ts';

@Resolver()
export class DistributionMutationResolver {
  @Mutation(() => DistributionPayload, {
    description: 'Creates a distribution: serves a repository, or a version of it, at another base path.',
  })
  async distributionCreate(
    @Arg('input', () => DistributionCreateInput, { description: 'The new distribution.' })
    input: DistributionCreateInput,
    @Ctx() context: RequestContext,
  ): Promise<DistributionPayload> {
    const fields = { ...fieldsOf(input), ...targetOf(input), basePath: input.basePath };
    const { isOn: isAccessOn } = context.api.access;
    return answer(context, createDistribution(context, fields, { isAccessOn }));
  }

  @Mutation(() => DistributionPayload, {
    description: 'Changes the base path, the access, or the pull settings of a distribution.',
  })
  async distributionUpdate(
    @Arg('input', () => DistributionUpdateInput, { description: 'The changes.' })
    input: DistributionUpdateInput,
    @Ctx() context: RequestContext,
  ): Promise<DistributionPayload> {
    return answer(context, updateDistribution(context, distributionOf(input), fieldsOf(input)));
  }

  @Mutation(() => DeletePayload, {
    description:
      "Deletes a distribution; the content stays. The distribution at a repository's own name is deleted with the repository.",
  })
  async distributionDelete(
    @Arg('input', () => DistributionDeleteInput, { description: 'The distribution.' })
    input: DistributionDeleteInput,
    @Ctx() context: RequestContext,
  ): Promise<DeletePayload> {
    return runDeletion(context, input.id, deleteDistribution(context, distributionOf(input)));
  }

  @Mutation(() => DistributionPayload, {
    description:
      'Points a distribution at another version, or at the latest of a repository: promotion and rollback in one step, recorded in `moves`. ' +
      'The change is atomic for pulls.',
  })
  async distributionPoint(
    @Arg('input', () => DistributionPointInput, { description: 'The new target.' })
    input: DistributionPointInput,
    @Ctx() context: RequestContext,
  ): Promise<DistributionPayload> {
    return answer(context, pointDistribution(context, distributionOf(input), targetOf(input)));
  }
}

function distributionOf({ id }: { readonly id: string }): Reference {
  return toReference('Distribution', 'id', id);
}

function targetOf({ versionId, repositoryId }: DistributionCreateInput | DistributionPointInput): Target {
  return {
    version: typeof versionId === 'string' ? toVersionReference(versionId) : undefined,
    repository: toOptionalReference('Repository', 'repositoryId', repositoryId) ?? undefined,
  };
}

function fieldsOf(input: DistributionCreateInput | DistributionUpdateInput): DistributionFields {
  const { basePath, pullThrough, signaturePolicyId } = input;
  return {
    basePath,
    private: input.private,
    pullThrough,
    tagTtlSeconds: input.tagTtlSeconds,
    notFoundTtlSeconds: input.notFoundTtlSeconds,
    signaturePolicy: toOptionalReference('SignaturePolicy', 'signaturePolicyId', signaturePolicyId),
  };
}

type DistributionPart = Pick<DistributionPayload, 'distribution'>;

function answer(context: RequestContext, operation: Promise<Outcome<number>>): Promise<DistributionPayload> {
  const load = async (id: number): Promise<DistributionPart> => {
    const row = await context.loaders.distributions.load(id);
    return { distribution: row === undefined ? null : toDistributionType(row) };
  };
  return runMutation<number, DistributionPart>(context, operation, load, { distribution: null });
}
