import { Ctx, FieldResolver, Resolver, Root } from 'type-graphql';
import type { RequestContext } from '../context.ts';
import { TaskUpstreamType, toTaskUpstream } from './task-upstream.type.ts';
import { TaskType } from './task.type.ts';

@Resolver(() => TaskType)
export class TaskUpstreamResolver {
  @FieldResolver(() => [TaskUpstreamType], {
    description:
      'The upstreams that served the sync, in the order of the remote. Empty if the remote has no fallbacks. Updated about once a second.',
  })
  async upstreams(
    @Root() { row }: TaskType,
    @Ctx() { loaders }: RequestContext,
  ): Promise<TaskUpstreamType[]> {
    return (await loaders.taskUpstreams.load(row.id)).map(toTaskUpstream);
  }
}
