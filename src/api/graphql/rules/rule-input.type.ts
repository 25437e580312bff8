import { Field, ID, InputType, Int } from 'type-graphql';
import type { Discovery } from '../../../oci/hosts/discovery.ts';
import { credentialIdOption } from '../credentials/credential-text.ts';
import { signaturePolicyIdOption } from '../policies/signature-policy-id.ts';
import { NewRemoteTemplate } from '../remotes/remote-input.type.ts';
import { RemoteTemplateChanges } from '../remotes/remote-update.type.ts';
import { UpstreamInput, fallbacksOption } from '../remotes/upstream.type.ts';
import { ruleFieldText } from './rule-text.ts';
import { DiscoveryEnum } from './rule.type.ts';

const cleared = (text: string): string => `${text} It cannot be cleared.`;
const listOption = (description: string) => ({ nullable: true, description }) as const;

/** The fields of a new rule but those that name something else. Those of a remote are the settings of the remotes that it makes. */
@InputType()
export abstract class NewRuleSettings extends NewRemoteTemplate {
  @Field(() => String, { description: ruleFieldText.name })
  name!: string;

  @Field(() => String, { description: ruleFieldText.url })
  url!: string;

  @Field(() => DiscoveryEnum, {
    nullable: true,
    defaultValue: 'CATALOG',
    description: ruleFieldText.discovery,
  })
  discovery?: Discovery | null;

  @Field(() => [String], listOption(ruleFieldText.repositories))
  repositories?: string[] | null;

  @Field(() => [String], listOption(ruleFieldText.includeRepositories))
  includeRepositories?: string[] | null;

  @Field(() => [String], listOption(ruleFieldText.excludeRepositories))
  excludeRepositories?: string[] | null;

  @Field(() => String, listOption(ruleFieldText.stripPrefix))
  stripPrefix?: string | null;

  @Field(() => String, { nullable: true, defaultValue: '', description: ruleFieldText.targetPrefix })
  targetPrefix?: string | null;

  @Field(() => Int, { nullable: true, defaultValue: 1_000, description: ruleFieldText.repositoriesAtMost })
  repositoriesAtMost?: number | null;

  @Field(() => Boolean, { nullable: true, defaultValue: false, description: ruleFieldText.mirror })
  mirror?: boolean | null;

  @Field(() => String, listOption(ruleFieldText.cron))
  cron?: string | null;

  @Field(() => Int, listOption(ruleFieldText.intervalSeconds))
  intervalSeconds?: number | null;

  @Field(() => String, { nullable: true, defaultValue: 'UTC', description: ruleFieldText.timeZone })
  timeZone?: string | null;

  @Field(() => Boolean, { nullable: true, defaultValue: false, description: ruleFieldText.paused })
  paused?: boolean | null;
}

@InputType('MirrorRuleCreateInput', {
  description: 'A new mirror rule, with the settings of the remotes that it makes.',
})
export class MirrorRuleCreateInput extends NewRuleSettings {
  @Field(() => [UpstreamInput], fallbacksOption)
  fallbacks?: UpstreamInput[] | null;

  @Field(() => ID, signaturePolicyIdOption)
  signaturePolicyId?: string | null;

  @Field(() => ID, credentialIdOption)
  credentialId?: string | null;
}

@InputType('MirrorRuleUpdateInput', {
  description:
    'Changes to a mirror rule. Omitted fields are kept; null clears a field. Repositories and remotes that it has made stay as they are.',
})
export class MirrorRuleUpdateInput extends RemoteTemplateChanges {
  @Field(() => [UpstreamInput], fallbacksOption)
  fallbacks?: UpstreamInput[] | null;

  @Field(() => ID, { description: 'The rule.' })
  id!: string;

  @Field(() => ID, signaturePolicyIdOption)
  signaturePolicyId?: string | null;

  @Field(() => ID, credentialIdOption)
  credentialId?: string | null;

  @Field(() => String, listOption(cleared(ruleFieldText.name)))
  name?: string | null;

  @Field(() => String, listOption(`${cleared(ruleFieldText.url)} Another one deletes the stored secrets.`))
  url?: string | null;

  @Field(() => DiscoveryEnum, listOption(cleared(ruleFieldText.discovery)))
  discovery?: Discovery | null;

  @Field(() => [String], listOption(ruleFieldText.repositories))
  repositories?: string[] | null;

  @Field(() => [String], listOption(ruleFieldText.includeRepositories))
  includeRepositories?: string[] | null;

  @Field(() => [String], listOption(ruleFieldText.excludeRepositories))
  excludeRepositories?: string[] | null;

  @Field(() => String, listOption(ruleFieldText.stripPrefix))
  stripPrefix?: string | null;

  @Field(() => String, listOption(cleared(ruleFieldText.targetPrefix)))
  targetPrefix?: string | null;

  @Field(() => Int, listOption(cleared(ruleFieldText.repositoriesAtMost)))
  repositoriesAtMost?: number | null;

  @Field(() => Boolean, listOption(cleared(ruleFieldText.mirror)))
  mirror?: boolean | null;

  @Field(() => String, listOption(`${ruleFieldText.cron} It replaces intervalSeconds.`))
  cron?: string | null;

  @Field(() => Int, listOption(`${ruleFieldText.intervalSeconds} It replaces cron.`))
  intervalSeconds?: number | null;

  @Field(() => String, listOption(cleared(ruleFieldText.timeZone)))
  timeZone?: string | null;

  @Field(() => Boolean, listOption(cleared(ruleFieldText.paused)))
  paused?: boolean | null;
}

@InputType('MirrorRuleDeleteInput', { description: 'The mirror rule to delete. Its repositories stay.' })
export class MirrorRuleDeleteInput {
  @Field(() => ID, { description: 'The rule.' })
  id!: string;
}

@InputType('MirrorRuleRunInput', { description: 'The mirror rule to run.' })
export class MirrorRuleRunInput {
  @Field(() => ID, { description: 'The rule.' })
  id!: string;

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description: 'Whether the run only lists what would come, in `Task.ruleOutcomes`.',
  })
  dryRun?: boolean | null;
}
