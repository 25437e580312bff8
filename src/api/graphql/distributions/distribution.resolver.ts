import { Arg, Ctx, FieldResolver, ID, Int, Query, Resolver, Root } from 'type-graphql';
import {
  countDistributions,
  findDistributionId,
  readDistributionPage,
} from '../../../db/reads/read-distributions.ts';
import { readNumberCursor, readTextCursor, toConnection } from '../connection.ts';
import type { Connection } from '../connection.ts';
import type { RequestContext } from '../context.ts';
import {
  DistributionConnection,
  DistributionMoveConnection,
  DistributionMoveType,
  DistributionType,
  toDistributionMoveType,
  toDistributionType,
} from './distribution.type.ts';
import { checkFirst } from '../errors.ts';
import { parseNumericId } from '../../../operations/global-id.ts';
import { loadPage } from '../loaders.ts';
import { afterOption, checkIdOrName, firstOption, isStorableText } from '../page-arguments.ts';
import { RepositoryType, toRepositoryType } from '../repositories/repository.type.ts';
import { RepositoryVersionType, toRepositoryVersionType } from '../versions/version.type.ts';

@Resolver(() => DistributionType)
export class DistributionResolver {
  @Query(() => DistributionType, {
    nullable: true,
    description: 'A distribution by id or by base path; null when there is none.',
  })
  async distribution(
    @Arg('id', () => ID, { nullable: true, description: 'The id.' }) id: string | null,
    @Arg('basePath', () => String, { nullable: true, description: 'The base path.' }) basePath: string | null,
    @Ctx() { em, loaders }: RequestContext,
  ): Promise<DistributionType | null> {
    checkIdOrName(id, basePath, 'basePath');
    const key =
      typeof basePath === 'string'
        ? isStorableText(basePath)
          ? await findDistributionId(em, basePath)
          : undefined
        : parseNumericId('Distribution', id ?? '');
    const row = key === undefined ? undefined : await loaders.distributions.load(key);
    return row === undefined ? null : toDistributionType(row);
  }

  @Query(() => DistributionConnection, {
    description:
      'Distributions whose base paths the caller may read, including private ones, ordered by base path.',
  })
  async distributions(
    @Arg('first', () => Int, firstOption) first: number,
    @Arg('after', () => String, afterOption) after: string | null,
    @Ctx() { em, loaders }: RequestContext,
  ): Promise<Connection<DistributionType>> {
    const page = await readDistributionPage(em, loaders.visibility, {
      first: checkFirst(first),
      after: readTextCursor('distributions', after),
    });
    return toConnection(await loadPage(page, loaders.distributions), {
      list: 'distributions',
      after,
      keyOf: ({ value }) => value.basePath,
      nodeOf: ({ value }) => toDistributionType(value),
      countTotal: () => countDistributions(em, loaders.visibility),
    });
  }

  @FieldResolver(() => RepositoryType, {
    nullable: true,
    description:
      'The served repository; null when the caller may read the distribution but not the repository.',
  })
  repository(
    @Root() { row }: DistributionType,
    @Ctx() context: RequestContext,
  ): Promise<RepositoryType | null> {
    return loadRepository(context, row.repositoryId);
  }

  @FieldResolver(() => RepositoryVersionType, {
    nullable: true,
    description: 'The pinned version; null: the distribution follows the latest version of the repository.',
  })
  async version(
    @Root() { row }: DistributionType,
    @Ctx() context: RequestContext,
  ): Promise<RepositoryVersionType | null> {
    return loadVersion(context, row.repositoryId, row.version ?? null);
  }

  @FieldResolver(() => DistributionMoveConnection, {
    description: 'Target history since its creation, newest first.',
  })
  async moves(
    @Root() { row }: DistributionType,
    @Arg('first', () => Int, firstOption) first: number,
    @Arg('after', () => String, afterOption) after: string | null,
    @Ctx() { loaders }: RequestContext,
  ): Promise<Connection<DistributionMoveType>> {
    const page = await loaders.movePages.load({
      parent: row.id,
      page: { first: checkFirst(first), after: readNumberCursor('moves', after) },
    });
    return toConnection(page, {
      list: 'moves',
      after,
      keyOf: ({ id }) => id,
      nodeOf: toDistributionMoveType,
      countTotal: () => loaders.moveCounts.load(row.id),
    });
  }
}

@Resolver(() => DistributionMoveType)
export class DistributionMoveResolver {
  @FieldResolver(() => RepositoryType, {
    nullable: true,
    description:
      'The previously served repository; null once it is deleted, or when the caller may not read it.',
  })
  fromRepository(
    @Root() { row }: DistributionMoveType,
    @Ctx() context: RequestContext,
  ): Promise<RepositoryType | null> {
    return loadRepository(context, row.fromRepositoryId);
  }

  @FieldResolver(() => RepositoryVersionType, {
    nullable: true,
    description: 'The previously pinned version; null: none was pinned, or it is deleted.',
  })
  fromVersion(
    @Root() { row }: DistributionMoveType,
    @Ctx() context: RequestContext,
  ): Promise<RepositoryVersionType | null> {
    return loadVersion(context, row.fromRepositoryId, row.fromVersion);
  }

  @FieldResolver(() => RepositoryType, {
    nullable: true,
    description: 'The newly served repository; null once it is deleted, or when the caller may not read it.',
  })
  toRepository(
    @Root() { row }: DistributionMoveType,
    @Ctx() context: RequestContext,
  ): Promise<RepositoryType | null> {
    return loadRepository(context, row.toRepositoryId);
  }

  @FieldResolver(() => RepositoryVersionType, {
    nullable: true,
    description: 'The newly pinned version; null: none was pinned, or it is deleted.',
  })
  toVersion(
    @Root() { row }: DistributionMoveType,
    @Ctx() context: RequestContext,
  ): Promise<RepositoryVersionType | null> {
    return loadVersion(context, row.toRepositoryId, row.toVersion);
  }
}

async function loadRepository(
  { loaders }: RequestContext,
  repositoryId: number | null,
): Promise<RepositoryType | null> {
  const row = repositoryId === null ? undefined : await loaders.repositories.load(repositoryId);
  return row === undefined ? null : toRepositoryType(row);
}

async function loadVersion(
  { loaders }: RequestContext,
  repositoryId: number | null,
  number: number | null,
): Promise<RepositoryVersionType | null> {
  if (repositoryId === null || number === null) return null;
  const row = await loaders.versions.load({ repositoryId, number });
  return row === undefined ? null : toRepositoryVersionType(row);
}
