import { GraphQLJSON } from 'graphql-scalars';
import { GraphQLScalarType } from 'graphql';
import { Field, ID, ObjectType, registerEnumType } from 'type-graphql';
import type { ConfiguredKind } from '../../../db/schema/configuration.ts';
import type { SectionKind } from '../../../db/configuration/read-section.ts';
import type { Applied } from '../../../operations/configuration/apply.ts';
import type { Exported } from '../../../operations/configuration/export.ts';
import { toGlobalId } from '../../../operations/global-id.ts';
import { connectionType } from '../connection.ts';
import { Payload } from '../payload.type.ts';

/** Any JSON value. */
export const Json = new GraphQLScalarType({
  ...GraphQLJSON.toConfig(),
  name: 'JSON',
  description: 'Any JSON value.',
  specifiedByURL: null,
});

const ConfigurationActionEnum = { CREATE: 'CREATE', UPDATE: 'UPDATE', DELETE: 'DELETE' } as const;
registerEnumType(ConfigurationActionEnum, {
  name: 'ConfigurationAction',
  description: 'What applying a configuration does with one thing.',
  valuesConfig: {
    CREATE: { description: 'It is created.' },
    UPDATE: { description: 'Some of its fields are changed.' },
    DELETE: { description: 'It is deleted.' },
  },
});

export const ConfiguredKindEnum = {
  SIGNATURE_POLICY: 'SIGNATURE_POLICY',
  CREDENTIAL: 'CREDENTIAL',
  REMOTE: 'REMOTE',
  REPOSITORY: 'REPOSITORY',
  SCHEDULE: 'SCHEDULE',
  DISTRIBUTION: 'DISTRIBUTION',
  MIRROR_RULE: 'MIRROR_RULE',
  PROXY: 'PROXY',
  WEBHOOK: 'WEBHOOK',
} as const satisfies Record<ConfiguredKind, ConfiguredKind>;
registerEnumType(ConfiguredKindEnum, {
  name: 'ConfiguredKind',
  description: 'What a configuration lists.',
  valuesConfig: {
    SIGNATURE_POLICY: { description: 'A signature policy.' },
    CREDENTIAL: { description: 'A credential.' },
    REMOTE: { description: 'A remote.' },
    REPOSITORY: { description: 'A repository.' },
    SCHEDULE: { description: 'A schedule. It is listed with its repository.' },
    DISTRIBUTION: { description: 'A distribution.' },
    MIRROR_RULE: { description: 'A mirror rule.' },
    PROXY: { description: 'A proxy.' },
    WEBHOOK: { description: 'A webhook.' },
  },
});

export const ConfigurationSectionEnum = {
  SIGNATURE_POLICY: 'SIGNATURE_POLICY',
  CREDENTIAL: 'CREDENTIAL',
  REMOTE: 'REMOTE',
  REPOSITORY: 'REPOSITORY',
  DISTRIBUTION: 'DISTRIBUTION',
  MIRROR_RULE: 'MIRROR_RULE',
  PROXY: 'PROXY',
  WEBHOOK: 'WEBHOOK',
} as const satisfies Record<SectionKind, SectionKind>;
registerEnumType(ConfigurationSectionEnum, {
  name: 'ConfigurationSection',
  description: 'A section of a configuration.',
  valuesConfig: {
    SIGNATURE_POLICY: { description: 'signaturePolicies' },
    CREDENTIAL: { description: 'credentials' },
    REMOTE: { description: 'remotes' },
    REPOSITORY: { description: 'repositories, with their schedules' },
    MIRROR_RULE: { description: 'mirrorRules' },
    PROXY: { description: 'proxies' },
    WEBHOOK: { description: 'webhooks' },
    DISTRIBUTION: {
      description:
        "distributions. The one at a repository's own name is listed where it differs from that of a new repository.",
    },
  },
});

@ObjectType('ConfigurationFieldChange', { description: 'A field that differs.', simpleResolvers: true })
export class ConfigurationFieldChangeType {
  @Field(() => String, { description: 'The field, as in the configuration.' })
  field!: string;

  @Field(() => Json, { nullable: true, description: 'The present value; null for secrets.' })
  from!: unknown;

  @Field(() => Json, { nullable: true, description: 'The wanted value; null for secrets.' })
  to!: unknown;

  @Field(() => Boolean, { description: 'Whether the values are secret.' })
  isSecret!: boolean;
}

@ObjectType('ConfigurationChange', {
  description: 'One thing that a configuration changes.',
  simpleResolvers: true,
})
export class ConfigurationChangeType {
  @Field(() => ConfigurationActionEnum, { description: 'What is done.' })
  action!: keyof typeof ConfigurationActionEnum;

  @Field(() => ConfiguredKindEnum, { description: 'What kind of thing it is.' })
  kind!: ConfiguredKind;

  @Field(() => String, {
    description:
      'Its name; of a distribution or proxy, the base path; of a schedule, the name of its repository.',
  })
  name!: string;

  @Field(() => [ConfigurationFieldChangeType], {
    description: 'The fields that differ: from the present values, or from the defaults where it is created.',
  })
  fields!: ConfigurationFieldChangeType[];

  @Field(() => Boolean, { description: 'Whether the change is made.' })
  isApplied!: boolean;
}

@ObjectType('ConfigurationApplyPayload', {
  description: 'The result of applying a configuration.',
  simpleResolvers: true,
})
export class ConfigurationApplyPayload extends Payload {
  @Field(() => [ConfigurationChangeType], {
    description: 'The changes in their order; empty if the server is as the configuration says.',
  })
  changes!: ConfigurationChangeType[];
}

@ObjectType('ConfiguredThing', {
  description: 'One thing of the running state, as a configuration says it.',
  simpleResolvers: true,
})
export class ConfiguredThingType {
  @Field(() => ID, { description: 'Its id.' })
  id!: string;

  @Field(() => String, { description: 'Its name, or base path.' })
  name!: string;

  @Field(() => Json, {
    description: 'Its fields, as an entry of the section. Defaults and secrets are left out.',
  })
  value!: unknown;

  @Field(() => [String], { description: 'The fields with secrets that it has.' })
  secrets!: string[];
}

export const ConfiguredThingConnection = connectionType(ConfiguredThingType, 'ConfiguredThing');

const nodeTypes = {
  SIGNATURE_POLICY: 'SignaturePolicy',
  CREDENTIAL: 'Credential',
  REMOTE: 'Remote',
  REPOSITORY: 'Repository',
  DISTRIBUTION: 'Distribution',
  MIRROR_RULE: 'MirrorRule',
  PROXY: 'Proxy',
  WEBHOOK: 'Webhook',
} as const;

export function toConfiguredThing(section: SectionKind, exported: Exported): ConfiguredThingType {
  const { id, name, values, secrets } = exported;
  return { id: toGlobalId(nodeTypes[section], id), name, value: values, secrets: [...secrets] };
}

/** Mistakes with their path inside `input`. */
export function toApplyPayload({ changes, mistakes }: Applied): ConfigurationApplyPayload {
  return {
    changes: changes.map(({ action, kind, name, fields, isApplied }) => ({
      action,
      kind,
      name,
      fields: [...fields],
      isApplied,
    })),
    userErrors: mistakes.map(({ code, field, message }) => ({
      code,
      field: ['configuration', ...field],
      message,
    })),
  };
}
