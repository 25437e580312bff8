import { Field, Float, Int, InterfaceType } from 'type-graphql';
import type { RemotePolicy } from '../../../db/schema/remotes.ts';
import { remoteDefaults } from '../../../operations/remotes/remote-fields.ts';
import type { RemoteFields } from '../../../operations/remotes/remote-fields.ts';
import { withRuleDefaults } from '../../../selection/tag-rules.ts';
import type { FurtherRules, MinimumAgeScope, TagFailureMode } from '../../../selection/tag-rules.ts';
import { NodeType } from '../node.type.ts';
import { RemoteBudgets, budgetsOf } from './remote-budgets.type.ts';
import { RemotePolicyEnum } from './remote-policy.ts';
import { FailuresField, NewestTagsType, ScopeField, ruleText } from './tag-rules.type.ts';
import { UpstreamType, fallbacksText } from './upstream.type.ts';

/** Descriptions shared by the remote and its inputs. */
export const layerUrlsText =
  'Whether a layer that the upstream does not have is asked for at the `urls` of its descriptor, without credentials or client certificate; ' +
  'from an https remote over https only. Off: such a layer is left out with a warning, and its image stays pullable.';

@InterfaceType('RemoteSettings', {
  implements: NodeType,
  description:
    'The settings of a remote, or of the remotes that a mirror rule or a proxy makes, without secrets.',
})
export abstract class RemoteSettings extends RemoteBudgets {
  abstract row: {
    readonly credentialId?: number | null | undefined;
    readonly signaturePolicyId?: number | null | undefined;
  };

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

  @Field(() => [String], {
    description:
      'Hosts of other domains than url that may be the token realm. The credentials are sent to them.',
  })
  realmHosts!: string[];

  @Field(() => Boolean, { description: "Whether the upstream's certificate is verified." })
  sslValidation!: boolean;

  @Field(() => Boolean, {
    description: layerUrlsText,
  })
  followLayerUrls!: boolean;

  @Field(() => String, { nullable: true, description: 'User name at the upstream; null: none.' })
  username!: string | null;

  @Field(() => [UpstreamType], { description: fallbacksText })
  fallbacks!: UpstreamType[];
}

/** Without values: the defaults. `proxyUrl` must have no credentials. */
export function settingsOf(
  fields: Omit<RemoteFields, keyof FurtherRules | 'headers' | 'fallbacks'> & FurtherRules,
) {
  return {
    ...withRuleDefaults(fields),
    ...budgetsOf(fields),
    policy: fields.policy ?? remoteDefaults.policy,
    downloadConcurrency: fields.downloadConcurrency ?? remoteDefaults.downloadConcurrency,
    maxRetries: fields.maxRetries ?? remoteDefaults.maxRetries,
    sslValidation: fields.sslValidation ?? remoteDefaults.sslValidation,
    followLayerUrls: fields.followLayerUrls ?? remoteDefaults.followLayerUrls,
    includeTags: fields.includeTags ?? null,
    excludeTags: fields.excludeTags ?? null,
    sigstore: fields.sigstore ?? null,
    totalTimeout: fields.totalTimeout ?? null,
    connectTimeout: fields.connectTimeout ?? null,
    sockReadTimeout: fields.sockReadTimeout ?? null,
    proxyUrl: fields.proxyUrl ?? null,
    sslCaCertificate: fields.sslCaCertificate ?? null,
    sslClientCertificate: fields.sslClientCertificate ?? null,
    realmHosts: fields.realmHosts ?? [],
    username: fields.username ?? null,
  };
}
