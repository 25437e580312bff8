import type { SecretBox } from '../../../access/secrets.ts';
import { MirrorRule } from '../../../db/schema/rules.ts';
import { createRule, removeRule, updateRule } from '../../rules/rules.ts';
import type { NewRule } from '../../rules/rules.ts';
import { ruleDefaults } from '../../rules/rule-fields.ts';
import type { RuleFields } from '../../rules/rule-fields.ts';
import { ruleSecrets } from '../../rules/rule-row.ts';
import { templateOf } from '../../remotes/remote-template.ts';
import type { Present, Values } from '../configuration.ts';
import { readFallbacks, toFallbackReferences } from '../fallback-values.ts';
import { readReferences, readRows, toReferences } from '../find-named.ts';
import type { Kind, Maker } from '../kind.ts';
import { remoteKind, remoteReferences, settleRemote } from '../remote-kind.ts';
import { columnsOf, dropOtherTime, emptyToNull, withSecrets } from '../values.ts';

const ownDefaults = {
  ...ruleDefaults,
  repositories: null,
  includeRepositories: null,
  excludeRepositories: null,
  stripPrefix: null,
  cron: null,
  intervalSeconds: null,
} as const;

/** The fields of a remote are those of the remotes that the rule makes. */
export const ruleKind: Kind = {
  kind: 'MIRROR_RULE',
  section: 'mirrorRules',
  nameField: 'name',
  defaults: { ...remoteKind.defaults, ...ownDefaults },
  kept: remoteKind.kept,
  secrets: remoteKind.secrets,
  ...(remoteKind.withoutSecrets && { withoutSecrets: remoteKind.withoutSecrets }),
  references: remoteReferences,
  ...(remoteKind.listReferences && { listReferences: remoteKind.listReferences }),
  settle: settleRule,
  ...(remoteKind.isSame && { isSame: remoteKind.isSame }),
  async read(reader, which) {
    const rows = await readRows(reader, MirrorRule, which);
    const references = await readReferences(reader, remoteReferences, rows);
    const fallbacks = await readFallbacks(reader, rows);
    return rows.map((row, index) =>
      describe(row, reader.secrets, { ...references[index], fallbacks: fallbacks[index] }),
    );
  },
  create: (maker, deps, values) => createRule(maker, deps, toFields(maker, values) as NewRule),
  update(maker, deps, update) {
    const changes = dropOtherTime(withSecrets(update, remoteKind.secrets));
    return updateRule(maker, deps, update.thing, toFields(maker, changes));
  },
  remove: (maker, _, thing) => removeRule(maker, thing),
};

function toFields(maker: Maker, values: Values): RuleFields {
  return {
    ...(values as RuleFields),
    ...toReferences(maker, remoteReferences, values),
    ...toFallbackReferences(maker, values),
  };
}

function settleRule(values: Values): Values {
  const { includeRepositories, excludeRepositories, repositories } = values as RuleFields;
  return {
    ...settleRemote(values),
    includeRepositories: emptyToNull(includeRepositories),
    excludeRepositories: emptyToNull(excludeRepositories),
    repositories: emptyToNull(repositories),
  };
}

function describe(row: MirrorRule, box: SecretBox, references: Values): Present {
  const { id, name, url } = row;
  const secrets = remoteKind.secrets.map((field) => [field, null]);
  return {
    id,
    name,
    values: settleRule({
      ...remoteKind.defaults,
      ...Object.fromEntries(secrets),
      ...templateOf(row, ruleSecrets(box)),
      ...columnsOf(row, ownDefaults),
      ...references,
      name,
      url,
    }),
  };
}
