import { Arg, Ctx, Field, FieldResolver, ObjectType, Resolver, Root } from 'type-graphql';
import { explainTag } from '../../../operations/tags/explain-tag.ts';
import type { TagOutcome } from '../../../selection/tag-outcome.ts';
import type { RequestContext } from '../context.ts';
import { DigestScalar } from '../scalars.ts';
import { TagOutcomeKind } from '../tasks/tag-outcome.type.ts';
import { RepositoryType } from './repository.type.ts';

@ObjectType('TagExplanation', {
  description: 'Why a repository has a tag, or lacks it.',
  simpleResolvers: true,
})
export class TagExplanation {
  @Field(() => String, { description: 'Name of the tag.' })
  name!: string;

  @Field(() => TagOutcomeKind, {
    description:
      'FILTERED and BEYOND_NEWEST by the rules as they are now; otherwise what the last sync did. UNCHANGED also for a tag that stays absent.',
  })
  outcome!: TagOutcome;

  @Field(() => String, {
    description:
      'The field of the remote that decides. `signaturePolicy`: the policy in force; `companion`: the image of a companion tag; `upstream`: ' +
      'the upstream lacks the tag; `remote`: there is no remote.',
  })
  rule!: string;

  @Field(() => String, { description: 'The reason, in sentences.' })
  detail!: string;

  @Field(() => DigestScalar, {
    nullable: true,
    description: 'Digest in the latest version; null: the tag is absent.',
  })
  presentDigest!: string | null;
}

@Resolver(() => RepositoryType)
export class TagExplanationResolver {
  @FieldResolver(() => TagExplanation, {
    description:
      'Why the repository has a tag, or lacks it: the rules of its remote, evaluated for this name, and what the last sync did. Asks no upstream.',
  })
  async explainTag(
    @Root() { row }: RepositoryType,
    @Arg('name', () => String, { description: 'Name of the tag.' }) name: string,
    @Ctx() { em, loaders }: RequestContext,
  ): Promise<TagExplanation> {
    const { remoteId } = row;
    const remote = typeof remoteId === 'number' ? await loaders.remotes.load(remoteId) : undefined;
    const tag = name.includes('\0') ? '' : name;
    const explanation = await explainTag(em, { repositoryId: row.id, name: tag, remote });
    return Object.assign(new TagExplanation(), explanation, { name });
  }
}
