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
      'Points a tag at a manifest of the latest version. An existing tag moves; its previous manifest stays in the repository, untagged.',
  })
  async repositoryTag(
    @Arg('input', () => RepositoryTagInput, { description: 'The tag and the manifest.' })
    input: RepositoryTagInput,
    @Ctx() context: RequestContext,
  ): Promise<RepositoryContentPayload> {
    return answer(context, tagRepository(context, repositoryOf(input), input));
  }

  @Mutation(() => RepositoryContentPayload, {
    description: 'Removes a tag. Its manifest stays, untagged; repositoryRemoveContent removes both.',
  })
  async repositoryUntag(
    @Arg('input', () => RepositoryUntagInput, { description: 'Name of the tag.' })
    input: RepositoryUntagInput,
    @Ctx() context: RequestContext,
  ): Promise<RepositoryContentPayload> {
    return answer(context, untagRepository(context, repositoryOf(input), input.tag));
  }

  @Mutation(() => RepositoryContentPayload, {
    description:
      'Copies tags, with everything below their manifests, from any version. Stored blobs are shared, not copied. Existing tags of the same ' +
      'names move; their previous manifests stay, untagged.',
  })
  async repositoryCopyContent(
    @Arg('input', () => RepositoryCopyContentInput, {
      description: 'The source and the repository to copy into.',
    })
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
      'Removes tags, and manifests with all their tags, together with the content below them that nothing else references. Earlier versions ' +
      'keep the content.',
  })
  async repositoryRemoveContent(
    @Arg('input', () => RepositoryRemoveContentInput, { description: 'The content to remove.' })
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
      'Publishes the content of a version as the latest version of its repository. The new version has that one as its baseVersion; no ' +
      'version is created when nothing differs. Mirrors can be restored too; their next sync continues from the restored content.',
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
