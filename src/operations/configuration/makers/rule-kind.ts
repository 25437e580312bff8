import type { SecretBox } from '../../../access/secrets.ts';
import { MirrorRule } from '../../../db/schema/rules.ts';
import { createRule, removeRule, updateRule } from '../../rules/rules.ts';
import type { NewRule } from '../../rules/rules.ts';
import { ruleDefaults } from '../../rules/rule-fields.ts';
import type { RuleFields } from '../../rules/rule-fields.ts';
import { ruleSecrets } from '../../rules/rule-row.ts';
import { templateOf } from '../../remotes/remote-template.ts';
import type { Present, Values } from '../configuration.ts';
import type { Kind } from '../kind.ts';
import { readWithReferences, remoteKind, settleRemote, toFields } from '../remote-kind.ts';
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
  ...remoteKind,
  kind: 'MIRROR_RULE',
  section: 'mirrorRules',
  nameField: 'name',
  defaults: { ...remoteKind.defaults, ...ownDefaults },
  settle: settleRule,
  read: (reader, which) => readWithReferences(reader, MirrorRule, which, describe),
  create: (maker, deps, values) => createRule(maker, deps, toFields(maker, values) as NewRule),
  update(maker, deps, update) {
    const changes = dropOtherTime(withSecrets(update, remoteKind.secrets));
    return updateRule(maker, deps, update.thing, toFields(maker, changes));
  },
  remove: (maker, _, thing) => removeRule(maker, thing),
};

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
