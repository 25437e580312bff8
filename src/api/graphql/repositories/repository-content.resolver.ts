import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import { visibilityOf } from '../../../access/viewer.ts';
import {
  copyContent,
  removeContent,
  restoreVersion,
  tagManifest,
  untag,
} from '../../../db/versions/change-content.ts';
import { ContentRefusedError } from '../../../db/versions/content-draft.ts';
import type { ContentChanged } from '../../../db/versions/content-draft.ts';
import type { Role } from '../../../db/access/roles.ts';
import { quoteValue } from '../../../oci/error.ts';
import { forgetReads } from '../context.ts';
import type { RequestContext } from '../context.ts';
import { parseNumericId, parseVersionId } from '../../../operations/global-id.ts';
import { lacksRole } from '../../../operations/permit.ts';
import { notFound } from './repository-mutation.resolver.ts';
import {
  RepositoryContentPayload,
  RepositoryCopyContentInput,
  RepositoryRemoveContentInput,
  RepositoryRestoreVersionInput,
  RepositoryTagInput,
  RepositoryUntagInput,
} from './repository-content.type.ts';
import { toRepositoryType } from './repository.type.ts';
import type { UserError } from '../user-error.type.ts';
import { toRepositoryVersionType } from '../versions/version.type.ts';
import { mistake } from '../../../operations/mistakes.ts';

/** What no row has: ids that are none of ours are looked up as this, so that all other mistakes are found with them. */
const nowhere = 0;

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
    const repositoryId = parseNumericId('Repository', input.repositoryId) ?? nowhere;
    const { tag, digest } = input;
    return answer(context, { repositoryId, input, role: 'pusher' }, (held) =>
      tagManifest(context.em, { repositoryId: held, tag, digest }),
    );
  }

  @Mutation(() => RepositoryContentPayload, {
    description: 'Takes a tag away. Its manifest stays, untagged; repositoryRemoveContent removes both.',
  })
  async repositoryUntag(
    @Arg('input', () => RepositoryUntagInput, { description: 'The tag.' }) input: RepositoryUntagInput,
    @Ctx() context: RequestContext,
  ): Promise<RepositoryContentPayload> {
    const repositoryId = parseNumericId('Repository', input.repositoryId) ?? nowhere;
    return answer(context, { repositoryId, input, role: 'maintainer' }, (held) =>
      untag(context.em, { repositoryId: held, tag: input.tag }),
    );
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
    const repositoryId = parseNumericId('Repository', input.repositoryId) ?? nowhere;
    const key = parseVersionId(input.sourceVersionId);
    const version = key === undefined ? undefined : await context.loaders.versions.load(key);
    // one that the caller may not read is as absent
    const source = version ?? { repositoryId: nowhere, number: nowhere };
    return answer(context, { repositoryId, input, role: 'pusher' }, (held) =>
      copyContent(context.em, {
        repositoryId: held,
        source,
        tags: input.tags ?? null,
        usableRemotes: visibilityOf(context.viewer, 'maintainer'),
      }),
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
    const repositoryId = parseNumericId('Repository', input.repositoryId) ?? nowhere;
    const { tags, digests } = input;
    return answer(context, { repositoryId, input, role: 'maintainer' }, (held) =>
      removeContent(context.em, { repositoryId: held, tags: tags ?? [], digests: digests ?? [] }),
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
    const version = parseVersionId(input.versionId) ?? { repositoryId: nowhere, number: nowhere };
    const { repositoryId } = version;
    return answer(context, { repositoryId, input, role: 'maintainer' }, (held) =>
      restoreVersion(context.em, { repositoryId: held, number: version.number }),
    );
  }
}

interface Asked {
  readonly repositoryId: number;
  /** That the caller needs for the repository. */
  readonly role: Role;
  readonly input: { readonly repositoryId: string } | { readonly versionId: string };
}

async function answer(
  context: RequestContext,
  asked: Asked,
  change: (repositoryId: number) => Promise<ContentChanged>,
): Promise<RepositoryContentPayload> {
  const { repositoryId, role, input } = asked;
  const found = await context.loaders.repositories.load(repositoryId);
  const field = 'versionId' in input ? 'versionId' : 'repositoryId';
  const lacking = found === undefined ? [] : lacksRole(context.viewer, role, found.name, field);
  if (lacking.length > 0) return payload({ repository: null, version: null, userErrors: lacking });
  try {
    // one that the caller may not see is as absent
    const { createdVersion } = await change(found?.id ?? nowhere);
    forgetReads(context);
    const [repository, version] = await Promise.all([
      context.loaders.repositories.load(repositoryId),
      createdVersion === null
        ? undefined
        : context.loaders.versions.load({ repositoryId, number: createdVersion }),
    ]);
    return payload({
      repository: repository === undefined ? null : toRepositoryType(repository),
      version: version === undefined ? null : toRepositoryVersionType(version),
      userErrors: [],
    });
  } catch (error) {
    if (!(error instanceof ContentRefusedError)) throw error;
    return payload({ repository: null, version: null, userErrors: toUserErrors(error, asked) });
  }
}

export function versionNotFound(field: string, id: string): UserError {
  return mistake(
    'NOT_FOUND',
    [field],
    `There is no version with the id ${quoteValue(id)}; take one from a repository's versions.`,
  );
}

function payload(fields: RepositoryContentPayload): RepositoryContentPayload {
  return Object.assign(new RepositoryContentPayload(), fields);
}

function toUserErrors({ mistakes }: ContentRefusedError, { input }: Asked): UserError[] {
  return mistakes.map(({ code, field, message }) => {
    if (code !== 'NOT_FOUND') return mistake(code, field, message);
    if ('versionId' in input) return versionNotFound('versionId', input.versionId);
    if (field[0] === 'repositoryId') return notFound('repositoryId', input.repositoryId);
    return mistake(code, field, message);
  });
}
