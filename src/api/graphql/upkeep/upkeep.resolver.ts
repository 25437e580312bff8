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
      'Starts a clean-up: versions beyond `retainVersions`, then manifests and blobs that no version, upload or running sync reaches, each ' +
      'after the grace period (TIDEMARK_GC_GRACE). Syncs, pushes and pulls go on meanwhile. One runs at a time. For administrators of everything.',
  })
  contentCollect(
    @Arg('input', () => ContentCollectInput, { nullable: true, description: 'How; null: all of it.' })
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
      'Starts a verification: all that is stored is read and hashed again. What is missing or damaged is served as 404 from then on, and ' +
      'the next sync or push brings it again. One runs at a time. For administrators of everything.',
  })
  contentVerify(@Ctx() context: RequestContext): Promise<TaskPayload> {
    return answerTask(
      context,
      startUpkeep(context, syncDepsOf(context), { name: 'content.verify', dryRun: false }),
    );
  }

  @Mutation(() => SecretsRotatePayload, {
    description:
      'Encrypts all stored secrets with the first of the keys that the server was given. Afterwards the other keys are not needed any more. ' +
      'For administrators of everything.',
  })
  async secretsRotate(@Ctx() { em, api, viewer }: RequestContext): Promise<SecretsRotatePayload> {
    if (!may(viewer, 'admin', '*')) throw forbidden('secretsRotate needs the role admin for "*".');
    return Object.assign(new SecretsRotatePayload(), await rotateSecrets(em.fork(), api.secrets));
  }

  @FieldResolver(() => UpkeepReportType, {
    nullable: true,
    description: 'What a clean-up or a verification has done so far; null for a sync.',
  })
  report(@Root() { row }: TaskType): UpkeepReportType | null {
    if (row.name !== 'content.collect' && row.name !== 'content.verify') return null;
    return toUpkeepReport(row.report ?? {});
  }
}
