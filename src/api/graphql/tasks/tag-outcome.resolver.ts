import { Arg, Ctx, FieldResolver, Int, Resolver, Root } from 'type-graphql';
import { listedOutcomes } from '../../../selection/tag-outcome.ts';
import type { TagOutcome } from '../../../selection/tag-outcome.ts';
import { readTextCursor, toConnection } from '../connection.ts';
import type { Connection } from '../connection.ts';
import type { RequestContext } from '../context.ts';
import { checkFirst } from '../errors.ts';
import { afterOption, firstOption } from '../page-arguments.ts';
import { TagOutcomeConnection, TagOutcomeCount, TagOutcomeKind, toTagOutcome } from './tag-outcome.type.ts';
import type { TagOutcomeType } from './tag-outcome.type.ts';
import { TaskType } from './task.type.ts';

const listed: ReadonlySet<TagOutcome> = new Set(listedOutcomes);

@Resolver(() => TaskType)
export class TagOutcomeResolver {
  @FieldResolver(() => Int, {
    description:
      'Tags that the upstream could not deliver. They stay as they were, and the next sync tries them again.',
  })
  async failedTags(@Root() { row }: TaskType, @Ctx() { loaders }: RequestContext): Promise<number> {
    const counts = await loaders.tagOutcomeCounts.load(row.id);
    return counts.find(({ outcome }) => outcome === 'FAILED')?.count ?? 0;
  }

  @FieldResolver(() => [TagOutcomeCount], {
    description:
      'How many tags a completed sync or dry run has left with each outcome. Outcomes without a tag are omitted.',
  })
  async tagOutcomeCounts(
    @Root() { row }: TaskType,
    @Ctx() { loaders }: RequestContext,
  ): Promise<TagOutcomeCount[]> {
    const counts = await loaders.tagOutcomeCounts.load(row.id);
    return counts.map((count) => Object.assign(new TagOutcomeCount(), count));
  }

  @FieldResolver(() => TagOutcomeConnection, {
    description:
      'What a completed sync or dry run did with each tag, ordered by name. UNCHANGED, FILTERED and BEYOND_NEWEST are in tagOutcomeCounts only.',
  })
  async tagOutcomes(
    @Root() { row }: TaskType,
    @Arg('first', () => Int, firstOption) first: number,
    @Arg('after', () => String, afterOption) after: string | null,
    @Arg('outcome', () => TagOutcomeKind, { nullable: true, description: 'Only this outcome; null: all.' })
    outcome: TagOutcome | null,
    @Ctx() { loaders }: RequestContext,
  ): Promise<Connection<TagOutcomeType>> {
    const only = outcome === null || outcome === undefined ? undefined : [outcome];
    const page = await loaders.taskTags.load({
      parent: row.id,
      page: { first: checkFirst(first), after: readTextCursor('tagOutcomes', after), only },
    });
    return toConnection(page, {
      list: 'tagOutcomes',
      after,
      keyOf: ({ name }) => name,
      nodeOf: toTagOutcome,
      countTotal: async () => {
        const counts = await loaders.tagOutcomeCounts.load(row.id);
        return counts
          .filter((count) => listed.has(count.outcome) && (only?.includes(count.outcome) ?? true))
          .reduce((sum, { count }) => sum + count, 0);
      },
    });
  }
}
