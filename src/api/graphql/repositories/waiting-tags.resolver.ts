import { Arg, Ctx, Field, FieldResolver, Int, ObjectType, Resolver, Root } from 'type-graphql';
import { minimumAgeOf } from '../../../selection/tag-rules.ts';
import { connectionType, readTextCursor, toConnection } from '../connection.ts';
import type { Connection } from '../connection.ts';
import type { RequestContext } from '../context.ts';
import { checkFirst } from '../errors.ts';
import { afterOption, firstOption } from '../page-arguments.ts';
import { DateTime, DigestScalar } from '../scalars.ts';
import { RepositoryType } from './repository.type.ts';

@ObjectType('WaitingTag', {
  description: 'A tag whose digest at the upstream is too young (`minimumAgeSeconds`).',
  simpleResolvers: true,
})
export class WaitingTag {
  @Field(() => String, { description: 'Name of the tag.' })
  name!: string;

  @Field(() => DigestScalar, { description: 'Digest that the tag will take.' })
  digest!: string;

  @Field(() => DateTime, { description: 'When a sync first saw the digest under this tag.' })
  firstSeenAt!: Date;

  @Field(() => DateTime, {
    description: 'A sync that starts at this time or later takes the digest, unless the tag has moved again.',
  })
  dueAt!: Date;
}

const WaitingTagConnection = connectionType(WaitingTag, 'WaitingTag');

@Resolver(() => RepositoryType)
export class WaitingTagsResolver {
  @FieldResolver(() => WaitingTagConnection, {
    description:
      'Tags that wait for the minimum age of the remote, by name, as the last sync saw them. Empty without a minimum age.',
  })
  async waitingTags(
    @Root() { row }: RepositoryType,
    @Arg('first', () => Int, firstOption) first: number,
    @Arg('after', () => String, afterOption) after: string | null,
    @Ctx() { loaders }: RequestContext,
  ): Promise<Connection<WaitingTag>> {
    const { remoteId } = row;
    const remote = typeof remoteId === 'number' ? await loaders.remotes.load(remoteId) : undefined;
    const age = remote && minimumAgeOf(remote.tagRules);
    const parent = { repositoryId: row.id, seconds: age?.seconds ?? null };
    const page = { first: checkFirst(first), after: readTextCursor('waitingTags', after) };
    return toConnection(await loaders.waitingPages.load({ parent, page }), {
      list: 'waitingTags',
      after,
      keyOf: ({ name }) => name,
      nodeOf: (tag) => Object.assign(new WaitingTag(), tag),
      countTotal: () => loaders.waitingCounts.load(parent),
    });
  }
}
