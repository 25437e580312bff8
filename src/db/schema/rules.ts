import { defineEntity, p } from '@mikro-orm/postgresql';
import type { InferEntity } from '@mikro-orm/postgresql';
import { discoveries } from '../../oci/hosts/discovery.ts';
import { autoId, key, temporalState, timestamps } from './columns/columns.ts';
import type { Identity } from './columns/identity.ts';
import { fallbacksColumn } from './upstreams.ts';

/** Makes repositories from those of an upstream registry. */
export const MirrorRule = defineEntity({
  name: 'MirrorRule',
  properties: {
    id: autoId,
    name: p.text(),
    url: p.text(),
    discovery: p.enum(discoveries).default('CATALOG'),
    /** Names at the upstream, of LIST. */
    repositories: p.array().columnType('text[]').nullable(),
    includeRepositories: p.array().columnType('text[]').default([]),
    excludeRepositories: p.array().columnType('text[]').default([]),
    stripPrefix: p.text().nullable(),
    targetPrefix: p.text().default(''),
    repositoriesAtMost: p.integer().default(1_000),
    /** The remotes that it makes: the plain fields of `RemoteFields`, without name and address. The proxy is without its credentials. */
    template: p
      .json<Readonly<Record<string, unknown>>>()
      .onCreate(() => ({}))
      .defaultRaw("'{}'"),
    /** JSON of the secret fields of those remotes, encrypted. */
    secretsSealed: p.text().nullable(),
    signaturePolicyId: p.bigint('number').nullable(),
    /** Of the discovery, and of the remotes that it makes. */
    credentialId: p.bigint('number').nullable(),
    /** Of the remotes that it makes. */
    fallbacks: fallbacksColumn,
    /** Whether its syncs remove tags that the upstream no longer has. */
    mirror: p.boolean().default(false),
    /** At most one of `cron` and `intervalSeconds` is set. */
    cron: p.text().nullable(),
    intervalSeconds: p.integer().nullable(),
    timeZone: p.text().default('UTC'),
    paused: p.boolean().default(false),
    /** As in `SyncArguments`, from the API that last changed the rule. */
    allowPrivate: p.boolean(),
    /** The caller who created or last changed it. Its scheduled runs have their rights. */
    madeBy: p.json<Identity>().nullable(),
    revision: p.integer().default(1),
    /** The revision that Temporal has; null: it does not have it yet. */
    temporalRevision: p.integer().nullable(),
    ...temporalState,
    ...timestamps,
  },
});
export type MirrorRule = InferEntity<typeof MirrorRule>;

/** The schedule of a rule that still has to be deleted at Temporal. */
export const MirrorRuleRemoval = defineEntity({
  name: 'MirrorRuleRemoval',
  properties: { temporalId: p.text().primary() },
});

/** A repository that a rule has made. */
export const RuleRepository = defineEntity({
  name: 'RuleRepository',
  properties: {
    repositoryId: key.autoincrement(false),
    ruleId: p.bigint('number'),
    upstreamName: p.text(),
    /** Null: the upstream has it. */
    vanishedAt: p.datetime().nullable(),
  },
});

export const ruleOutcomes = ['CREATE', 'PRESENT', 'VANISHED', 'COLLIDES', 'LEFT_OUT'] as const;
export type RuleOutcomeKind = (typeof ruleOutcomes)[number];

/** What a run of a rule found about a repository of the upstream. */
export const RuleOutcome = defineEntity({
  name: 'RuleOutcome',
  properties: {
    taskId: key,
    upstreamName: p.text().primary(),
    /** The repository of this server. */
    name: p.text(),
    outcome: p.enum(ruleOutcomes),
    reason: p.text().nullable(),
    repositoryId: p.bigint('number').nullable(),
    /** The sync that the run has started. */
    syncTaskId: p.bigint('number').nullable(),
    /** False: a look has found that a sync would change nothing. Null: not looked at yet. */
    needsSync: p.boolean().nullable(),
  },
});

export const rulesTables = [MirrorRule, MirrorRuleRemoval, RuleRepository, RuleOutcome];
