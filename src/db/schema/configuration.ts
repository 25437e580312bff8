import { defineEntity, p } from '@mikro-orm/postgresql';
import { key } from './columns/columns.ts';

export const configuredKinds = [
  'SIGNATURE_POLICY',
  'CREDENTIAL',
  'REMOTE',
  'REPOSITORY',
  'SCHEDULE',
  'DISTRIBUTION',
  'MIRROR_RULE',
  'PROXY',
  'WEBHOOK',
] as const;
/** What a configuration has: a section of tidemark.yaml each; schedules are listed with their repository. */
export type ConfiguredKind = (typeof configuredKinds)[number];

/** Something that applying a configuration has created. Only that is deleted by `prune`. */
export const ConfiguredThing = defineEntity({
  name: 'ConfiguredThing',
  properties: {
    kind: p.enum(configuredKinds).primary(),
    thingId: key,
    /** The `name:` of the configuration. */
    configuration: p.text(),
  },
});

export const configurationTables = [ConfiguredThing];
