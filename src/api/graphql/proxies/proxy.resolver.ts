import { Arg, Ctx, FieldResolver, ID, Int, Query, Resolver, Root } from 'type-graphql';
import { countNamed, findNamedId, readNamedPage } from '../../../db/reads/read-named.ts';
import { parseNumericId } from '../../../operations/global-id.ts';
import { readTextCursor, toConnection } from '../connection.ts';
import type { Connection } from '../connection.ts';
import type { RequestContext } from '../context.ts';
import { checkFirst } from '../errors.ts';
import { loadPage } from '../loaders.ts';
import { ByteCount } from '../scalars.ts';
import { afterOption, checkIdOrName, firstOption, isStorableText } from '../page-arguments.ts';
import { RepositoryType } from '../repositories/repository.type.ts';
import { ProxyConnection, ProxyType, toProxyType } from './proxy.type.ts';

@Resolver(() => ProxyType)
export class ProxyResolver {
  @Query(() => ProxyType, {
    nullable: true,
    description: 'A proxy by id or by base path; null when there is none.',
  })
  async proxy(
    @Arg('id', () => ID, { nullable: true, description: 'The id.' }) id: string | null,
    @Arg('basePath', () => String, { nullable: true, description: 'The base path.' }) basePath: string | null,
    @Ctx() { em, loaders }: RequestContext,
  ): Promise<ProxyType | null> {
    checkIdOrName(id, basePath, 'basePath');
    const isNamed = typeof basePath === 'string';
    const byName = isNamed && isStorableText(basePath) ? await findNamedId(em, 'proxy', basePath) : undefined;
    const key = isNamed ? byName : parseNumericId('Proxy', id ?? '');
    const row = key === undefined ? undefined : await loaders.proxies.load(key);
    return row === undefined ? null : toProxyType(row);
  }

  @Query(() => ProxyConnection, { description: 'Proxies that the caller may read, ordered by base path.' })
  async proxies(
    @Arg('first', () => Int, firstOption) first: number,
    @Arg('after', () => String, afterOption) after: string | null,
    @Ctx() { em, loaders }: RequestContext,
  ): Promise<Connection<ProxyType>> {
    const page = await readNamedPage(em, loaders.visibility, 'proxy', {
      first: checkFirst(first),
      after: readTextCursor('proxies', after),
    });
    return toConnection(await loadPage(page, loaders.proxies), {
      list: 'proxies',
      after,
      keyOf: ({ value }) => value.name,
      nodeOf: ({ value }) => toProxyType(value),
      countTotal: () => countNamed(em, loaders.visibility, 'proxy'),
    });
  }

  @FieldResolver(() => Int, { description: 'Repositories that it has made and that exist.' })
  repositoryCount(@Root() { row }: ProxyType, @Ctx() { loaders }: RequestContext): Promise<number> {
    return loaders.proxyRepositoryCounts.load(row.id);
  }

  @FieldResolver(() => ByteCount, {
    description:
      'Bytes of the layers that pulls through its repositories keep in the store; each layer once.',
  })
  cachedBytes(@Root() { row }: ProxyType, @Ctx() { loaders }: RequestContext): Promise<number> {
    return loaders.proxyCachedBytes.load(row.id);
  }
}

@Resolver(() => RepositoryType)
export class RepositoryProxyResolver {
  @FieldResolver(() => ProxyType, {
    nullable: true,
    description: 'The proxy that has made it; null: none, or one that the caller may not read.',
  })
  async proxy(
    @Root() { row }: RepositoryType,
    @Ctx() { loaders }: RequestContext,
  ): Promise<ProxyType | null> {
    const id = await loaders.repositoryProxies.load(row.id);
    const found = id === undefined ? undefined : await loaders.proxies.load(id);
    return found === undefined ? null : toProxyType(found);
  }
}
