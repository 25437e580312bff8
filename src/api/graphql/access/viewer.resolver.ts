import { Ctx, FieldResolver, Query, Resolver, Root } from 'type-graphql';
import type { Role } from '../../../db/access/roles.ts';
import type { Task } from '../../../db/schema/tasks.ts';
import type { RequestContext } from '../context.ts';
import { CredentialType } from '../credentials/credential.type.ts';
import { DistributionType } from '../distributions/distribution.type.ts';
import { SignaturePolicyType } from '../policies/signature-policy.type.ts';
import { ProxyType } from '../proxies/proxy.type.ts';
import { RemoteType } from '../remotes/remote.type.ts';
import { RepositoryType } from '../repositories/repository.type.ts';
import { MirrorRuleType } from '../rules/rule.type.ts';
import { ScheduleType } from '../schedules/schedule.type.ts';
import { TaskType } from '../tasks/task.type.ts';
import { WebhookType } from '../webhooks/webhook.type.ts';
import { RoleEnum } from './access.type.ts';
import { ViewerType, rolesFor, toViewerType } from './viewer.type.ts';

@Resolver()
export class ViewerResolver {
  @Query(() => ViewerType, { description: 'The caller.' })
  viewer(@Ctx() { viewer }: RequestContext): ViewerType {
    return toViewerType(viewer);
  }
}

const rolesType = () => [RoleEnum];
const description = (of: string) => ({
  description: `Roles that the caller has for ${of}, from the least. Empty where another right lets the caller see the object.`,
});

@Resolver(() => RepositoryType)
export class RepositoryViewerResolver {
  @FieldResolver(rolesType, description('the repository'))
  viewerCan(@Root() { row }: RepositoryType, @Ctx() { viewer }: RequestContext): Role[] {
    return rolesFor(viewer, row.name);
  }
}

@Resolver(() => RemoteType)
export class RemoteViewerResolver {
  @FieldResolver(rolesType, description('the remote'))
  viewerCan(@Root() { row }: RemoteType, @Ctx() { viewer }: RequestContext): Role[] {
    return rolesFor(viewer, row.name);
  }
}

@Resolver(() => CredentialType)
export class CredentialViewerResolver {
  @FieldResolver(rolesType, description('the credential'))
  viewerCan(@Root() { row }: CredentialType, @Ctx() { viewer }: RequestContext): Role[] {
    return rolesFor(viewer, row.name);
  }
}

@Resolver(() => DistributionType)
export class DistributionViewerResolver {
  @FieldResolver(rolesType, description('the base path'))
  viewerCan(@Root() { row }: DistributionType, @Ctx() { viewer }: RequestContext): Role[] {
    return rolesFor(viewer, row.basePath);
  }
}

@Resolver(() => SignaturePolicyType)
export class SignaturePolicyViewerResolver {
  @FieldResolver(rolesType, description('the policy'))
  viewerCan(@Root() { row }: SignaturePolicyType, @Ctx() { viewer }: RequestContext): Role[] {
    return rolesFor(viewer, row.name);
  }
}

@Resolver(() => MirrorRuleType)
export class MirrorRuleViewerResolver {
  @FieldResolver(rolesType, description('the rule'))
  viewerCan(@Root() { row }: MirrorRuleType, @Ctx() { viewer }: RequestContext): Role[] {
    return rolesFor(viewer, row.name);
  }
}

@Resolver(() => ProxyType)
export class ProxyViewerResolver {
  @FieldResolver(rolesType, description('the base path'))
  viewerCan(@Root() { row }: ProxyType, @Ctx() { viewer }: RequestContext): Role[] {
    return rolesFor(viewer, row.name);
  }
}

@Resolver(() => WebhookType)
export class WebhookViewerResolver {
  @FieldResolver(rolesType, description('the webhook'))
  viewerCan(@Root() { row }: WebhookType, @Ctx() { viewer }: RequestContext): Role[] {
    return rolesFor(viewer, row.name);
  }
}

@Resolver(() => ScheduleType)
export class ScheduleViewerResolver {
  @FieldResolver(rolesType, description("the schedule's repository"))
  viewerCan(@Root() { row }: ScheduleType, @Ctx() context: RequestContext): Promise<Role[]> {
    return rolesForRepository(context, row.repositoryId);
  }
}

@Resolver(() => TaskType)
export class TaskViewerResolver {
  @FieldResolver(
    rolesType,
    description('the task\'s repository or mirror rule, or for "*" where it has none'),
  )
  viewerCan(@Root() { row }: TaskType, @Ctx() context: RequestContext): Promise<Role[]> {
    return rolesForTask(context, row);
  }
}

async function rolesForTask(context: RequestContext, { ruleId, repositoryId }: Task): Promise<Role[]> {
  if (typeof ruleId !== 'number') return rolesForRepository(context, repositoryId ?? undefined);
  const rule = await context.loaders.mirrorRules.load(ruleId);
  return rolesFor(context.viewer, rule?.name ?? '*');
}

/** As `cancelTask` checks it: without a repository the role is needed for everything. */
async function rolesForRepository(
  { loaders, viewer }: RequestContext,
  repositoryId: number | undefined,
): Promise<Role[]> {
  const repository = repositoryId === undefined ? undefined : await loaders.repositories.load(repositoryId);
  return rolesFor(viewer, repository?.name ?? '*');
}
