import { may } from '../../access/viewer.ts';
import type { SecretBox } from '../../access/secrets.ts';
import { MirrorRule } from '../../db/schema/rules.ts';
import { createRule, removeRule, updateRule } from '../rules/rules.ts';
import type { NewRule } from '../rules/rules.ts';
import type { RuleFields } from '../rules/rule-fields.ts';
import { templateOf } from '../rules/rule-template.ts';
import type { Operator } from '../operation.ts';
import type { Present, Values } from './configuration.ts';
import { readNames, referTo } from './find-named.ts';
import { inOrderOfIds, whereOf } from './kind.ts';
import type { Kind } from './kind.ts';
import { remoteKind, settleRemote } from './remote-kind.ts';
import type { Names } from './remote-kind.ts';

const ownDefaults = {
  discovery: 'CATALOG',
  repositories: null,
  includeRepositories: null,
  excludeRepositories: null,
  stripPrefix: null,
  targetPrefix: '',
  repositoriesAtMost: 1_000,
  mirror: false,
  cron: null,
  intervalSeconds: null,
  timeZone: 'UTC',
  paused: false,
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
  references: { credential: 'CREDENTIAL', signaturePolicy: 'SIGNATURE_POLICY' },
  settle: settleRule,
  ...(remoteKind.isSame && { isSame: remoteKind.isSame }),
  async read({ em, viewer, secrets: box }, which) {
    const rows = await em.find(MirrorRule, whereOf(which, 'name'), inOrderOfIds);
    const seen = rows.filter(({ name }) => may(viewer, 'reader', name));
    const policyIds = seen.map(({ signaturePolicyId }) => signaturePolicyId);
    const policies = await readNames(em, viewer, 'SIGNATURE_POLICY', policyIds);
    const credentialIds = seen.map(({ credentialId }) => credentialId);
    const credentials = await readNames(em, viewer, 'CREDENTIAL', credentialIds);
    return seen.map((row) => describe(row, { policies, credentials }, box));
  },
  async create(operator, deps, values) {
    return createRule(operator, deps, (await toFields(operator, values)) as NewRule);
  },
  async update(operator, deps, { thing, changes, values }) {
    // a change of the address deletes the stored secrets, so those that are given are given again
    const given = Object.entries(values).filter(([field]) => remoteKind.secrets.includes(field));
    const all = { ...Object.fromEntries(given), ...dropOtherTime(changes) };
    return updateRule(operator, deps, thing, await toFields(operator, all));
  },
  remove: (operator, _, thing) => removeRule(operator, thing),
};

async function toFields({ em }: Operator, values: Values): Promise<RuleFields> {
  const signaturePolicy = await referTo(em, 'SIGNATURE_POLICY', 'signaturePolicy', values['signaturePolicy']);
  const credential = await referTo(em, 'CREDENTIAL', 'credential', values['credential']);
  return { ...(values as RuleFields), signaturePolicy, credential };
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

function describe(row: MirrorRule, { policies, credentials }: Names, box: SecretBox): Present {
  const { id, name, url } = row;
  const template = templateOf(row, box);
  const own = Object.keys(ownDefaults).map((field) => [field, row[field as keyof MirrorRule] ?? null]);
  const secrets = remoteKind.secrets.map((field) => [field, null]);
  return {
    id,
    name,
    values: settleRule({
      ...remoteKind.defaults,
      ...Object.fromEntries(secrets),
      ...template,
      ...Object.fromEntries(own),
      name,
      url,
      credential: credentials.get(row.credentialId ?? 0) ?? null,
      signaturePolicy: policies.get(row.signaturePolicyId ?? 0) ?? null,
    }),
  };
}

/** Of cron and intervalSeconds, the given one replaces the other. */
function dropOtherTime(changes: Values): Values {
  const times = ['cron', 'intervalSeconds'];
  const isReplaced = times.some((field) => changes[field] !== null && changes[field] !== undefined);
  if (!isReplaced) return changes;
  return Object.fromEntries(
    Object.entries(changes).filter(([field, value]) => value !== null || !times.includes(field)),
  );
}

function emptyToNull<Value>(list: readonly Value[] | null | undefined): readonly Value[] | null {
  return list && list.length > 0 ? list : null;
}
