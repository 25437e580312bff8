import { Field, InputType, Int } from 'type-graphql';
import { CredentialCreateInput } from '../credentials/credential-input.type.ts';
import { SignaturePolicyCreateInput } from '../policies/signature-policy.type.ts';
import { NewRemoteSettings } from '../remotes/remote-input.type.ts';
import { RepositoryNameField, RepositoryPlainSettings } from '../repositories/repository.type.ts';
import { NewProxySettings } from '../proxies/proxy-input.type.ts';
import { NewWebhookSettings } from '../webhooks/webhook-input.type.ts';
import { NewRuleSettings } from '../rules/rule-input.type.ts';
import { NewDistributionSettings } from '../distributions/distribution.type.ts';
import { UpstreamSettings, fallbacksOption } from '../remotes/upstream.type.ts';
import { NewScheduleSettings } from '../schedules/schedule-input.type.ts';

const credentialOption = {
  nullable: true,
  description: 'The credential, by name; null: none. Instead of username and password.',
} as const;

const signaturePolicyOption = {
  nullable: true,
  description: 'The signature policy, by name; null: none.',
} as const;

@InputType('ConfiguredUpstreamInput', { description: 'A fallback of a configuration.' })
export class ConfiguredUpstreamInput extends UpstreamSettings {
  @Field(() => String, { nullable: true, description: 'The credential, by name; null: none.' })
  credential?: string | null;
}

@InputType('ConfiguredRemoteInput', { description: 'A remote of a configuration.' })
export class ConfiguredRemoteInput extends NewRemoteSettings {
  @Field(() => [ConfiguredUpstreamInput], fallbacksOption)
  fallbacks?: ConfiguredUpstreamInput[] | null;

  @Field(() => String, credentialOption)
  credential?: string | null;

  @Field(() => String, signaturePolicyOption)
  signaturePolicy?: string | null;
}

@InputType('ConfiguredScheduleInput', { description: 'A schedule of a repository of a configuration.' })
export class ConfiguredScheduleInput extends NewScheduleSettings {
  @Field(() => String, {
    nullable: true,
    description: "The remote to sync from, by name; null: the repository's own at the time of the run.",
  })
  remote?: string | null;
}

@InputType('ConfiguredRepositoryInput', { description: 'A repository of a configuration.' })
export class ConfiguredRepositoryInput extends RepositoryPlainSettings {
  @RepositoryNameField()
  name!: string;

  @Field(() => String, {
    nullable: true,
    description: 'The default remote of repositorySync, by name; null: none.',
  })
  remote?: string | null;

  @Field(() => String, signaturePolicyOption)
  signaturePolicy?: string | null;

  @Field(() => [ConfiguredScheduleInput], { nullable: true, description: 'Its schedules; null: none.' })
  schedules?: ConfiguredScheduleInput[] | null;
}

@InputType('ConfiguredDistributionInput', {
  description: "A distribution of a configuration. It may be the one at a repository's own name.",
})
export class ConfiguredDistributionInput extends NewDistributionSettings {
  @Field(() => String, {
    nullable: true,
    description: 'The repository that it serves, by name; null: the one whose name is the base path.',
  })
  repository?: string | null;

  @Field(() => Int, {
    nullable: true,
    description: 'The number of the version to pin; null: the latest is followed.',
  })
  version?: number | null;

  @Field(() => String, signaturePolicyOption)
  signaturePolicy?: string | null;
}

@InputType('ConfiguredMirrorRuleInput', { description: 'A mirror rule of a configuration.' })
export class ConfiguredMirrorRuleInput extends NewRuleSettings {
  @Field(() => [ConfiguredUpstreamInput], fallbacksOption)
  fallbacks?: ConfiguredUpstreamInput[] | null;

  @Field(() => String, credentialOption)
  credential?: string | null;

  @Field(() => String, signaturePolicyOption)
  signaturePolicy?: string | null;
}

@InputType('ConfiguredProxyInput', { description: 'A proxy of a configuration.' })
export class ConfiguredProxyInput extends NewProxySettings {
  @Field(() => [ConfiguredUpstreamInput], fallbacksOption)
  fallbacks?: ConfiguredUpstreamInput[] | null;

  @Field(() => String, credentialOption)
  credential?: string | null;

  @Field(() => String, signaturePolicyOption)
  signaturePolicy?: string | null;
}

@InputType('ConfiguredWebhookInput', { description: 'A webhook of a configuration.' })
export class ConfiguredWebhookInput extends NewWebhookSettings {
  @Field(() => String, {
    nullable: true,
    description:
      'The secret that signs the messages: whsec_ and base64 of 24 to 64 random bytes. A new webhook needs it, because a generated one could not be ' +
      'shown; null: it is kept. Write-only, stored encrypted.',
  })
  secret?: string | null;
}

@InputType('ConfigurationInput', { description: 'The content of tidemark.yaml (docs/configuration.md).' })
export class ConfigurationInput {
  @Field(() => String, {
    description:
      'Whose configuration it is, 1 to 255 visible characters. Only what it has created is pruned.',
  })
  name!: string;

  @Field(() => [SignaturePolicyCreateInput], { nullable: true, description: 'Signature policies.' })
  signaturePolicies?: SignaturePolicyCreateInput[] | null;

  @Field(() => [CredentialCreateInput], { nullable: true, description: 'Credentials.' })
  credentials?: CredentialCreateInput[] | null;

  @Field(() => [ConfiguredRemoteInput], { nullable: true, description: 'Remotes.' })
  remotes?: ConfiguredRemoteInput[] | null;

  @Field(() => [ConfiguredRepositoryInput], {
    nullable: true,
    description: 'Repositories, with their schedules.',
  })
  repositories?: ConfiguredRepositoryInput[] | null;

  @Field(() => [ConfiguredDistributionInput], { nullable: true, description: 'Distributions.' })
  distributions?: ConfiguredDistributionInput[] | null;

  @Field(() => [ConfiguredMirrorRuleInput], { nullable: true, description: 'Mirror rules.' })
  mirrorRules?: ConfiguredMirrorRuleInput[] | null;

  @Field(() => [ConfiguredProxyInput], { nullable: true, description: 'Proxies.' })
  proxies?: ConfiguredProxyInput[] | null;

  @Field(() => [ConfiguredWebhookInput], { nullable: true, description: 'Webhooks.' })
  webhooks?: ConfiguredWebhookInput[] | null;
}

@InputType('ConfigurationApplyInput', { description: 'A configuration to apply.' })
export class ConfigurationApplyInput {
  @Field(() => ConfigurationInput, { description: 'The configuration.' })
  configuration!: ConfigurationInput;

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description:
      'Whether what an earlier apply of a configuration of the same name has created, and this one lacks, is deleted.',
  })
  prune?: boolean | null;

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description: 'Whether the changes are only shown. They are checked as if they were made.',
  })
  dryRun?: boolean | null;
}
