import { Field, Float, ID, InputType, Int } from 'type-graphql';
import type { RemotePolicy } from '../../../db/schema/remotes.ts';
import { HeaderInput } from '../header-input.type.ts';
import { RemotePolicyEnum, layerUrlsText } from './remote.type.ts';
import { NewestTagsInput, ruleText } from './tag-rules.type.ts';
import { signaturePolicyIdOption } from '../policies/signature-policy-id.ts';

/** Settings that create and update have in common. */
@InputType()
abstract class RemoteSettings {
  @Field(() => [String], {
    nullable: true,
    description:
      'Tags to sync: names, shell wildcards (* ? [abc]) and digests (kept untagged); null: every tag.',
  })
  includeTags?: string[] | null;

  @Field(() => [String], { nullable: true, description: 'The same, taken away afterwards; null: none.' })
  excludeTags?: string[] | null;

  @Field(() => [String], { nullable: true, description: ruleText.includeTagPatterns })
  includeTagPatterns?: string[] | null;

  @Field(() => [String], { nullable: true, description: ruleText.excludeTagPatterns })
  excludeTagPatterns?: string[] | null;

  @Field(() => [String], { nullable: true, description: ruleText.semverRanges })
  semverRanges?: string[] | null;

  @Field(() => String, { nullable: true, description: ruleText.semverSuffix })
  semverSuffix?: string | null;

  @Field(() => NewestTagsInput, { nullable: true, description: ruleText.newestTags })
  newestTags?: NewestTagsInput | null;

  @Field(() => String, { nullable: true, description: 'Base URL of a dedicated signature store: as url.' })
  sigstore?: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      'An HTTP(S) proxy, http://[user:password@]host:port. The credentials are stored encrypted and never given out.',
  })
  proxyUrl?: string | null;

  @Field(() => String, {
    nullable: true,
    description: "PEM, one certificate or several: authorities that are trusted beside the system's.",
  })
  sslCaCertificate?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'PEM: the client certificate, its chain after it. Goes with sslClientKey.',
  })
  sslClientCertificate?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'PEM: the key of the client certificate, not encrypted. Write-only, stored encrypted.',
  })
  sslClientKey?: string | null;

  @Field(() => Float, {
    nullable: true,
    description: "Seconds for one whole request, up to 604800; null: the server's default.",
  })
  totalTimeout?: number | null;

  @Field(() => Float, {
    nullable: true,
    description: "Seconds until a connection stands, up to 3600; null: the server's default.",
  })
  connectTimeout?: number | null;

  @Field(() => Float, {
    nullable: true,
    description: "Seconds between two reads, up to 3600; null: the server's default.",
  })
  sockReadTimeout?: number | null;

  @Field(() => Int, {
    nullable: true,
    description:
      'Requests a second to its host, over all workers and all remotes of that host that have a limit, at least 1; null: no limit.',
  })
  rateLimit?: number | null;

  @Field(() => [HeaderInput], {
    nullable: true,
    description: 'Extra request headers; they replace all that are stored.',
  })
  headers?: HeaderInput[] | null;

  @Field(() => String, {
    nullable: true,
    description: 'User name at the upstream; it has no colon (RFC 7617).',
  })
  username?: string | null;

  @Field(() => [String], {
    nullable: true,
    description:
      'Hosts that may be the token realm though of another domain than url, e.g. ghcr.io for lscr.io; null: none.',
  })
  realmHosts?: string[] | null;

  @Field(() => String, { nullable: true, description: 'Password or token. Write-only, stored encrypted.' })
  password?: string | null;

  @Field(() => ID, signaturePolicyIdOption)
  signaturePolicyId?: string | null;
}

@InputType('RemoteCreateInput', { description: 'A new remote.' })
export class RemoteCreateInput extends RemoteSettings {
  @Field(() => Boolean, { nullable: true, defaultValue: false, description: ruleText.semverPrereleases })
  semverPrereleases?: boolean | null;

  @Field(() => String, { description: 'Unique, 1 to 255 visible characters.' })
  name!: string;

  @Field(() => String, {
    description:
      'Base of the registry API: http or https, a host, and nothing secret: no user, query or fragment. It is stored as it is used: the host ' +
      'in lower case, without default port, slash and /v2 at the end; the names of Docker Hub (docker.io, index.docker.io, ' +
      'hub.docker.com, registry.hub.docker.com) as https://registry-1.docker.io.',
  })
  url!: string;

  @Field(() => String, {
    description:
      "Repository at the upstream, e.g. library/nginx. The upstream's own host before it is dropped; at Docker Hub a name of one part gets " +
      'library/ before it.',
  })
  upstreamName!: string;

  @Field(() => RemotePolicyEnum, {
    nullable: true,
    defaultValue: 'IMMEDIATE',
    description: 'When blobs are fetched.',
  })
  policy?: RemotePolicy | null;

  @Field(() => Int, {
    nullable: true,
    defaultValue: 20,
    description: 'Requests in flight at one time in a whole sync, 1 to 100.',
  })
  downloadConcurrency?: number | null;

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: true,
    description: "Whether the upstream's certificate is checked.",
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
    description: 'Further tries of a request after a fault that may pass, 0 to 10.',
  })
  maxRetries?: number | null;
}

@InputType('RemoteUpdateInput', { description: 'Changes of a remote. Omitted: kept. null: cleared.' })
export class RemoteUpdateInput extends RemoteSettings {
  @Field(() => Boolean, { nullable: true, description: ruleText.semverPrereleases })
  semverPrereleases?: boolean | null;

  @Field(() => ID, { description: 'The remote.' })
  id!: string;

  @Field(() => String, {
    nullable: true,
    description: 'Unique, 1 to 255 visible characters. It cannot be cleared.',
  })
  name?: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      'Base of the registry API: http or https, a host, and nothing secret: no user, query or fragment. It is stored as it is used, as at remoteCreate. It cannot be cleared. Another url drops the stored password, client key and header values, unless they are given again in the same update; so do another proxyUrl or sslCaCertificate, and sslValidation: false.',
  })
  url?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'Repository at the upstream, e.g. library/nginx. It cannot be cleared.',
  })
  upstreamName?: string | null;

  @Field(() => RemotePolicyEnum, {
    nullable: true,
    description: 'When blobs are fetched. It cannot be cleared.',
  })
  policy?: RemotePolicy | null;

  @Field(() => Int, {
    nullable: true,
    description: 'Requests in flight at one time in a whole sync, 1 to 100. It cannot be cleared.',
  })
  downloadConcurrency?: number | null;

  @Field(() => Boolean, {
    nullable: true,
    description: "Whether the upstream's certificate is checked. It cannot be cleared.",
  })
  sslValidation?: boolean | null;

  @Field(() => Boolean, {
    nullable: true,
    description: `${layerUrlsText} It cannot be cleared.`,
  })
  followLayerUrls?: boolean | null;

  @Field(() => Int, {
    nullable: true,
    description: 'Further tries of a request after a fault that may pass, 0 to 10. It cannot be cleared.',
  })
  maxRetries?: number | null;
}

@InputType('RemoteDeleteInput', { description: 'A remote to delete.' })
export class RemoteDeleteInput {
  @Field(() => ID, { description: 'The remote.' })
  id!: string;
}
