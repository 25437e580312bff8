import { Field, Float, ID, InputType, Int } from 'type-graphql';
import type { RemotePolicy } from '../../../db/schema/remotes.ts';
import { HeaderInput } from '../header-input.type.ts';
import { budgetText } from './budget-text.ts';
import { RemotePolicyEnum } from './remote-policy.ts';
import { layerUrlsText } from './remote-settings.type.ts';
import type { MinimumAgeScope, TagFailureMode } from '../../../selection/tag-rules.ts';
import { FailuresField, PrereleasesField, ScopeField, TagRuleSettings } from './tag-rules.type.ts';
import { credentialIdOption } from '../credentials/credential-text.ts';
import { UpstreamInput, fallbacksOption } from './upstream.type.ts';
import { signaturePolicyIdOption } from '../policies/signature-policy-id.ts';

/** The fields that create and update share. */
@InputType()
export abstract class RemoteSettings extends TagRuleSettings {
  @Field(() => [String], {
    nullable: true,
    description:
      'Tags to sync: names, shell wildcards (* ? [abc]) and digests (stored untagged); null: every tag.',
  })
  includeTags?: string[] | null;

  @Field(() => [String], {
    nullable: true,
    description: 'Tags to exclude from includeTags, in the same notation; null: none.',
  })
  excludeTags?: string[] | null;

  @Field(() => String, {
    nullable: true,
    description: 'Base URL of a dedicated signature store, in the form of url; null: none.',
  })
  sigstore?: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      'URL of an HTTP(S) proxy: http://[user:password@]host:port; null: none. The credentials are stored encrypted, and the API never returns ' +
      'them.',
  })
  proxyUrl?: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      "Certificate authorities to trust in addition to the system's: one or more certificates in PEM; null: none.",
  })
  sslCaCertificate?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'The client certificate, then its chain, in PEM; null: none. Requires sslClientKey.',
  })
  sslClientCertificate?: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      'The unencrypted key of the client certificate, in PEM; null: none. Write-only, stored encrypted.',
  })
  sslClientKey?: string | null;

  @Field(() => Float, {
    nullable: true,
    description: "Timeout for a whole request, in seconds, up to 604800; null: the server's default.",
  })
  totalTimeout?: number | null;

  @Field(() => Float, {
    nullable: true,
    description: "Timeout for establishing a connection, in seconds, up to 3600; null: the server's default.",
  })
  connectTimeout?: number | null;

  @Field(() => Float, {
    nullable: true,
    description: "Idle timeout between two reads, in seconds, up to 3600; null: the server's default.",
  })
  sockReadTimeout?: number | null;

  @Field(() => Int, {
    nullable: true,
    description:
      'Requests per second to the host, at least 1, shared by all workers and all remotes of that host that have a limit; null: no limit.',
  })
  rateLimit?: number | null;

  @Field(() => String, {
    nullable: true,
    description: budgetText.bytesPerSecond,
  })
  bytesPerSecond?: string | null;

  @Field(() => [String], {
    nullable: true,
    description: budgetText.syncWindows,
  })
  syncWindows?: string[] | null;

  @Field(() => Int, {
    nullable: true,
    description: budgetText.reserveRequests,
  })
  reserveRequests?: number | null;

  @Field(() => [HeaderInput], {
    nullable: true,
    description: 'Extra request headers, which replace all stored ones; null: none.',
  })
  headers?: HeaderInput[] | null;

  @Field(() => String, {
    nullable: true,
    description: 'User name at the upstream, without a colon (RFC 7617); null: none.',
  })
  username?: string | null;

  @Field(() => [String], {
    nullable: true,
    description:
      'Hosts of other domains than url that may be the token realm, e.g. ghcr.io for lscr.io; null: none. The credentials are sent to them.',
  })
  realmHosts?: string[] | null;

  @Field(() => String, {
    nullable: true,
    description: 'Password or token at the upstream; null: none. Write-only, stored encrypted.',
  })
  password?: string | null;
}

/** The fields of new remotes but their names and addresses. */
@InputType()
export abstract class NewRemoteTemplate extends RemoteSettings {
  @PrereleasesField({ nullable: true, defaultValue: false })
  override semverPrereleases?: boolean | null;

  @ScopeField({ nullable: true, defaultValue: 'ALL' })
  override minimumAgeFor?: MinimumAgeScope | null;

  @FailuresField({ nullable: true, defaultValue: 'SKIP_TAG' })
  override tagFailures?: TagFailureMode | null;

  @Field(() => RemotePolicyEnum, {
    nullable: true,
    defaultValue: 'IMMEDIATE',
    description: 'When blobs are fetched.',
  })
  policy?: RemotePolicy | null;

  @Field(() => Int, {
    nullable: true,
    defaultValue: 20,
    description: 'Maximum number of concurrent requests of a sync, 1 to 100.',
  })
  downloadConcurrency?: number | null;

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: true,
    description: "Whether the upstream's certificate is verified.",
  })
  sslValidation?: boolean | null;

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description: layerUrlsText,
  })
  followLayerUrls?: boolean | null;

  @Field(() => Int, {
    nullable: true,
    defaultValue: 3,
    description: 'Retries of a request after a transient error, 0 to 10.',
  })
  maxRetries?: number | null;
}

/** The fields of a new remote but those that name something else. */
@InputType()
export abstract class NewRemoteSettings extends NewRemoteTemplate {
  @Field(() => String, { description: 'Unique name, 1 to 255 visible characters.' })
  name!: string;

  @Field(() => String, {
    description:
      'Base URL of the registry API: http or https, without user, query and fragment. It is stored in canonical form: the host in lower case, ' +
      'without default port, trailing slash and /v2. The names of Docker Hub (docker.io, index.docker.io, hub.docker.com, ' +
      'registry.hub.docker.com) become https://registry-1.docker.io.',
  })
  url!: string;

  @Field(() => String, {
    description:
      'Name of the repository at the upstream, e.g. library/nginx. A leading host of the upstream is removed. At Docker Hub, library/ is ' +
      'prepended to a name of one part.',
  })
  upstreamName!: string;
}

@InputType('RemoteCreateInput', { description: 'A new remote.' })
export class RemoteCreateInput extends NewRemoteSettings {
  @Field(() => [UpstreamInput], fallbacksOption)
  fallbacks?: UpstreamInput[] | null;

  @Field(() => ID, credentialIdOption)
  credentialId?: string | null;

  @Field(() => ID, signaturePolicyIdOption)
  signaturePolicyId?: string | null;
}
