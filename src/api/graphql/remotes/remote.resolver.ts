import { Arg, Ctx, ID, Int, Query, Resolver } from 'type-graphql';
import { countNamed, findNamedId, readNamedPage } from '../../../db/reads/read-named.ts';
import { checkFirst } from '../errors.ts';
import { readTextCursor, toConnection } from '../connection.ts';
import type { Connection } from '../connection.ts';
import type { RequestContext } from '../context.ts';
import { parseNumericId } from '../../../operations/global-id.ts';
import { loadPage } from '../loaders.ts';
import { afterOption, checkIdOrName, firstOption, isStorableText } from '../page-arguments.ts';
import { RemoteConnection, RemoteType, toRemoteType } from './remote.type.ts';

@Resolver(() => RemoteType)
export class RemoteResolver {
  @Query(() => RemoteType, {
    nullable: true,
    description: 'A remote by id or by name; null when there is none.',
  })
  async remote(
    @Arg('id', () => ID, { nullable: true, description: 'The id.' }) id: string | null,
    @Arg('name', () => String, { nullable: true, description: 'The name.' }) name: string | null,
    @Ctx() { em, loaders }: RequestContext,
  ): Promise<RemoteType | null> {
    checkIdOrName(id, name);
    const key =
      typeof name === 'string'
        ? isStorableText(name)
          ? await findNamedId(em, 'remote', name)
          : undefined
        : parseNumericId('Remote', id ?? '');
    const row = key === undefined ? undefined : await loaders.remotes.load(key);
    return row === undefined ? null : toRemoteType(row);
  }

  @Query(() => RemoteConnection, { description: 'Remotes that the caller may read, ordered by name.' })
  async remotes(
    @Arg('first', () => Int, firstOption) first: number,
    @Arg('after', () => String, afterOption) after: string | null,
    @Ctx() { em, loaders }: RequestContext,
  ): Promise<Connection<RemoteType>> {
    const page = await readNamedPage(em, loaders.visibility, 'remote', {
      first: checkFirst(first),
      after: readTextCursor('remotes', after),
    });
    return toConnection(await loadPage(page, loaders.remotes), {
      list: 'remotes',
      after,
      keyOf: ({ value }) => value.name,
      nodeOf: ({ value }) => toRemoteType(value),
      countTotal: () => countNamed(em, loaders.visibility, 'remote'),
    });
  }
}
