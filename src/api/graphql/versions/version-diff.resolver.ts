import { Arg, Ctx, FieldResolver, ID, Int, Query, Resolver, Root } from 'type-graphql';
import { readTagDifferences, readVersionDiff } from '../../../db/reads/read-version-diff.ts';
import type { TagChange, VersionDiffCounts } from '../../../db/reads/read-version-diff.ts';
import { readTextCursor, toConnection } from '../connection.ts';
import type { Connection } from '../connection.ts';
import type { RequestContext } from '../context.ts';
import { checkFirst } from '../errors.ts';
import { parseVersionId } from '../../../operations/global-id.ts';
import { afterOption, firstOption } from '../page-arguments.ts';
import {
  TagChangeEnum,
  TagDifferenceConnection,
  VersionDiffType,
  toTagDifferenceType,
  toVersionDiffType,
} from './version-diff.type.ts';
import type { TagDifferenceType } from './version-diff.type.ts';

@Resolver(() => VersionDiffType)
export class VersionDiffResolver {
  @Query(() => VersionDiffType, {
    nullable: true,
    description:
      'The difference between two versions, of one repository or of two; null when one of them does not exist.',
  })
  async versionDiff(
    @Arg('from', () => ID, { description: 'The version to compare from.' }) from: string,
    @Arg('to', () => ID, { description: 'The version to compare to.' }) to: string,
    @Ctx() { em, loaders }: RequestContext,
  ): Promise<VersionDiffType | null> {
    const pair = { from: parseVersionId(from), to: parseVersionId(to) };
    if (pair.from === undefined || pair.to === undefined) return null;
    const versions = await Promise.all([loaders.versions.load(pair.from), loaders.versions.load(pair.to)]);
    if (versions.includes(undefined)) return null;
    const known = { from: pair.from, to: pair.to };
    return toVersionDiffType(known, await readVersionDiff(em, known));
  }

  @FieldResolver(() => TagDifferenceConnection, { description: 'Tags that differ, ordered by name.' })
  async tags(
    @Root() { pair, counts }: VersionDiffType,
    @Arg('first', () => Int, firstOption) first: number,
    @Arg('after', () => String, afterOption) after: string | null,
    @Arg('change', () => TagChangeEnum, {
      nullable: true,
      description: 'Only tags with this change; null: all.',
    })
    change: TagChange | null,
    @Ctx() { em }: RequestContext,
  ): Promise<Connection<TagDifferenceType>> {
    const page = await readTagDifferences(em, pair, {
      first: checkFirst(first),
      after: readTextCursor('differences', after),
      change: change ?? undefined,
    });
    return toConnection(page, {
      list: 'differences',
      after,
      keyOf: ({ name }) => name,
      nodeOf: toTagDifferenceType,
      countTotal: () => Promise.resolve(countOf(counts, change)),
    });
  }
}

function countOf(counts: VersionDiffCounts, change: TagChange | null): number {
  switch (change ?? 'ALL') {
    case 'ADDED':
      return counts.tagsAdded;
    case 'MOVED':
      return counts.tagsMoved;
    case 'REMOVED':
      return counts.tagsRemoved;
    case 'ALL':
      return counts.tagsAdded + counts.tagsMoved + counts.tagsRemoved;
  }
}
