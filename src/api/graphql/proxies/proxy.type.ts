import { Field, Int, ObjectType } from 'type-graphql';
import type { RegistryProxy } from '../../../db/schema/proxies.ts';
import type { RemotePolicy } from '../../../db/schema/remotes.ts';
import { toGlobalId } from '../../../operations/global-id.ts';
import type { RemoteFields } from '../../../operations/remotes/remote-fields.ts';
import { connectionType } from '../connection.ts';
import { NodeType } from '../node.type.ts';
import { Payload } from '../payload.type.ts';
import { RemotePolicyEnum } from '../remotes/remote-policy.ts';
import { UpstreamType, fallbacksText, toUpstream } from '../remotes/upstream.type.ts';
import { DateTime } from '../scalars.ts';
import { proxyFieldText } from './proxy-text.ts';

@ObjectType('Proxy', {
  implements: NodeType,
  description:
    'Makes a repository, remote and distribution of an upstream registry when a client first pulls from it. The settings of a remote are those ' +
    'of the remotes that it makes.',
  simpleResolvers: true,
})
export class ProxyType extends NodeType {
  row!: RegistryProxy;

  @Field(() => String, { description: proxyFieldText.basePath })
  basePath!: string;

  @Field(() => String, { description: proxyFieldText.url })
  url!: string;

  @Field(() => [String], { description: proxyFieldText.namespaces })
  namespaces!: string[];

  @Field(() => [String], { description: proxyFieldText.includeRepositories })
  includeRepositories!: string[];

  @Field(() => [String], { description: proxyFieldText.excludeRepositories })
  excludeRepositories!: string[];

  @Field(() => Int, { description: proxyFieldText.repositoriesAtMost })
  repositoriesAtMost!: number;

  @Field(() => Int, { description: proxyFieldText.tagTtlSeconds })
  tagTtlSeconds!: number;

  @Field(() => Int, { description: proxyFieldText.notFoundTtlSeconds })
  notFoundTtlSeconds!: number;

  @Field(() => Boolean, { nullable: true, description: proxyFieldText.private })
  private!: boolean | null;

  @Field(() => RemotePolicyEnum, { description: 'When blobs are fetched.' })
  policy!: RemotePolicy;

  @Field(() => [String], { nullable: true, description: 'Tags to serve, as of a remote; null: every tag.' })
  includeTags!: string[] | null;

  @Field(() => [String], { nullable: true, description: 'Tags to exclude, as of a remote; null: none.' })
  excludeTags!: string[] | null;

  @Field(() => String, { nullable: true, description: 'User name at the upstream; null: none.' })
  username!: string | null;

  @Field(() => [UpstreamType], {
    description: `Fallbacks of the remotes that the proxy makes. ${fallbacksText}`,
  })
  fallbacks!: UpstreamType[];

  @Field(() => DateTime, { description: 'Creation time.' })
  createdAt!: Date;

  @Field(() => DateTime, { description: 'Time of the last change.' })
  updatedAt!: Date;
}

export function toProxyType(row: RegistryProxy): ProxyType {
  const template = row.template as RemoteFields;
  const { url, namespaces, includeRepositories, excludeRepositories, repositoriesAtMost } = row;
  const { tagTtlSeconds, notFoundTtlSeconds, createdAt, updatedAt } = row;
  return Object.assign(new ProxyType(), {
    id: toGlobalId('Proxy', row.id),
    row,
    basePath: row.name,
    url,
    namespaces,
    includeRepositories,
    excludeRepositories,
    repositoriesAtMost,
    tagTtlSeconds,
    notFoundTtlSeconds,
    createdAt,
    updatedAt,
    private: row.isPrivate ?? null,
    fallbacks: row.fallbacks.map(toUpstream),
    policy: template.policy ?? 'ON_DEMAND',
    includeTags: template.includeTags ?? null,
    excludeTags: template.excludeTags ?? null,
    username: template.username ?? null,
  });
}

export const ProxyConnection = connectionType(ProxyType, 'Proxy');

@ObjectType('ProxyPayload', { description: 'The result of a mutation of a proxy.', simpleResolvers: true })
export class ProxyPayload extends Payload {
  @Field(() => ProxyType, { nullable: true, description: 'The proxy; null on error.' })
  proxy!: ProxyType | null;
}
