import { LockMode } from '@mikro-orm/core';
import type { SecretBox } from '../../access/secrets.ts';
import { deleteRule } from '../../db/rules/read-rules.ts';
import { createRuleTask } from '../../db/rules/rule-runs.ts';
import { settleRuleSchedule } from '../../db/rules/temporal-rules.ts';
import { MirrorRule } from '../../db/schema/rules.ts';
import { quoteValue } from '../../oci/error.ts';
import { registryBaseUrl } from '../../oci/hosts/registry-address.ts';
import { toGlobalId } from '../global-id.ts';
import { mistake, noSuchId } from '../mistakes.ts';
import type { Mistake } from '../mistakes.ts';
import { done, inTransaction, refused } from '../operation.ts';
import type { Operator, Outcome, Reference } from '../operation.ts';
import { lacksNames, lacksRole, newNameOf } from '../permit.ts';
import { applyTemplateChange, lockTemplate } from '../credentials/template-credential.ts';
import { isNameTaken, lockNamed, lockOwned } from '../references.ts';
import { withDefaults } from '../remotes/given-fields.ts';
import { remoteDefaults } from '../remotes/remote-fields.ts';
import type { SyncDeps } from '../syncs.ts';
import { refusedTask, startWorkflow } from '../tasks.ts';
import type { TaskOutcome } from '../tasks.ts';
import { applyOwn, asChanged, ruleSecrets } from './rule-row.ts';
import { checkRuleFields, checkWhole, lacksTarget, ruleDefaults } from './rule-fields.ts';
import type { RuleFields } from './rule-fields.ts';

export interface RuleDeps extends SyncDeps {
  readonly secrets: SecretBox;
}

export interface NewRule extends RuleFields {
  readonly name: string;
  readonly url: string;
}

/** Needs the role maintainer for the name, and for all names below the target prefix. */
export async function createRule(
  operator: Operator,
  deps: RuleDeps,
  fields: NewRule,
): Promise<Outcome<number>> {
  const { viewer } = operator;
  const { name, targetPrefix } = fields;
  const secrets = ruleSecrets(deps.secrets);
  return inTransaction(
    operator,
    async (em) => {
      const lacking = [
        ...lacksRole(viewer, 'maintainer', name, 'name'),
        ...lacksTarget(viewer, targetPrefix ?? '', 'targetPrefix'),
      ];
      if (lacking.length > 0) return refused(...lacking);
      const given = withDefaults(fields, { ...remoteDefaults, ...ruleDefaults });
      const discovery = given.discovery ?? ruleDefaults.discovery;
      const mistakes = [...checkRuleFields(given, deps.addresses), ...checkWhole({ ...given, discovery })];
      const named = await lockTemplate(em, viewer, secrets, { row: null, fields, mistakes });
      if (await isNameTaken(em, 'mirror_rule', name)) mistakes.push(nameTaken(name));
      if (mistakes.length > 0) return refused(...mistakes);
      const row = em.create(MirrorRule, {
        name,
        url: registryBaseUrl(given.url),
        discovery,
        includeRepositories: [],
        excludeRepositories: [],
        template: {},
        fallbacks: [],
        allowPrivate: deps.addresses.allowPrivate,
        madeBy: viewer.identity,
        nextRunAts: [],
      });
      applyOwn(row, given);
      // the id is part of what the secrets are sealed with
      await em.persist(row).flush();
      applyTemplateChange(row, given, named, secrets);
      await em.flush();
      return done(row.id);
    },
    () => nameTaken(name),
  );
}

/**
 * Needs the role maintainer for the rule's name, for a new one, and for all names below the target prefix. Repositories that the rule has made
 * stay as they are. Later scheduled runs have the rights of whoever changed the rule last.
 */
export async function updateRule(
  operator: Operator,
  deps: RuleDeps,
  rule: Reference,
  changes: RuleFields,
): Promise<Outcome<number>> {
  const { viewer } = operator;
  const secrets = ruleSecrets(deps.secrets);
  return inTransaction(
    operator,
    async (em) => {
      const row = await lockNamed(em, viewer, MirrorRule, rule);
      const newName = newNameOf(changes.name, row?.name);
      const lacking = lacksNames(viewer, row?.name, newName, rule);
      if (row !== null)
        lacking.push(...lacksTarget(viewer, changes.targetPrefix ?? row.targetPrefix, 'targetPrefix'));
      if (lacking.length > 0) return refused(...lacking);
      const mistakes = checkRuleFields(changes, deps.addresses);
      if (row === null) mistakes.unshift(ruleNotFound(rule));
      else mistakes.push(...checkWhole(asChanged(row, changes)));
      const named = await lockTemplate(em, viewer, secrets, { row, fields: changes, mistakes });
      if (newName !== undefined && (await isNameTaken(em, 'mirror_rule', newName)))
        mistakes.push(nameTaken(newName));
      if (row === null || mistakes.length > 0) return refused(...mistakes);
      if (newName !== undefined) row.name = newName;
      applyOwn(row, changes);
      applyTemplateChange(row, changes, named, secrets);
      row.allowPrivate = deps.addresses.allowPrivate;
      row.madeBy = viewer.identity;
      row.revision += 1;
      await em.flush();
      await settleRuleSchedule(em, row.id, { isDeleted: false });
      return done(row.id);
    },
    () => nameTaken(changes.name ?? ''),
  );
}

/** Needs the role maintainer for the rule's name. The repositories that it has made stay. */
export async function removeRule(operator: Operator, rule: Reference): Promise<Outcome<undefined>> {
  return inTransaction(operator, async (em) => {
    const owned = await lockOwned(em, operator.viewer, MirrorRule, { ...rule, notFound: ruleNotFound });
    if (owned.mistakes !== undefined) return refused(...owned.mistakes);
    const row = owned.value;
    const openTaskId = await deleteRule(em, row.id);
    if (openTaskId === undefined) return done(undefined);
    const message = `A run of the mirror rule ${quoteValue(row.name)} is open: the task ${toGlobalId('Task', openTaskId)}. Wait until it has ended, or cancel it.`;
    return refused(mistake('IN_USE', [rule.field], message));
  });
}

/** Starts a run of a rule. Needs the role maintainer for the rule's name, and for all names below the target prefix. */
export async function runRule(
  operator: Operator,
  deps: SyncDeps,
  rule: Reference,
  { dryRun }: { readonly dryRun: boolean },
): Promise<TaskOutcome> {
  const { em, viewer } = operator;
  const accepted = await em.fork().transactional(async (transaction) => {
    const row = await lockNamed(transaction, viewer, MirrorRule, rule, LockMode.PESSIMISTIC_READ);
    if (row === null) return refusedTask(ruleNotFound(rule));
    const lacking = [
      ...lacksRole(viewer, 'maintainer', row.name, rule.field),
      ...lacksTarget(viewer, row.targetPrefix, rule.field),
    ];
    if (lacking.length > 0) return refusedTask(...lacking);
    const created = await createRuleTask(transaction, {
      ruleId: row.id,
      dryRun,
      allowPrivate: deps.addresses.allowPrivate,
      startedBy: viewer.identity,
    });
    return { ...created, ruleName: row.name };
  });
  if ('mistakes' in accepted) return accepted;
  const { task, isNew, ruleName } = accepted;
  if (!isNew) {
    const message = `A run of the rule is open: the task ${toGlobalId('Task', task.id)}. Wait until it has ended, or cancel it.`;
    return { taskId: task.id, mistakes: [mistake('IN_USE', [rule.field], message)] };
  }
  await startWorkflow(deps, em, { task, repositoryName: '', ruleName });
  return { taskId: task.id, mistakes: [] };
}

export function ruleNotFound(named: Omit<Reference, 'key'>): Mistake {
  return noSuchId('mirror rule', 'mirrorRules', named);
}

function nameTaken(name: string): Mistake {
  return mistake(
    'ALREADY_EXISTS',
    ['name'],
    `There is a mirror rule named ${quoteValue(name)}; choose another name, or update that one.`,
  );
}
