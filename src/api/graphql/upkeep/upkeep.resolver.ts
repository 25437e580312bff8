import { Arg, Ctx, FieldResolver, Mutation, Resolver, Root } from 'type-graphql';
import { forbidden } from '../../../access/field-rules.ts';
import { rotateSecrets } from '../../../access/rotate-secrets.ts';
import { may } from '../../../access/viewer.ts';
import { startUpkeep } from '../../../operations/upkeep.ts';
import type { RequestContext } from '../context.ts';
import { answerTask, syncDepsOf } from '../tasks/answer-task.ts';
import { TaskPayload, TaskType } from '../tasks/task.type.ts';
import {
  ContentCollectInput,
  SecretsRotatePayload,
  toUpkeepReport,
  UpkeepReportType,
} from './upkeep.type.ts';

@Resolver(() => TaskType)
export class UpkeepResolver {
  @Mutation(() => TaskPayload, {
    description:
      'Starts a garbage collection: removes versions beyond `retainVersions`, then manifests and blobs that no version, upload or running ' +
      'sync references, after the grace period (TIDEMARK_GC_GRACE). Syncs, pushes and pulls continue. Refused with IN_USE while another one ' +
      'runs. Needs the role admin for "*".',
  })
  contentCollect(
    @Arg('input', () => ContentCollectInput, { nullable: true, description: 'Options; null: the defaults.' })
    input: ContentCollectInput | null,
    @Ctx() context: RequestContext,
  ): Promise<TaskPayload> {
    const dryRun = input?.dryRun ?? false;
    return answerTask(
      context,
      startUpkeep(context, syncDepsOf(context), { name: 'content.collect', dryRun }),
    );
  }

  @Mutation(() => TaskPayload, {
    description:
      'Starts a verification: reads and hashes all stored content. Missing and damaged content is answered with 404 until the next sync or ' +
      'push stores it again. Refused with IN_USE while another one runs. Needs the role admin for "*".',
  })
  contentVerify(@Ctx() context: RequestContext): Promise<TaskPayload> {
    return answerTask(
      context,
      startUpkeep(context, syncDepsOf(context), { name: 'content.verify', dryRun: false }),
    );
  }

  @Mutation(() => SecretsRotatePayload, {
    description:
      'Encrypts all stored secrets with the server\'s first key. The other keys can be removed afterwards. Needs the role admin for "*".',
  })
  async secretsRotate(@Ctx() { em, api, viewer }: RequestContext): Promise<SecretsRotatePayload> {
    if (!may(viewer, 'admin', '*')) throw forbidden('secretsRotate needs the role admin for "*".');
    return Object.assign(new SecretsRotatePayload(), await rotateSecrets(em.fork(), api.secrets));
  }

  @FieldResolver(() => UpkeepReportType, {
    nullable: true,
    description: 'Result so far of a garbage collection or a verification; null for a sync.',
  })
  report(@Root() { row }: TaskType): UpkeepReportType | null {
    if (row.name !== 'content.collect' && row.name !== 'content.verify') return null;
    return toUpkeepReport(row.report ?? {});
  }
}
