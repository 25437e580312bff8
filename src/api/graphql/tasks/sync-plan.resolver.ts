import { Arg, Ctx, FieldResolver, Int, Resolver, Root } from 'type-graphql';
import { readTextCursor, toConnection } from '../connection.ts';
import type { Connection } from '../connection.ts';
import type { RequestContext } from '../context.ts';
import { checkFirst } from '../errors.ts';
import { afterOption, firstOption } from '../page-arguments.ts';
import type { PlannedChange } from './sync-plan.type.ts';
import { PlannedChangeEnum, PlannedTagConnection, SyncPlan, toPlannedTag } from './sync-plan.type.ts';
import type { PlannedTag } from './sync-plan.type.ts';

const plannedChanges = Object.values(PlannedChangeEnum);

@Resolver(() => SyncPlan)
export class SyncPlanResolver {
  @FieldResolver(() => PlannedTagConnection, { description: 'Tags that would change, ordered by name.' })
  async tags(
    @Root() { row }: SyncPlan,
    @Arg('first', () => Int, firstOption) first: number,
    @Arg('after', () => String, afterOption) after: string | null,
    @Arg('change', () => PlannedChangeEnum, {
      nullable: true,
      description: 'Only tags with this change; null: all.',
    })
    change: PlannedChange | null,
    @Ctx() { loaders }: RequestContext,
  ): Promise<Connection<PlannedTag>> {
    const page = await loaders.taskTags.load({
      parent: row.taskId,
      page: {
        first: checkFirst(first),
        after: readTextCursor('plannedTags', after),
        only: change === null || change === undefined ? plannedChanges : [change],
      },
    });
    const counts = { ADDED: row.tagsAdded, MOVED: row.tagsMoved, REMOVED: row.tagsRemoved };
    const total =
      change === null || change === undefined ? counts.ADDED + counts.MOVED + counts.REMOVED : counts[change];
    return toConnection(page, {
      list: 'plannedTags',
      after,
      keyOf: (tag) => tag.name,
      nodeOf: toPlannedTag,
      countTotal: () => Promise.resolve(total),
    });
  }
}
