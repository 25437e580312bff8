import { Arg, Ctx, FieldResolver, Int, Resolver, Root } from 'type-graphql';
import { countTagHistory, readTagHistory } from '../../../db/reads/tags/read-tag-history.ts';
import { readNumberCursor, toConnection } from '../connection.ts';
import type { Connection } from '../connection.ts';
import type { RequestContext } from '../context.ts';
import { checkFirst } from '../errors.ts';
import { afterOption, firstOption } from '../page-arguments.ts';
import { RepositoryType } from '../repositories/repository.type.ts';
import { TagHistoryConnection, toTagHistoryEntry } from './tag-history.type.ts';
import type { TagHistoryEntry } from './tag-history.type.ts';

@Resolver(() => RepositoryType)
export class TagHistoryResolver {
  @FieldResolver(() => TagHistoryConnection, {
    description:
      'Kept versions that added, moved or removed a tag, newest first. Empty when the repository never had the tag.',
  })
  async tagHistory(
    @Root() { row }: RepositoryType,
    @Arg('name', () => String, { description: 'Name of the tag.' }) name: string,
    @Arg('first', () => Int, firstOption) first: number,
    @Arg('after', () => String, afterOption) after: string | null,
    @Ctx() { em, loaders }: RequestContext,
  ): Promise<Connection<TagHistoryEntry>> {
    const tag = { repositoryId: row.id, name: name.includes('\0') ? '' : name };
    const page = await readTagHistory(em, tag, {
      first: checkFirst(first),
      after: readNumberCursor('tagHistory', after),
    });
    const versions = await loaders.versions.loadMany(
      page.rows.map(({ number }) => ({ repositoryId: row.id, number })),
    );
    // A version that was collected between the two reads is omitted.
    const rows = page.rows.flatMap((change, index) => {
      const version = versions[index];
      if (version instanceof Error) throw version;
      return version === undefined ? [] : { change, version };
    });
    return toConnection(
      { rows, hasNext: page.hasNext },
      {
        list: 'tagHistory',
        after,
        keyOf: ({ change }) => change.number,
        nodeOf: ({ change, version }) => toTagHistoryEntry(change, version),
        countTotal: () => countTagHistory(em, tag),
      },
    );
  }
}
