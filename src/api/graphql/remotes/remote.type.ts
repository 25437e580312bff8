import { Field, Float, Int, ObjectType } from 'type-graphql';
import type { Remote, RemotePolicy } from '../../../db/schema/remotes.ts';
import { connectionType } from '../connection.ts';
import { toGlobalId } from '../../../operations/global-id.ts';
import { NodeType } from '../node.type.ts';
import { DateTime } from '../scalars.ts';
import { RemoteBudgets, budgetsOf } from './remote-budgets.type.ts';
import type { MinimumAgeScope, TagFailureMode } from '../../../selection/tag-rules.ts';
import { withRuleDefaults } from '../../../selection/tag-rules.ts';
import { RemotePolicyEnum } from './remote-policy.ts';
import { FailuresField, NewestTagsType, ScopeField, ruleText } from './tag-rules.type.ts';
import { Payload } from '../payload.type.ts';
import { UpstreamType, fallbacksText, toUpstream } from './upstream.type.ts';

/** Descriptions shared by the remote and its inputs. */
export const layerUrlsText =
  'Whether a layer that the upstream does not have is asked for at the `urls` of its descriptor, without credentials or client certificate; ' +
  'from an https remote over https only. Off: such a layer is left out with a warning, and its image stays pullable.';

@ObjectType('Remote', {
  implements: NodeType,
  description:
    'An upstream repository and the settings to access it. Password, client key and header values are write-only.',
  simpleResolvers: true,
})
export class RemoteType extends RemoteBudgets {
  row!: Remote;

  @Field(() => String, { description: 'Unique name, 1 to 255 characters.' })
  name!: string;

  @Field(() => String, { description: 'Base URL of the registry API, e.g. https://registry-1.docker.io.' })
  url!: string;

  @Field(() => String, { description: 'Name of the repository at the upstream, e.g. pulp/test-fixture-1.' })
  upstreamName!: string;

  @Field(() => RemotePolicyEnum, { description: 'When blobs are fetched.' })
  policy!: RemotePolicy;

  @Field(() => [String], {
    nullable: true,
    description: 'Tags to sync: names, shell wildcards (* ? [abc]) and digests; null: every tag.',
  })
  includeTags!: string[] | null;

  @Field(() => [String], {
    nullable: true,
    description: 'Tags to exclude from includeTags, in the same notation; null: none.',
  })
  excludeTags!: string[] | null;

  @Field(() => [String], { nullable: true, description: ruleText.includeTagPatterns })
  includeTagPatterns!: string[] | null;

  @Field(() => [String], { nullable: true, description: ruleText.excludeTagPatterns })
  excludeTagPatterns!: string[] | null;

  @Field(() => [String], { nullable: true, description: ruleText.semverRanges })
  semverRanges!: string[] | null;

  @Field(() => String, { nullable: true, description: ruleText.semverSuffix })
  semverSuffix!: string | null;

  @Field(() => NewestTagsType, { nullable: true, description: ruleText.newestTags })
  newestTags!: NewestTagsType | null;

  @Field(() => [String], { nullable: true, description: ruleText.platforms })
  platforms!: string[] | null;

  @Field(() => Boolean, { description: ruleText.semverPrereleases })
  semverPrereleases!: boolean;

  @Field(() => [String], { nullable: true, description: ruleText.immutableTags })
  immutableTags!: string[] | null;

  @Field(() => Int, { nullable: true, description: ruleText.minimumAgeSeconds })
  minimumAgeSeconds!: number | null;

  @ScopeField()
  minimumAgeFor!: MinimumAgeScope;

  @FailuresField()
  tagFailures!: TagFailureMode;

  @Field(() => String, {
    nullable: true,
    description: 'Base URL of a dedicated signature store; null: none.',
  })
  sigstore!: string | null;

  @Field(() => Int, { description: 'Maximum number of concurrent requests of a sync, 1 to 100.' })
  downloadConcurrency!: number;

  @Field(() => Float, {
    nullable: true,
    description: "Timeout for a whole request, in seconds; null: the server's default.",
  })
  totalTimeout!: number | null;

  @Field(() => Float, {
    nullable: true,
    description: "Timeout for establishing a connection, in seconds; null: the server's default.",
  })
  connectTimeout!: number | null;

  @Field(() => Float, {
    nullable: true,
    description: "Idle timeout between two reads, in seconds; null: the server's default.",
  })
  sockReadTimeout!: number | null;

  @Field(() => Int, { description: 'Retries of a request after a transient error, 0 to 10.' })
  maxRetries!: number;

  @Field(() => String, {
    nullable: true,
    description: 'URL of the HTTP(S) proxy without its credentials; null: none.',
  })
  proxyUrl!: string | null;

  @Field(() => String, {
    nullable: true,
    description: "Certificate authorities to trust in addition to the system's, in PEM; null: none.",
  })
  sslCaCertificate!: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'The client certificate with its chain, in PEM; null: none.',
  })
  sslClientCertificate!: string | null;

  @Field(() => Boolean, { description: 'Whether a client key is stored. The API never returns it.' })
  hasSslClientKey!: boolean;

  @Field(() => [String], {
    description: 'Names of the extra request headers. The API never returns their values.',
  })
  headerNames!: string[];

  @Field(() => [String], {
    description:
      'Hosts of other domains than url that may be the token realm. The credentials are sent to them.',
  })
  realmHosts!: string[];

  @Field(() => [UpstreamType], { description: fallbacksText })
  fallbacks!: UpstreamType[];

  @Field(() => Boolean, { description: "Whether the upstream's certificate is verified." })
  sslValidation!: boolean;

  @Field(() => Boolean, {
    description: layerUrlsText,
  })
  followLayerUrls!: boolean;

  @Field(() => String, { nullable: true, description: 'User name at the upstream; null: none.' })
  username!: string | null;

  @Field(() => Boolean, {
    description: 'Whether a password is stored. The API never returns it.',
  })
  hasPassword!: boolean;

  @Field(() => DateTime, { description: 'Creation time.' })
  createdAt!: Date;

  @Field(() => DateTime, { description: 'Time of the last change.' })
  updatedAt!: Date;
}

export function toRemoteType(row: Remote): RemoteType {
  const {
    name,
    url,
    upstreamName,
    policy,
    downloadConcurrency,
    maxRetries,
    sslValidation,
    followLayerUrls,
    createdAt,
    updatedAt,
    tagRules: rules,
  } = row;
  return Object.assign(new RemoteType(), {
    id: toGlobalId('Remote', row.id),
    row,
    name,
    url,
    upstreamName,
    policy,
    downloadConcurrency,
    maxRetries,
    sslValidation,
    followLayerUrls,
    createdAt,
    updatedAt,
    includeTags: row.includeTags ?? null,
    excludeTags: row.excludeTags ?? null,
    ...withRuleDefaults(rules),
    sigstore: row.sigstore ?? null,
    totalTimeout: row.totalTimeout ?? null,
    connectTimeout: row.connectTimeout ?? null,
    sockReadTimeout: row.sockReadTimeout ?? null,
    ...budgetsOf(row),
    proxyUrl: row.proxyUrl ?? null,
    sslCaCertificate: row.sslCaCertificate ?? null,
    sslClientCertificate: row.sslClientCertificate ?? null,
    hasSslClientKey: typeof row.sslClientKeySealed === 'string',
    headerNames: row.headerNames,
    realmHosts: row.realmHosts,
    fallbacks: row.fallbacks.map(toUpstream),
    username: row.username ?? null,
    hasPassword: typeof row.passwordSealed === 'string',
  });
}

export const RemoteConnection = connectionType(RemoteType, 'Remote');

@ObjectType('RemotePayload', { description: 'The result of a remote mutation.', simpleResolvers: true })
export class RemotePayload extends Payload {
  @Field(() => RemoteType, {
    nullable: true,
    description: 'The remote after the change; null on error.',
  })
  remote!: RemoteType | null;
}
