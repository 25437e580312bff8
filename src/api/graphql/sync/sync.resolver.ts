import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import { startSync } from '../../../operations/syncs.ts';
import type { SyncRequest } from '../../../operations/syncs.ts';
import { cancelTask } from '../../../operations/tasks.ts';
import type { RequestContext } from '../context.ts';
import { toOptionalReference, toReference } from '../run-mutation.ts';
import { answerTask, syncDepsOf } from '../tasks/answer-task.ts';
import { TaskCancelInput, TaskPayload } from '../tasks/task.type.ts';
import { RepositorySyncInput } from './sync.type.ts';

@Resolver()
export class SyncResolver {
  @Mutation(() => TaskPayload, {
    description:
      'Starts a sync of a repository. One sync of a repository runs at a time. Follow the task with taskProgress.',
  })
  async repositorySync(
    @Arg('input', () => RepositorySyncInput, { description: 'The repository and the options.' })
    input: RepositorySyncInput,
    @Ctx() context: RequestContext,
  ): Promise<TaskPayload> {
    return answerTask(context, startSync(context, syncDepsOf(context), requestOf(input)));
  }

  @Mutation(() => TaskPayload, {
    description:
      'Cancels a task. It stops within seconds and changes nothing. Canceling it again returns the task.',
  })
  async taskCancel(
    @Arg('input', () => TaskCancelInput, { description: 'The task.' }) input: TaskCancelInput,
    @Ctx() context: RequestContext,
  ): Promise<TaskPayload> {
    return answerTask(context, cancelTask(context, syncDepsOf(context), toReference('Task', 'id', input.id)));
  }
}

function requestOf(input: RepositorySyncInput): SyncRequest {
  const repository = toReference('Repository', 'repositoryId', input.repositoryId);
  const remote = toOptionalReference('Remote', 'remoteId', input.remoteId);
  return Object.assign({ repository, remote }, input);
}
