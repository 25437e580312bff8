import { Arg, Ctx, Field, FieldResolver, Int, ObjectType, Resolver, Root } from 'type-graphql';
import { connectionType, readNumberCursor, toConnection } from '../connection.ts';
import type { Connection } from '../connection.ts';
import type { RequestContext } from '../context.ts';
import { checkFirst } from '../errors.ts';
import { afterOption, firstOption } from '../page-arguments.ts';
import { DateTime, DigestScalar } from '../scalars.ts';
import { RepositoryType } from './repository.type.ts';

@ObjectType('TagRelease', {
  description: 'A digest that somebody released before it had the minimum age (`tagRelease`).',
  simpleResolvers: true,
})
export class TagReleaseType {
  @Field(() => String, { description: 'Name of the tag.' })
  name!: string;

  @Field(() => DigestScalar, { description: 'The released digest.' })
  digest!: string;

  @Field(() => String, { description: 'Why it was released.' })
  reason!: string;

  @Field(() => String, {
    nullable: true,
    description:
      'Who released it: the name of a token, or the subject of an OIDC login; null while logins were off.',
  })
  releasedBy!: string | null;

  @Field(() => DateTime, { description: 'When it was released.' })
  releasedAt!: Date;
}

const TagReleaseConnection = connectionType(TagReleaseType, 'TagRelease');

@Resolver(() => RepositoryType)
export class TagReleasesResolver {
  @FieldResolver(() => TagReleaseConnection, {
    description: 'Digests that were released before they had the minimum age, newest first.',
  })
  async tagReleases(
    @Root() { row }: RepositoryType,
    @Arg('first', () => Int, firstOption) first: number,
    @Arg('after', () => String, afterOption) after: string | null,
    @Ctx() { loaders }: RequestContext,
  ): Promise<Connection<TagReleaseType>> {
    const page = { first: checkFirst(first), after: readNumberCursor('tagReleases', after) };
    return toConnection(await loaders.tagReleasePages.load({ parent: row.id, page }), {
      list: 'tagReleases',
      after,
      keyOf: ({ id }) => String(id),
      nodeOf: (release) => Object.assign(new TagReleaseType(), release),
      countTotal: () => loaders.tagReleaseCounts.load(row.id),
    });
  }
}
