import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import type { Repository } from '../../../db/schema/repositories.ts';
import type { Outcome, Reference } from '../../../operations/operation.ts';
import {
  createRepository,
  deleteRepository,
  detachRepository,
  updateRepository,
} from '../../../operations/repositories.ts';
import type { RepositoryFields } from '../../../operations/repositories.ts';
import type { RequestContext } from '../context.ts';
import { DeletePayload } from '../payload.type.ts';
import { runDeletion, runMutation, toOptionalReference, toReference } from '../run-mutation.ts';
import {
  RepositoryCreateInput,
  RepositoryDeleteInput,
  RepositoryDetachInput,
  RepositoryPayload,
  RepositoryUpdateInput,
  toRepositoryType,
} from './repository.type.ts';

@Resolver()
export class RepositoryMutationResolver {
  @Mutation(() => RepositoryPayload, { description: 'Creates an empty repository.' })
  async repositoryCreate(
    @Arg('input', () => RepositoryCreateInput, { description: 'The new repository.' })
    input: RepositoryCreateInput,
    @Ctx() context: RequestContext,
  ): Promise<RepositoryPayload> {
    // With logins on, a new repository is private by default.
    const isPrivate = context.api.access.isOn;
    return answer(
      context,
      createRepository(context, { ...fieldsOf(input), name: input.name }, { isPrivate }),
    );
  }

  @Mutation(() => RepositoryPayload, {
    description: 'Changes the settings of a repository. The content stays.',
  })
  async repositoryUpdate(
    @Arg('input', () => RepositoryUpdateInput, { description: 'The changes.' }) input: RepositoryUpdateInput,
    @Ctx() context: RequestContext,
  ): Promise<RepositoryPayload> {
    return answer(context, updateRepository(context, repositoryOf(input), fieldsOf(input)));
  }

  @Mutation(() => DeletePayload, {
    description:
      'Deletes a repository with its versions, its schedules and the distribution at its own name. Tasks are kept.',
  })
  async repositoryDelete(
    @Arg('input', () => RepositoryDeleteInput, { description: 'The repository.' })
    input: RepositoryDeleteInput,
    @Ctx() context: RequestContext,
  ): Promise<DeletePayload> {
    const deleteRemote = input.deleteRemote === true;
    return runDeletion(context, input.id, deleteRepository(context, repositoryOf(input), { deleteRemote }));
  }

  @Mutation(() => RepositoryPayload, {
    description:
      'Turns a mirror into an ordinary repository, which accepts pushes. Versions and content stay; the remote is removed from the ' +
      'repository. Refused with IN_USE while a task or a schedule syncs it.',
  })
  async repositoryDetach(
    @Arg('input', () => RepositoryDetachInput, { description: 'The repository.' })
    input: RepositoryDetachInput,
    @Ctx() context: RequestContext,
  ): Promise<RepositoryPayload> {
    return answer(context, detachRepository(context, repositoryOf(input)));
  }
}

function repositoryOf({ id }: { readonly id: string }): Reference {
  return toReference('Repository', 'id', id);
}

function fieldsOf(input: RepositoryCreateInput | RepositoryUpdateInput): RepositoryFields {
  const { name, description, retainVersions, remoteId, signaturePolicyId } = input;
  return {
    name,
    description,
    retainVersions,
    remote: toOptionalReference('Remote', 'remoteId', remoteId),
    signaturePolicy: toOptionalReference('SignaturePolicy', 'signaturePolicyId', signaturePolicyId),
  };
}

type RepositoryPart = Pick<RepositoryPayload, 'repository'>;

function answer(
  context: RequestContext,
  operation: Promise<Outcome<Repository>>,
): Promise<RepositoryPayload> {
  return runMutation<Repository, RepositoryPart>(context, operation, toPart, { repository: null });
}

function toPart(row: Repository): RepositoryPart {
  return { repository: toRepositoryType(row) };
}
