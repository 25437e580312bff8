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
    description: 'Starts a sync of a repository; one runs at a time. Follow it with taskProgress.',
  })
  async repositorySync(
    @Arg('input', () => RepositorySyncInput, { description: 'What to sync, and how.' })
    input: RepositorySyncInput,
    @Ctx() context: RequestContext,
  ): Promise<TaskPayload> {
    return answerTask(context, startSync(context, syncDepsOf(context), requestOf(input)));
  }

  @Mutation(() => TaskPayload, {
    description:
      'Asks a task to stop; it does within seconds, and changes nothing. A task that is CANCELED already is answered.',
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
