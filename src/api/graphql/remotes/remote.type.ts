import { Field, Float, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { Remote, RemotePolicy } from '../../../db/schema/remotes.ts';
import { connectionType } from '../connection.ts';
import { toGlobalId } from '../../../operations/global-id.ts';
import { NodeType } from '../node.type.ts';
import { DateTime } from '../scalars.ts';
import { NewestTagsType, ruleText } from './tag-rules.type.ts';
import { UserError } from '../user-error.type.ts';

export const RemotePolicyEnum = {
  IMMEDIATE: 'IMMEDIATE',
  ON_DEMAND: 'ON_DEMAND',
  STREAMED: 'STREAMED',
} as const;

registerEnumType(RemotePolicyEnum, {
  name: 'RemotePolicy',
  description: 'When blobs are fetched.',
  valuesConfig: {
    IMMEDIATE: { description: 'By the sync.' },
    ON_DEMAND: { description: 'Configs by the sync; layers when a client first asks for them, then kept.' },
    STREAMED: { description: 'Configs by the sync; layers whenever a client asks for them, never kept.' },
  },
});

/** Of the remote and of its inputs. */
export const layerUrlsText =
  'Whether a layer that the upstream does not have is asked for at the `urls` of its descriptor, without credentials or client certificate; ' +
  'from an https remote over https only. Off: such a layer is left out with a warning, and its image stays pullable.';

@ObjectType('Remote', {
  implements: NodeType,
  description:
    'An upstream repository, and how to reach it. The password, the client key and header values are write-only.',
  simpleResolvers: true,
})
export class RemoteType extends NodeType {
  row!: Remote;

  @Field(() => String, { description: 'Unique, 1 to 255 characters.' })
  name!: string;

  @Field(() => String, { description: 'Base of the registry API, e.g. https://registry-1.docker.io.' })
  url!: string;

  @Field(() => String, { description: 'Repository at the upstream, e.g. pulp/test-fixture-1.' })
  upstreamName!: string;

  @Field(() => RemotePolicyEnum, { description: 'When blobs are fetched.' })
  policy!: RemotePolicy;

  @Field(() => [String], {
    nullable: true,
    description: 'Tags to sync: names, shell wildcards (* ? [abc]) and digests; null: every tag.',
  })
  includeTags!: string[] | null;

  @Field(() => [String], { nullable: true, description: 'The same, taken away afterwards; null: none.' })
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

  @Field(() => Boolean, { description: ruleText.semverPrereleases })
  semverPrereleases!: boolean;

  @Field(() => String, { nullable: true, description: 'Base URL of a dedicated signature store.' })
  sigstore!: string | null;

  @Field(() => Int, { description: 'Requests in flight at one time in a whole sync, 1 to 100.' })
  downloadConcurrency!: number;

  @Field(() => Float, {
    nullable: true,
    description: "Seconds for one whole request; null: the server's default.",
  })
  totalTimeout!: number | null;

  @Field(() => Float, {
    nullable: true,
    description: "Seconds until a connection stands; null: the server's default.",
  })
  connectTimeout!: number | null;

  @Field(() => Float, {
    nullable: true,
    description: "Seconds between two reads; null: the server's default.",
  })
  sockReadTimeout!: number | null;

  @Field(() => Int, { description: 'Further tries of a request after a fault that may pass, 0 to 10.' })
  maxRetries!: number;

  @Field(() => Int, {
    nullable: true,
    description:
      'Requests a second to its host, over all workers and all remotes of that host that have a limit; null: no limit.',
  })
  rateLimit!: number | null;

  @Field(() => String, { nullable: true, description: 'The HTTP(S) proxy, without its credentials.' })
  proxyUrl!: string | null;

  @Field(() => String, {
    nullable: true,
    description: "PEM: authorities that are trusted beside the system's.",
  })
  sslCaCertificate!: string | null;

  @Field(() => String, { nullable: true, description: 'PEM: the client certificate, with its chain.' })
  sslClientCertificate!: string | null;

  @Field(() => Boolean, { description: 'Whether a client key is stored; the key itself is never given out.' })
  hasSslClientKey!: boolean;

  @Field(() => [String], {
    description: 'Names of the extra request headers; the values are never given out.',
  })
  headerNames!: string[];

  @Field(() => [String], {
    description:
      'Hosts that may be the token realm of this remote though of another domain than its url; the credentials are sent there.',
  })
  realmHosts!: string[];

  @Field(() => Boolean, { description: "Whether the upstream's certificate is checked." })
  sslValidation!: boolean;

  @Field(() => Boolean, {
    description: layerUrlsText,
  })
  followLayerUrls!: boolean;

  @Field(() => String, { nullable: true, description: 'User name at the upstream.' })
  username!: string | null;

  @Field(() => Boolean, {
    description: 'Whether a password is stored; the password itself is never given out.',
  })
  hasPassword!: boolean;

  @Field(() => DateTime, { description: 'When it was created.' })
  createdAt!: Date;

  @Field(() => DateTime, { description: 'When it was last changed.' })
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
    includeTagPatterns: rules.includeTagPatterns ?? null,
    excludeTagPatterns: rules.excludeTagPatterns ?? null,
    semverRanges: rules.semverRanges ?? null,
    semverSuffix: rules.semverSuffix ?? null,
    semverPrereleases: rules.semverPrereleases ?? false,
    newestTags: rules.newestTags ? { ...rules.newestTags, order: 'SEMVER' } : null,
    sigstore: row.sigstore ?? null,
    totalTimeout: row.totalTimeout ?? null,
    connectTimeout: row.connectTimeout ?? null,
    sockReadTimeout: row.sockReadTimeout ?? null,
    rateLimit: row.rateLimit ?? null,
    proxyUrl: row.proxyUrl ?? null,
    sslCaCertificate: row.sslCaCertificate ?? null,
    sslClientCertificate: row.sslClientCertificate ?? null,
    hasSslClientKey: typeof row.sslClientKeySealed === 'string',
    headerNames: row.headerNames,
    realmHosts: row.realmHosts,
    username: row.username ?? null,
    hasPassword: typeof row.passwordSealed === 'string',
  });
}

export const RemoteConnection = connectionType(RemoteType, 'Remote');

@ObjectType('RemotePayload', { description: 'What a mutation made of a remote.', simpleResolvers: true })
export class RemotePayload {
  @Field(() => RemoteType, {
    nullable: true,
    description: 'The remote as it is now; null where there were mistakes.',
  })
  remote!: RemoteType | null;

  @Field(() => [UserError], { description: "All of the caller's mistakes; empty when it was done." })
  userErrors!: UserError[];
}
