import { Arg, Ctx, Field, ID, InputType, Mutation, Resolver } from 'type-graphql';
import { releaseWaitingTag } from '../../../operations/tags/release-tag.ts';
import type { RequestContext } from '../context.ts';
import { toReference } from '../run-mutation.ts';
import { answerTask, syncDepsOf } from '../tasks/answer-task.ts';
import { TaskPayload } from '../tasks/task.type.ts';

@InputType('TagReleaseInput', { description: 'The waiting tag to release.' })
export class TagReleaseInput {
  @Field(() => ID, { description: 'The repository.' })
  repositoryId!: string;

  @Field(() => String, { description: 'Name of the tag.' })
  name!: string;

  @Field(() => String, {
    description: 'Why it is released, 1 to 500 characters. Stored with the caller and the time.',
  })
  reason!: string;
}

@Resolver()
export class TagReleaseResolver {
  @Mutation(() => TaskPayload, {
    description:
      'Releases the waiting digest of a tag, so that syncs take it at any age, and starts a sync of this tag. While another sync runs, its task ' +
      'is returned with SYNC_ALREADY_RUNNING; the tag stays released, and the next sync takes it.',
  })
  async tagRelease(
    @Arg('input', () => TagReleaseInput, { description: 'The tag.' }) input: TagReleaseInput,
    @Ctx() context: RequestContext,
  ): Promise<TaskPayload> {
    const { name, reason } = input;
    const repository = toReference('Repository', 'repositoryId', input.repositoryId);
    return answerTask(context, releaseWaitingTag(context, syncDepsOf(context), { repository, name, reason }));
  }
}
