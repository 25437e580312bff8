import { Arg, Ctx, FieldResolver, ID, Int, Query, Resolver, Root } from 'type-graphql';
import type { FreshnessState } from '../../../db/reads/figures/read-freshness.ts';
import { countNamed, findNamedId, readNamedPage } from '../../../db/reads/read-named.ts';
import { checkFirst } from '../errors.ts';
import { readNumberCursor, readTextCursor, toConnection } from '../connection.ts';
import type { Connection } from '../connection.ts';
import type { RequestContext } from '../context.ts';
import { FreshnessEnum } from '../estate/estate.type.ts';
import { parseNumericId } from '../../../operations/global-id.ts';
import { loadPage } from '../loaders.ts';
import {
  afterOption,
  checkIdOrName,
  firstOption,
  isStorableText,
  readNameFilter,
} from '../page-arguments.ts';
import { RemoteType, toRemoteType } from '../remotes/remote.type.ts';
import { RepositoryConnection, RepositoryType, toRepositoryType } from './repository.type.ts';
import { RepositoryServedAtType, toServedAtType } from './served-at.type.ts';
import { TaskConnection, toTaskType } from '../tasks/task.type.ts';
import type { TaskType } from '../tasks/task.type.ts';
import {
  RepositoryVersionConnection,
  RepositoryVersionType,
  toRepositoryVersionType,
} from '../versions/version.type.ts';

@Resolver(() => RepositoryType)
export class RepositoryResolver {
  @Query(() => RepositoryType, {
    nullable: true,
    description: 'A repository by id or by name; null when there is none.',
  })
  async repository(
    @Arg('id', () => ID, { nullable: true, description: 'The id.' }) id: string | null,
    @Arg('name', () => String, { nullable: true, description: 'The name.' }) name: string | null,
    @Ctx() { em, loaders }: RequestContext,
  ): Promise<RepositoryType | null> {
    checkIdOrName(id, name);
    const key =
      typeof name === 'string'
        ? isStorableText(name)
          ? await findNamedId(em, 'repository', name)
          : undefined
        : parseNumericId('Repository', id ?? '');
    const row = key === undefined ? undefined : await loaders.repositories.load(key);
    return row === undefined ? null : toRepositoryType(row);
  }

  @Query(() => RepositoryConnection, {
    description: 'Repositories that the caller may read, ordered by name.',
  })
  async repositories(
    @Arg('first', () => Int, firstOption) first: number,
    @Arg('after', () => String, afterOption) after: string | null,
    @Arg('name', () => String, {
      nullable: true,
      description: 'Only names that match this shell wildcard (* ? [abc]); null: all.',
    })
    name: string | null,
    @Arg('freshness', () => FreshnessEnum, {
      nullable: true,
      description: 'Only repositories with this freshness; null: all.',
    })
    freshness: FreshnessState | null,
    @Arg('mirrorRuleId', () => ID, {
      nullable: true,
      description: 'Only repositories that this mirror rule has made; null: all.',
    })
    mirrorRuleId: string | null,
    @Arg('isVanished', () => Boolean, {
      nullable: true,
      description:
        'true: only repositories that have vanished from the upstream of their mirror rule; false: only the others; null: all.',
    })
    isVanished: boolean | null,
    @Arg('proxyId', () => ID, {
      nullable: true,
      description: 'Only repositories that this proxy has made; null: all.',
    })
    proxyId: string | null,
    @Ctx() { em, loaders }: RequestContext,
  ): Promise<Connection<RepositoryType>> {
    const ruleId = await findMaker('MirrorRule', mirrorRuleId, loaders.mirrorRules);
    const makerId = await findMaker('Proxy', proxyId, loaders.proxies);
    const nameRegex = ruleId === null || makerId === null ? null : readNameFilter(name);
    const repositories = {
      freshness: freshness ?? undefined,
      ruleId: ruleId ?? undefined,
      proxyId: makerId ?? undefined,
      isVanished: isVanished ?? undefined,
    };
    const page = await readNamedPage(em, loaders.visibility, 'repository', {
      first: checkFirst(first),
      after: readTextCursor('repositories', after),
      nameRegex,
      repositories,
    });
    return toConnection(await loadPage(page, loaders.repositories), {
      list: 'repositories',
      after,
      keyOf: ({ value }) => value.name,
      nodeOf: ({ value }) => toRepositoryType(value),
      countTotal: () => countNamed(em, loaders.visibility, 'repository', nameRegex, repositories),
    });
  }

  @FieldResolver(() => [RepositoryServedAtType], {
    description:
      'Distributions that serve the repository, ordered by base path, at most 100. Callers with the role maintainer for the repository see ' +
      'all; others see public distributions and base paths that they may read.',
  })
  async servedAt(
    @Root() { row }: RepositoryType,
    @Ctx() { loaders }: RequestContext,
  ): Promise<RepositoryServedAtType[]> {
    return (await loaders.servedAt.load(row.id)).map(toServedAtType);
  }

  @FieldResolver(() => RemoteType, {
    nullable: true,
    description: 'The default remote of repositorySync; null: none, or the caller may not read it.',
  })
  async remote(
    @Root() { row }: RepositoryType,
    @Ctx() { loaders }: RequestContext,
  ): Promise<RemoteType | null> {
    const { remoteId } = row;
    const remote = typeof remoteId === 'number' ? await loaders.remotes.load(remoteId) : undefined;
    return remote === undefined ? null : toRemoteType(remote);
  }

  @FieldResolver(() => RepositoryVersionType, {
    nullable: true,
    description: 'The newest version; null before the first.',
  })
  async latestVersion(
    @Root() { row }: RepositoryType,
    @Ctx() context: RequestContext,
  ): Promise<RepositoryVersionType | null> {
    return loadVersion(context, row.id, row.latest);
  }

  @FieldResolver(() => RepositoryVersionType, {
    nullable: true,
    description: 'A version by number; null when there is none.',
  })
  async version(
    @Root() { row }: RepositoryType,
    @Arg('number', () => Int, { description: 'Number of the version, from 1.' }) number: number,
    @Ctx() context: RequestContext,
  ): Promise<RepositoryVersionType | null> {
    return loadVersion(context, row.id, number);
  }

  @FieldResolver(() => RepositoryVersionConnection, {
    description: 'Versions of the repository, newest first.',
  })
  async versions(
    @Root() { row }: RepositoryType,
    @Arg('first', () => Int, firstOption) first: number,
    @Arg('after', () => String, afterOption) after: string | null,
    @Ctx() { loaders }: RequestContext,
  ): Promise<Connection<RepositoryVersionType>> {
    const page = await loaders.versionPages.load({
      parent: row.id,
      page: { first: checkFirst(first), after: readNumberCursor('versions', after) },
    });
    const versions = await loaders.versions.loadMany(
      page.rows.map(({ number }) => ({ repositoryId: row.id, number })),
    );
    const rows = versions.flatMap((version) => {
      if (version instanceof Error) throw version;
      return version ?? [];
    });
    return toConnection(
      { rows, hasNext: page.hasNext },
      {
        list: 'versions',
        after,
        keyOf: (version) => version.number,
        nodeOf: toRepositoryVersionType,
        countTotal: () => loaders.versionCounts.load(row.id),
      },
    );
  }

  @FieldResolver(() => TaskConnection, { description: 'Tasks of the repository, newest first.' })
  async tasks(
    @Root() { row }: RepositoryType,
    @Arg('first', () => Int, firstOption) first: number,
    @Arg('after', () => String, afterOption) after: string | null,
    @Ctx() { loaders }: RequestContext,
  ): Promise<Connection<TaskType>> {
    const page = await loaders.repositoryTaskPages.load({
      parent: row.id,
      page: { first: checkFirst(first), after: readNumberCursor('tasks', after) },
    });
    return toConnection(await loadPage(page, loaders.tasks), {
      list: 'tasks',
      after,
      keyOf: ({ id }) => id,
      nodeOf: ({ value }) => toTaskType(value),
      countTotal: () => loaders.repositoryTaskCounts.load(row.id),
    });
  }
}

/** Undefined: any; null: one that the caller may not read, and that thus has made none. */
async function findMaker(
  type: 'MirrorRule' | 'Proxy',
  id: string | null,
  loader: { load(id: number): Promise<{ readonly id: number } | undefined> },
): Promise<number | null | undefined> {
  if (typeof id !== 'string') return undefined;
  const key = parseNumericId(type, id);
  const row = key === undefined ? undefined : await loader.load(key);
  return row?.id ?? null;
}

async function loadVersion(
  { loaders }: RequestContext,
  repositoryId: number,
  number: number,
): Promise<RepositoryVersionType | null> {
  const row = number < 1 ? undefined : await loaders.versions.load({ repositoryId, number });
  return row === undefined ? null : toRepositoryVersionType(row);
}
