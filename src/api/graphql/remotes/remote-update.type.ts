import { Field, ID, InputType, Int } from 'type-graphql';
import type { RemotePolicy } from '../../../db/schema/remotes.ts';
import { credentialIdOption } from '../credentials/credential-text.ts';
import { signaturePolicyIdOption } from '../policies/signature-policy-id.ts';
import { RemoteSettings } from './remote-input.type.ts';
import { UpstreamInput, fallbacksOption } from './upstream.type.ts';
import { RemotePolicyEnum } from './remote-policy.ts';
import { layerUrlsText } from './remote-settings.type.ts';

/** The changes of remotes but those of their names and addresses. */
@InputType()
export abstract class RemoteTemplateChanges extends RemoteSettings {
  @Field(() => RemotePolicyEnum, {
    nullable: true,
    description: 'When blobs are fetched. It cannot be cleared.',
  })
  policy?: RemotePolicy | null;

  @Field(() => Int, {
    nullable: true,
    description: 'Maximum number of concurrent requests of a sync, 1 to 100. It cannot be cleared.',
  })
  downloadConcurrency?: number | null;

  @Field(() => Boolean, {
    nullable: true,
    description: "Whether the upstream's certificate is verified. It cannot be cleared.",
  })
  sslValidation?: boolean | null;

  @Field(() => Boolean, {
    nullable: true,
    description: `${layerUrlsText} It cannot be cleared.`,
  })
  followLayerUrls?: boolean | null;

  @Field(() => Int, {
    nullable: true,
    description: 'Retries of a request after a transient error, 0 to 10. It cannot be cleared.',
  })
  maxRetries?: number | null;
}

@InputType('RemoteUpdateInput', {
  description: 'Changes to a remote. Omitted fields are kept; null clears a field.',
})
export class RemoteUpdateInput extends RemoteTemplateChanges {
  @Field(() => [UpstreamInput], fallbacksOption)
  fallbacks?: UpstreamInput[] | null;

  @Field(() => ID, credentialIdOption)
  credentialId?: string | null;

  @Field(() => ID, signaturePolicyIdOption)
  signaturePolicyId?: string | null;

  @Field(() => ID, { description: 'The remote.' })
  id!: string;

  @Field(() => String, {
    nullable: true,
    description: 'Unique name, 1 to 255 visible characters. It cannot be cleared.',
  })
  name?: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      'Base URL of the registry API, as for remoteCreate. It cannot be cleared. Another url deletes the stored password, client key and ' +
      'header values unless the same update sets them again. So does another proxyUrl or sslCaCertificate, and sslValidation: false.',
  })
  url?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'Name of the repository at the upstream, e.g. library/nginx. It cannot be cleared.',
  })
  upstreamName?: string | null;
}
