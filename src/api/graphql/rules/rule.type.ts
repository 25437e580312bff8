import { Field, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { MirrorRule } from '../../../db/schema/rules.ts';
import { discoveries } from '../../../oci/hosts/discovery.ts';
import type { Discovery } from '../../../oci/hosts/discovery.ts';
import { toGlobalId } from '../../../operations/global-id.ts';
import type { TemplateFields } from '../../../operations/remotes/remote-template.ts';
import { connectionType } from '../connection.ts';
import { NodeType } from '../node.type.ts';
import { Payload } from '../payload.type.ts';
import { RemoteSettings, settingsOf } from '../remotes/remote-settings.type.ts';
import { toUpstream } from '../remotes/upstream.type.ts';
import { DateTime } from '../scalars.ts';
import { ruleFieldText } from './rule-text.ts';

export const DiscoveryEnum = Object.fromEntries(discoveries.map((name) => [name, name])) as {
  readonly [Name in Discovery]: Name;
};

registerEnumType(DiscoveryEnum, {
  name: 'Discovery',
  description: 'How the repositories of a registry are found. One that this version lacks is refused.',
  valuesConfig: {
    CATALOG: {
      description: "By the registry's list, /v2/_catalog. Many public registries do not answer it.",
    },
    LIST: { description: 'They are named in `repositories`.' },
    HARBOR: { description: "By Harbor's API." },
    QUAY: { description: "By Quay's API." },
    DOCKER_HUB: { description: "By Docker Hub's API." },
    GITLAB: { description: "By GitLab's API, for the group that each include glob begins with." },
    ECR: { description: "By Amazon's API, with a credential of the kind ECR." },
    GOOGLE: {
      description: "By the lists of tags of Google's registries, below the fixed parts of each include glob.",
    },
    TIDEMARK: { description: 'By another Tidemark: the repositories that its credentials may read.' },
  },
});

@ObjectType('MirrorRule', {
  implements: [NodeType, RemoteSettings],
  description:
    'Makes repositories and remotes from those of an upstream registry, and syncs them. The settings of a remote are those of the remotes that ' +
    'it makes.',
  simpleResolvers: true,
})
export class MirrorRuleType extends RemoteSettings {
  row!: MirrorRule;

  @Field(() => String, { description: ruleFieldText.name })
  name!: string;

  @Field(() => String, { description: ruleFieldText.url })
  url!: string;

  @Field(() => DiscoveryEnum, { description: ruleFieldText.discovery })
  discovery!: Discovery;

  @Field(() => [String], { nullable: true, description: ruleFieldText.repositories })
  repositories!: string[] | null;

  @Field(() => [String], { description: ruleFieldText.includeRepositories })
  includeRepositories!: string[];

  @Field(() => [String], { description: ruleFieldText.excludeRepositories })
  excludeRepositories!: string[];

  @Field(() => String, { nullable: true, description: ruleFieldText.stripPrefix })
  stripPrefix!: string | null;

  @Field(() => String, { description: ruleFieldText.targetPrefix })
  targetPrefix!: string;

  @Field(() => Int, { description: ruleFieldText.repositoriesAtMost })
  repositoriesAtMost!: number;

  @Field(() => Boolean, { description: ruleFieldText.mirror })
  mirror!: boolean;

  @Field(() => String, { nullable: true, description: ruleFieldText.cron })
  cron!: string | null;

  @Field(() => Int, { nullable: true, description: ruleFieldText.intervalSeconds })
  intervalSeconds!: number | null;

  @Field(() => String, { description: ruleFieldText.timeZone })
  timeZone!: string;

  @Field(() => Boolean, { description: ruleFieldText.paused })
  paused!: boolean;

  @Field(() => [DateTime], {
    description:
      'When it next runs by itself, as last reported by Temporal; empty while paused, and without a schedule.',
  })
  nextRunAts!: Date[];

  @Field(() => DateTime, { description: 'Creation time.' })
  createdAt!: Date;

  @Field(() => DateTime, { description: 'Time of the last change.' })
  updatedAt!: Date;
}

export function toMirrorRuleType(row: MirrorRule): MirrorRuleType {
  const { name, url, discovery, includeRepositories, excludeRepositories, targetPrefix } = row;
  const { repositoriesAtMost, mirror, timeZone, paused, createdAt, updatedAt } = row;
  return Object.assign(new MirrorRuleType(), {
    id: toGlobalId('MirrorRule', row.id),
    row,
    name,
    url,
    discovery,
    includeRepositories,
    excludeRepositories,
    targetPrefix,
    repositoriesAtMost,
    mirror,
    timeZone,
    paused,
    createdAt,
    updatedAt,
    repositories: row.repositories ?? null,
    stripPrefix: row.stripPrefix ?? null,
    fallbacks: row.fallbacks.map(toUpstream),
    nextRunAts: paused ? [] : row.nextRunAts.filter((time) => time > new Date()),
    ...settingsOf(row.template as TemplateFields),
    cron: row.cron ?? null,
    intervalSeconds: row.intervalSeconds ?? null,
  });
}

export const MirrorRuleConnection = connectionType(MirrorRuleType, 'MirrorRule');

@ObjectType('MirrorRulePayload', {
  description: 'The result of a mutation of a mirror rule.',
  simpleResolvers: true,
})
export class MirrorRulePayload extends Payload {
  @Field(() => MirrorRuleType, { nullable: true, description: 'The rule; null on error.' })
  mirrorRule!: MirrorRuleType | null;
}
