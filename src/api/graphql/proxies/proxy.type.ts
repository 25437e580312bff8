import { Field, Int, ObjectType } from 'type-graphql';
import type { RegistryProxy } from '../../../db/schema/proxies.ts';
import { toGlobalId } from '../../../operations/global-id.ts';
import type { TemplateFields } from '../../../operations/remotes/remote-template.ts';
import { connectionType } from '../connection.ts';
import { NodeType } from '../node.type.ts';
import { Payload } from '../payload.type.ts';
import { RemoteSettings, settingsOf } from '../remotes/remote-settings.type.ts';
import { toUpstream } from '../remotes/upstream.type.ts';
import { ByteCount, DateTime } from '../scalars.ts';
import { proxyFieldText } from './proxy-text.ts';

@ObjectType('Proxy', {
  implements: [NodeType, RemoteSettings],
  description:
    'Makes a repository, remote and distribution of an upstream registry when a client first pulls from it. The settings of a remote are those ' +
    'of the remotes that it makes.',
  simpleResolvers: true,
})
export class ProxyType extends RemoteSettings {
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

  @Field(() => ByteCount, { nullable: true, description: proxyFieldText.cacheBytes })
  cacheBytes!: number | null;

  @Field(() => Boolean, { nullable: true, description: proxyFieldText.private })
  private!: boolean | null;

  @Field(() => DateTime, { description: 'Creation time.' })
  createdAt!: Date;

  @Field(() => DateTime, { description: 'Time of the last change.' })
  updatedAt!: Date;
}

export function toProxyType(row: RegistryProxy): ProxyType {
  const template = row.template as TemplateFields;
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
    cacheBytes: row.cacheBytes ?? null,
    createdAt,
    updatedAt,
    private: row.isPrivate ?? null,
    fallbacks: row.fallbacks.map(toUpstream),
    ...settingsOf({ ...template, policy: template.policy ?? 'ON_DEMAND' }),
  });
}

export const ProxyConnection = connectionType(ProxyType, 'Proxy');

@ObjectType('ProxyPayload', { description: 'The result of a mutation of a proxy.', simpleResolvers: true })
export class ProxyPayload extends Payload {
  @Field(() => ProxyType, { nullable: true, description: 'The proxy; null on error.' })
  proxy!: ProxyType | null;
}
