import 'reflect-metadata';
import { writeFile } from 'node:fs/promises';
import { lexicographicSortSchema, printSchema } from 'graphql';
import type { GraphQLFieldResolver, GraphQLSchema } from 'graphql';
import { buildSchemaSync } from 'type-graphql';
import type { BuildSchemaOptions } from 'type-graphql';
import { AccessMutationResolver } from './access/access-mutation.resolver.ts';
import { AccessResolver } from './access/access.resolver.ts';
import {
  CredentialViewerResolver,
  DistributionViewerResolver,
  MirrorRuleViewerResolver,
  ProxyViewerResolver,
  RemoteViewerResolver,
  RepositoryViewerResolver,
  ScheduleViewerResolver,
  SignaturePolicyViewerResolver,
  TaskViewerResolver,
  ViewerResolver,
  WebhookViewerResolver,
} from './access/viewer.resolver.ts';
import { CredentialMutationResolver } from './credentials/credential-mutation.resolver.ts';
import {
  CredentialResolver,
  RemoteCredentialResolver,
  UpstreamCredentialResolver,
} from './credentials/credential.resolver.ts';
import { checkField } from '../../access/field-rules.ts';
import { ClientConfigurationResolver } from './clients/client-configuration.resolver.ts';
import { ConfigurationResolver } from './configuration/configuration.resolver.ts';
import type { RequestContext } from './context.ts';
import { BlobTextResolver } from './content/blob-text.resolver.ts';
import { ManifestResolver, SignatureResolver, TagResolver } from './content/content.resolver.ts';
import { DistributionMutationResolver } from './distributions/distribution-mutation.resolver.ts';
import { DistributionMoveResolver, DistributionResolver } from './distributions/distribution.resolver.ts';
import { SearchResolver } from './search/search.resolver.ts';
import {
  EstateResolver,
  RepositoryFreshnessResolver,
  UpstreamQuotaResolver,
} from './estate/estate.resolver.ts';
import { TaskUpstreamResolver } from './tasks/task-upstream.resolver.ts';
import { NodeResolver } from './node.resolver.ts';
import { ProxyMutationResolver } from './proxies/proxy-mutation.resolver.ts';
import { ProxyResolver, RepositoryProxyResolver } from './proxies/proxy.resolver.ts';
import { RemoteMutationResolver } from './remotes/remote-mutation.resolver.ts';
import { RemoteTestResolver } from './remotes/remote-test.resolver.ts';
import { RemoteResolver } from './remotes/remote.resolver.ts';
import { RepositoryContentResolver } from './repositories/repository-content.resolver.ts';
import { RepositoryMutationResolver } from './repositories/repository-mutation.resolver.ts';
import { RepositoryResolver } from './repositories/repository.resolver.ts';
import { ScheduleMutationResolver } from './schedules/schedule-mutation.resolver.ts';
import {
  RepositoryScheduleResolver,
  ScheduleResolver,
  ScheduleRunResolver,
} from './schedules/schedule.resolver.ts';
import { SignaturePolicyMutationResolver } from './policies/signature-policy-mutation.resolver.ts';
import {
  DistributionSignaturePolicyResolver,
  RemoteSignaturePolicyResolver,
  RepositorySignaturePolicyResolver,
  SignaturePolicyResolver,
} from './policies/signature-policy.resolver.ts';
import { MirrorRuleMutationResolver } from './rules/rule-mutation.resolver.ts';
import {
  RepositoryVanishedResolver,
  RuleOutcomeResolver,
  TaskRuleResolver,
} from './rules/rule-outcome.resolver.ts';
import { MirrorRuleResolver } from './rules/rule.resolver.ts';
import { SyncResolver } from './sync/sync.resolver.ts';
import { WaitingTagsResolver } from './repositories/waiting-tags.resolver.ts';
import { TagHistoryResolver } from './versions/tag-history.resolver.ts';
import { TagOutcomeResolver } from './tasks/tag-outcome.resolver.ts';
import { TagReleaseResolver } from './repositories/tag-release.resolver.ts';
import { TagReleasesResolver } from './repositories/tag-releases.resolver.ts';
import { TagExplanationResolver } from './repositories/tag-explanation.resolver.ts';
import { SyncPlanResolver } from './tasks/sync-plan.resolver.ts';
import { TaskResolver } from './tasks/task.resolver.ts';
import { UpkeepResolver } from './upkeep/upkeep.resolver.ts';
import { SignatureVerificationResolver, TagVerificationResolver } from './content/verification.resolver.ts';
import { VersionDiffResolver } from './versions/version-diff.resolver.ts';
import { RepositoryVersionResolver } from './versions/version.resolver.ts';
import { WebhookMutationResolver } from './webhooks/webhook-mutation.resolver.ts';
import { WebhookDeliveryResolver, WebhookResolver } from './webhooks/webhook.resolver.ts';

/** type-graphql requires one, although every subscription here has its own iterator. */
const noPubSub = {
  publish: (): void => undefined,
  subscribe: (): never => {
    throw new Error('no subscription uses topics');
  },
};

const resolvers: BuildSchemaOptions['resolvers'] = [
  NodeResolver,
  RepositoryResolver,
  RepositoryMutationResolver,
  RepositoryContentResolver,
  DistributionResolver,
  DistributionMoveResolver,
  DistributionMutationResolver,
  SignaturePolicyResolver,
  SignaturePolicyMutationResolver,
  RemoteSignaturePolicyResolver,
  RepositorySignaturePolicyResolver,
  DistributionSignaturePolicyResolver,
  RemoteResolver,
  RemoteMutationResolver,
  RemoteTestResolver,
  CredentialResolver,
  CredentialMutationResolver,
  RemoteCredentialResolver,
  UpstreamCredentialResolver,
  RepositoryVersionResolver,
  VersionDiffResolver,
  TagResolver,
  TagVerificationResolver,
  SignatureVerificationResolver,
  ManifestResolver,
  BlobTextResolver,
  SignatureResolver,
  TagHistoryResolver,
  WaitingTagsResolver,
  TagExplanationResolver,
  TagReleaseResolver,
  TagReleasesResolver,
  TaskResolver,
  SyncPlanResolver,
  TagOutcomeResolver,
  TaskUpstreamResolver,
  SyncResolver,
  ScheduleResolver,
  ScheduleRunResolver,
  RepositoryScheduleResolver,
  ScheduleMutationResolver,
  UpkeepResolver,
  AccessResolver,
  AccessMutationResolver,
  ViewerResolver,
  RepositoryViewerResolver,
  RemoteViewerResolver,
  CredentialViewerResolver,
  DistributionViewerResolver,
  SignaturePolicyViewerResolver,
  ScheduleViewerResolver,
  TaskViewerResolver,
  MirrorRuleViewerResolver,
  ProxyViewerResolver,
  WebhookViewerResolver,
  ConfigurationResolver,
  EstateResolver,
  SearchResolver,
  ClientConfigurationResolver,
  RepositoryFreshnessResolver,
  UpstreamQuotaResolver,
  MirrorRuleResolver,
  MirrorRuleMutationResolver,
  TaskRuleResolver,
  RuleOutcomeResolver,
  RepositoryVanishedResolver,
  ProxyResolver,
  RepositoryProxyResolver,
  ProxyMutationResolver,
  WebhookResolver,
  WebhookDeliveryResolver,
  WebhookMutationResolver,
];

let built: GraphQLSchema | undefined;

/** The schema, built once per process. */
export function buildApiSchema(): GraphQLSchema {
  if (built !== undefined) return built;
  const schema = buildSchemaSync({
    resolvers,
    pubSub: noPubSub,
    validate: false,
    disableInferringDefaultValues: true,
  });
  describeRoots(schema);
  guardRoots(schema);
  built = schema;
  return schema;
}

/** type-graphql cannot express these. */
function describeRoots(schema: GraphQLSchema): void {
  const roots = [
    [schema.getQueryType(), 'Queries.'],
    [schema.getMutationType(), 'Mutations. Validation errors are returned in `userErrors`, all at once.'],
    [
      schema.getSubscriptionType(),
      'Subscriptions, over graphql-ws at /graphql or server-sent events at /graphql/stream.',
    ],
  ] as const;
  for (const [type, description] of roots) if (type) type.description = description;
}

/** Checks the rule of each root field before it. A field without a rule is refused. */
function guardRoots(schema: GraphQLSchema): void {
  for (const type of [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()])
    for (const field of Object.values(type?.getFields() ?? {})) {
      const name = `${type?.name}.${field.name}`;
      // A subscription is checked when it begins, then for each event.
      for (const step of ['resolve', 'subscribe'] as const) {
        const inner: GraphQLFieldResolver<unknown, RequestContext> | undefined = field[step];
        if (inner === undefined) continue;
        field[step] = async (source: unknown, args: unknown, context: RequestContext, info) => {
          checkField(context.viewer, name);
          return await inner(source, args, context, info);
        };
      }
    }
}

/** The schema in the form of schema/schema.graphql: sorted, with descriptions. */
export function printContractSchema(): string {
  return `${printSchema(lexicographicSortSchema(buildApiSchema()))}\n`;
}

/** Writes schema/schema.graphql. */
export async function emitSchema(path: string): Promise<void> {
  await writeFile(path, printContractSchema());
}
