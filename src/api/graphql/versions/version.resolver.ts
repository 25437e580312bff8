import { Arg, Ctx, FieldResolver, Int, Resolver, Root } from 'type-graphql';
import type { ContentCounts, RepositoryVersion } from '../../../db/schema/versions.ts';
import type { ContentChange } from '../../../db/reads/tags/read-tags.ts';
import { ContentChangeEnum } from './content-change.type.ts';
import {
  BlobConnection,
  ManifestConnection,
  SignatureConnection,
  TagConnection,
  TagType,
  toBlobType,
  toManifestType,
  toSignatureType,
  toTagType,
} from '../content/content.type.ts';
import type { BlobType, ManifestType, SignatureType } from '../content/content.type.ts';
import { readNumberCursor, readTextCursor, toConnection } from '../connection.ts';
import type { Connection } from '../connection.ts';
import type { RequestContext } from '../context.ts';
import { checkFirst } from '../errors.ts';
import { loadPage } from '../loaders.ts';
import { afterOption, firstOption, isStorableText, readNameFilter } from '../page-arguments.ts';
import { RepositoryType, toRepositoryType } from '../repositories/repository.type.ts';
import { TaskType, toTaskType } from '../tasks/task.type.ts';
import { RepositoryVersionType, toRepositoryVersionType } from './version.type.ts';

const changeOption = {
  nullable: true,
  defaultValue: 'PRESENT',
  description: "The part of the version's content to list.",
};

@Resolver(() => RepositoryVersionType)
export class RepositoryVersionResolver {
  @FieldResolver(() => RepositoryType, { description: 'The repository of the version.' })
  async repository(
    @Root() { row }: RepositoryVersionType,
    @Ctx() { loaders }: RequestContext,
  ): Promise<RepositoryType> {
    const repository = await loaders.repositories.load(row.repositoryId);
    if (repository === undefined) throw new Error('the repository was deleted while its version was read');
    return toRepositoryType(repository);
  }

  @FieldResolver(() => RepositoryVersionType, {
    nullable: true,
    description: 'The version that this one was derived from; null when that is the previous one.',
  })
  async baseVersion(
    @Root() { row }: RepositoryVersionType,
    @Ctx() { loaders }: RequestContext,
  ): Promise<RepositoryVersionType | null> {
    const { repositoryId, baseNumber: number } = row;
    const base =
      typeof number === 'number' ? await loaders.versions.load({ repositoryId, number }) : undefined;
    return base === undefined ? null : toRepositoryVersionType(base);
  }

  @FieldResolver(() => TaskType, {
    nullable: true,
    description: 'The task that created the version; null: no task did.',
  })
  async task(
    @Root() { row }: RepositoryVersionType,
    @Ctx() { loaders }: RequestContext,
  ): Promise<TaskType | null> {
    const task = typeof row.taskId === 'number' ? await loaders.tasks.load(row.taskId) : undefined;
    return task === undefined ? null : toTaskType(task);
  }

  @FieldResolver(() => TagType, {
    nullable: true,
    description: 'The tag with this name; null when the version has none.',
  })
  async tag(
    @Root() { row }: RepositoryVersionType,
    @Arg('name', () => String, { description: 'Name of the tag, e.g. latest.' }) name: string,
    @Ctx() { loaders }: RequestContext,
  ): Promise<TagType | null> {
    if (!isStorableText(name)) return null;
    const { repositoryId, number } = row;
    const tag = await loaders.versionTags.load({ repositoryId, number, name });
    return tag === undefined ? null : toTagType(tag, { repositoryId, number });
  }

  @FieldResolver(() => TagConnection, { description: 'Tags of the version, ordered by name.' })
  async tags(
    @Root() { row }: RepositoryVersionType,
    @Arg('first', () => Int, firstOption) first: number,
    @Arg('after', () => String, afterOption) after: string | null,
    @Arg('change', () => ContentChangeEnum, changeOption) change: ContentChange | null,
    @Arg('name', () => String, {
      nullable: true,
      description: 'Only tags that match this shell wildcard (* ? [abc]); null: all.',
    })
    name: string | null,
    @Ctx() { loaders }: RequestContext,
  ): Promise<Connection<TagType>> {
    const parent = { repositoryId: row.repositoryId, number: row.number };
    const filter = { change: change ?? 'PRESENT', nameRegex: readNameFilter(name) };
    const page = await loaders.tagPages.load({
      parent,
      page: { first: checkFirst(first), after: readTextCursor('tags', after), ...filter },
    });
    return toConnection(page, {
      list: 'tags',
      after,
      keyOf: (tag) => tag.name,
      nodeOf: (tag) => toTagType(tag, parent),
      countTotal: async () =>
        filter.nameRegex === undefined
          ? countsOf(row, filter.change).tags
          : loaders.tagCounts.load({ parent, page: filter }),
    });
  }

  @FieldResolver(() => ManifestConnection, { description: 'Manifests and indexes of the version.' })
  async manifests(
    @Root() { row }: RepositoryVersionType,
    @Arg('first', () => Int, firstOption) first: number,
    @Arg('after', () => String, afterOption) after: string | null,
    @Arg('change', () => ContentChangeEnum, changeOption) change: ContentChange | null,
    @Ctx() { loaders }: RequestContext,
  ): Promise<Connection<ManifestType>> {
    const parent = { repositoryId: row.repositoryId, number: row.number };
    const page = await loaders.contentPages.load({
      parent,
      page: {
        kind: 'manifest',
        first: checkFirst(first),
        after: readNumberCursor('manifests', after),
        change: change ?? 'PRESENT',
      },
    });
    return toConnection(await loadPage(page, loaders.manifests), {
      list: 'manifests',
      after,
      keyOf: ({ id }) => id,
      nodeOf: ({ value }) => toManifestType(value, parent),
      countTotal: () => Promise.resolve(countsOf(row, change).manifests),
    });
  }

  @FieldResolver(() => BlobConnection, { description: 'Blobs of the version: configs and layers.' })
  async blobs(
    @Root() { row }: RepositoryVersionType,
    @Arg('first', () => Int, firstOption) first: number,
    @Arg('after', () => String, afterOption) after: string | null,
    @Arg('change', () => ContentChangeEnum, changeOption) change: ContentChange | null,
    @Ctx() { loaders }: RequestContext,
  ): Promise<Connection<BlobType>> {
    const page = await loaders.contentPages.load({
      parent: { repositoryId: row.repositoryId, number: row.number },
      page: {
        kind: 'blob',
        first: checkFirst(first),
        after: readNumberCursor('blobs', after),
        change: change ?? 'PRESENT',
      },
    });
    return toConnection(await loadPage(page, loaders.blobs), {
      list: 'blobs',
      after,
      keyOf: ({ id }) => id,
      nodeOf: ({ value }) => toBlobType(value),
      countTotal: () => Promise.resolve(countsOf(row, change).blobs),
    });
  }

  @FieldResolver(() => SignatureConnection, { description: 'Signatures of the version.' })
  async signatures(
    @Root() { row }: RepositoryVersionType,
    @Arg('first', () => Int, firstOption) first: number,
    @Arg('after', () => String, afterOption) after: string | null,
    @Arg('change', () => ContentChangeEnum, changeOption) change: ContentChange | null,
    @Ctx() { loaders }: RequestContext,
  ): Promise<Connection<SignatureType>> {
    const parent = { repositoryId: row.repositoryId, number: row.number };
    const page = await loaders.contentPages.load({
      parent,
      page: {
        kind: 'signature',
        first: checkFirst(first),
        after: readNumberCursor('signatures', after),
        change: change ?? 'PRESENT',
      },
    });
    return toConnection(await loadPage(page, loaders.signatures), {
      list: 'signatures',
      after,
      keyOf: ({ id }) => id,
      nodeOf: ({ value }) => toSignatureType(value, parent),
      countTotal: () => Promise.resolve(countsOf(row, change).signatures),
    });
  }
}

function countsOf(row: RepositoryVersion, change: ContentChange | null): ContentCounts {
  switch (change ?? 'PRESENT') {
    case 'PRESENT':
      return row.counts.present;
    case 'ADDED':
      return row.counts.added;
    case 'REMOVED':
      return row.counts.removed;
  }
}
