import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import {
  copyToRepository,
  removeFromRepository,
  restoreRepository,
  tagRepository,
  untagRepository,
} from '../../../operations/content.ts';
import type { ChangedRepository } from '../../../operations/content.ts';
import type { Outcome, Reference } from '../../../operations/operation.ts';
import type { RequestContext } from '../context.ts';
import { runMutation, toReference, toVersionReference } from '../run-mutation.ts';
import { toRepositoryVersionType } from '../versions/version.type.ts';
import {
  RepositoryContentPayload,
  RepositoryCopyContentInput,
  RepositoryRemoveContentInput,
  RepositoryRestoreVersionInput,
  RepositoryTagInput,
  RepositoryUntagInput,
} from './repository-content.type.ts';
import { toRepositoryType } from './repository.type.ts';

@Resolver()
export class RepositoryContentResolver {
  @Mutation(() => RepositoryContentPayload, {
    description:
      'Gives a manifest of the latest version a tag. A tag of this name moves; what it named stays, untagged.',
  })
  async repositoryTag(
    @Arg('input', () => RepositoryTagInput, { description: 'Tag and manifest.' }) input: RepositoryTagInput,
    @Ctx() context: RequestContext,
  ): Promise<RepositoryContentPayload> {
    return answer(context, tagRepository(context, repositoryOf(input), input));
  }

  @Mutation(() => RepositoryContentPayload, {
    description: 'Takes a tag away. Its manifest stays, untagged; repositoryRemoveContent removes both.',
  })
  async repositoryUntag(
    @Arg('input', () => RepositoryUntagInput, { description: 'The tag.' }) input: RepositoryUntagInput,
    @Ctx() context: RequestContext,
  ): Promise<RepositoryContentPayload> {
    return answer(context, untagRepository(context, repositoryOf(input), input.tag));
  }

  @Mutation(() => RepositoryContentPayload, {
    description:
      'Copies tags with everything below their manifests from any version. No byte is moved. Tags of the same names move; ' +
      'what they named stays, untagged.',
  })
  async repositoryCopyContent(
    @Arg('input', () => RepositoryCopyContentInput, { description: 'What is copied, and where to.' })
    input: RepositoryCopyContentInput,
    @Ctx() context: RequestContext,
  ): Promise<RepositoryContentPayload> {
    const source = toVersionReference(input.sourceVersionId);
    return answer(
      context,
      copyToRepository(context, repositoryOf(input), { source, tags: input.tags ?? null }),
    );
  }

  @Mutation(() => RepositoryContentPayload, {
    description:
      'Removes tags, and manifests with all their tags; of what is below them, all that nothing else holds. ' +
      'Versions before keep it.',
  })
  async repositoryRemoveContent(
    @Arg('input', () => RepositoryRemoveContentInput, { description: 'What is removed.' })
    input: RepositoryRemoveContentInput,
    @Ctx() context: RequestContext,
  ): Promise<RepositoryContentPayload> {
    const { tags, digests } = input;
    return answer(
      context,
      removeFromRepository(context, repositoryOf(input), { tags: tags ?? [], digests: digests ?? [] }),
    );
  }

  @Mutation(() => RepositoryContentPayload, {
    description:
      'Makes what a version holds the latest content of its repository again: a new version with that one as baseVersion, or ' +
      'none where nothing differs. Mirrors take it, too; their next sync goes on from there.',
  })
  async repositoryRestoreVersion(
    @Arg('input', () => RepositoryRestoreVersionInput, { description: 'The version.' })
    input: RepositoryRestoreVersionInput,
    @Ctx() context: RequestContext,
  ): Promise<RepositoryContentPayload> {
    return answer(context, restoreRepository(context, toVersionReference(input.versionId)));
  }
}

function repositoryOf({ repositoryId }: { readonly repositoryId: string }): Reference {
  return toReference('Repository', 'repositoryId', repositoryId);
}

type Changed = Pick<RepositoryContentPayload, 'repository' | 'version'>;

function answer(
  context: RequestContext,
  operation: Promise<Outcome<ChangedRepository>>,
): Promise<RepositoryContentPayload> {
  const load = async ({ repositoryId, createdVersion }: ChangedRepository): Promise<Changed> => {
    const { repositories, versions } = context.loaders;
    const [repository, version] = await Promise.all([
      repositories.load(repositoryId),
      createdVersion === null ? undefined : versions.load({ repositoryId, number: createdVersion }),
    ]);
    return {
      repository: repository === undefined ? null : toRepositoryType(repository),
      version: version === undefined ? null : toRepositoryVersionType(version),
    };
  };
  return runMutation<ChangedRepository, Changed>(context, operation, load, {
    repository: null,
    version: null,
  });
}
