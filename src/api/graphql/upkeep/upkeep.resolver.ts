import { Arg, Ctx, FieldResolver, Mutation, Resolver, Root } from 'type-graphql';
import { forbidden } from '../../../access/field-rules.ts';
import { rotateSecrets } from '../../../access/rotate-secrets.ts';
import { may } from '../../../access/viewer.ts';
import { readInstallation } from '../../../db/installation.ts';
import { createUpkeepTask } from '../../../db/tasks/upkeep-tasks.ts';
import type { UpkeepName } from '../../../db/tasks/upkeep-tasks.ts';
import type { RequestContext } from '../context.ts';
import { toGlobalId } from '../../../operations/global-id.ts';
import { lacksRole } from '../../../operations/permit.ts';
import { TaskPayload, TaskType } from '../tasks/task.type.ts';
import { payload, reload, startWorkflow } from '../start-workflow.ts';
import {
  ContentCollectInput,
  SecretsRotatePayload,
  toUpkeepReport,
  UpkeepReportType,
} from './upkeep.type.ts';
import { mistake } from '../../../operations/mistakes.ts';

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
    return startUpkeep(context, 'content.collect', input?.dryRun ?? false);
  }

  @Mutation(() => TaskPayload, {
    description:
      'Starts a verification: all that is stored is read and hashed again. What is missing or damaged is served as 404 from then on, and ' +
      'the next sync or push brings it again. One runs at a time. For administrators of everything.',
  })
  contentVerify(@Ctx() context: RequestContext): Promise<TaskPayload> {
    return startUpkeep(context, 'content.verify', false);
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

/** Of all repositories at once: for administrators of everything. */
async function startUpkeep(context: RequestContext, name: UpkeepName, dryRun: boolean): Promise<TaskPayload> {
  const lacking = lacksRole(context.viewer, 'admin', '*', []);
  if (lacking.length > 0) return payload(undefined, lacking);
  const { task, isNew } = await createUpkeepTask(context.em.fork(), {
    name,
    arguments: { dryRun },
    workflowId: `${name.slice('content.'.length)}/${await readInstallation(context.em)}`,
  });
  if (!isNew) {
    const message = `One is running: the task ${toGlobalId('Task', task.id)}. Wait until it has ended, or cancel it.`;
    return payload(await reload(context, task.id), [mistake('IN_USE', [], message)]);
  }
  await startWorkflow(context, task, '');
  return payload(await reload(context, task.id), []);
}
