import { Field, ID, InputType, Int } from 'type-graphql';
import type { RemotePolicy } from '../../../db/schema/remotes.ts';
import { credentialIdOption } from '../credentials/credential-text.ts';
import { signaturePolicyIdOption } from '../policies/signature-policy-id.ts';
import { NewRemoteTemplate } from '../remotes/remote-input.type.ts';
import { RemotePolicyEnum } from '../remotes/remote-policy.ts';
import { RemoteTemplateChanges } from '../remotes/remote-update.type.ts';
import { UpstreamInput, fallbacksOption } from '../remotes/upstream.type.ts';
import { ByteCount } from '../scalars.ts';
import { proxyFieldText } from './proxy-text.ts';

const cleared = (text: string): string => `${text} It cannot be cleared.`;
const option = (description: string) => ({ nullable: true, description }) as const;

/** The fields of a new proxy but those that name something else. Those of a remote are the settings of the remotes that it makes. */
@InputType()
export abstract class NewProxySettings extends NewRemoteTemplate {
  @Field(() => String, { description: proxyFieldText.basePath })
  basePath!: string;

  @Field(() => String, { description: proxyFieldText.url })
  url!: string;

  @Field(() => [String], option(proxyFieldText.namespaces))
  namespaces?: string[] | null;

  @Field(() => [String], option(proxyFieldText.includeRepositories))
  includeRepositories?: string[] | null;

  @Field(() => [String], option(proxyFieldText.excludeRepositories))
  excludeRepositories?: string[] | null;

  @Field(() => Int, { nullable: true, defaultValue: 1_000, description: proxyFieldText.repositoriesAtMost })
  repositoriesAtMost?: number | null;

  @Field(() => Int, { nullable: true, defaultValue: 300, description: proxyFieldText.tagTtlSeconds })
  tagTtlSeconds?: number | null;

  @Field(() => Int, { nullable: true, defaultValue: 60, description: proxyFieldText.notFoundTtlSeconds })
  notFoundTtlSeconds?: number | null;

  @Field(() => ByteCount, option(proxyFieldText.cacheBytes))
  cacheBytes?: number | null;

  @Field(() => Boolean, option(proxyFieldText.private))
  private?: boolean | null;

  @Field(() => RemotePolicyEnum, {
    nullable: true,
    defaultValue: 'ON_DEMAND',
    description: 'When blobs are fetched.',
  })
  override policy?: RemotePolicy | null;
}

@InputType('ProxyCreateInput', {
  description: 'A new proxy, with the settings of the remotes that it makes.',
})
export class ProxyCreateInput extends NewProxySettings {
  @Field(() => [UpstreamInput], fallbacksOption)
  fallbacks?: UpstreamInput[] | null;

  @Field(() => ID, signaturePolicyIdOption)
  signaturePolicyId?: string | null;

  @Field(() => ID, credentialIdOption)
  credentialId?: string | null;
}

@InputType('ProxyUpdateInput', {
  description:
    'Changes to a proxy. Omitted fields are kept; null clears a field. Repositories, remotes and distributions that it has made stay as they are.',
})
export class ProxyUpdateInput extends RemoteTemplateChanges {
  @Field(() => ID, { description: 'The proxy.' })
  id!: string;

  @Field(() => [UpstreamInput], fallbacksOption)
  fallbacks?: UpstreamInput[] | null;

  @Field(() => ID, signaturePolicyIdOption)
  signaturePolicyId?: string | null;

  @Field(() => ID, credentialIdOption)
  credentialId?: string | null;

  @Field(() => String, option(cleared(proxyFieldText.basePath)))
  basePath?: string | null;

  @Field(() => String, option(`${cleared(proxyFieldText.url)} Another one deletes the stored secrets.`))
  url?: string | null;

  @Field(() => [String], option(proxyFieldText.namespaces))
  namespaces?: string[] | null;

  @Field(() => [String], option(proxyFieldText.includeRepositories))
  includeRepositories?: string[] | null;

  @Field(() => [String], option(proxyFieldText.excludeRepositories))
  excludeRepositories?: string[] | null;

  @Field(() => Int, option(cleared(proxyFieldText.repositoriesAtMost)))
  repositoriesAtMost?: number | null;

  @Field(() => Int, option(cleared(proxyFieldText.tagTtlSeconds)))
  tagTtlSeconds?: number | null;

  @Field(() => Int, option(cleared(proxyFieldText.notFoundTtlSeconds)))
  notFoundTtlSeconds?: number | null;

  @Field(() => ByteCount, option(proxyFieldText.cacheBytes))
  cacheBytes?: number | null;

  @Field(() => Boolean, option(proxyFieldText.private))
  private?: boolean | null;
}

@InputType('ProxyDeleteInput', { description: 'The proxy to delete. Its repositories stay.' })
export class ProxyDeleteInput {
  @Field(() => ID, { description: 'The proxy.' })
  id!: string;
}
