import type { Viewer } from '../access/viewer.ts';
import { visibilityOf } from '../access/viewer.ts';
import type { Em } from '../db/open-database.ts';
import {
  forgetVerdicts,
  lockSignaturePolicy,
  readPolicyUse,
  toSignatureRules,
} from '../db/policies/signature-policies.ts';
import type { PolicyUse } from '../db/policies/signature-policies.ts';
import { SignaturePolicy } from '../db/schema/signatures.ts';
import { quoteValue } from '../oci/error.ts';
import type { RuleMistake, SignatureRules, SignerIdentity } from '../oci/signatures/signature-rules.ts';
import { checkName, invalid, listThings, mistake, noSuchId, notNull } from './mistakes.ts';
import type { Mistake } from './mistakes.ts';
import { done, inTransaction, refused } from './operation.ts';
import type { Operator, Outcome, Reference } from './operation.ts';
import { lacksNames, lacksRole, newNameOf } from './permit.ts';
import { isNameTaken, lockNamed, lockOwned } from './references.ts';

/** In an update, undefined keeps a field and null clears it. */
export interface SignaturePolicyFields {
  readonly name?: string | null | undefined;
  readonly onFailure?: SignaturePolicy['onFailure'] | null | undefined;
  readonly keys?: string[] | null | undefined;
  readonly openPgpKeys?: string[] | null | undefined;
  readonly identities?: readonly SignerIdentity[] | null | undefined;
  readonly trustedRoot?: string | null | undefined;
  readonly dockerReference?: SignatureRules['dockerReference'] | undefined;
}

/** Compiles keys, identities and roots, which needs libraries that operations may not import. */
export type CheckRules = (rules: SignatureRules) => Promise<readonly RuleMistake[]>;

const noRules: SignatureRules = {
  keys: [],
  openPgpKeys: [],
  identities: [],
  trustedRoot: null,
  dockerReference: null,
};

/** @returns the policy's key. Needs the role maintainer for its name. */
export async function createSignaturePolicy(
  operator: Operator,
  fields: SignaturePolicyFields & { readonly name: string },
  checkRules: CheckRules,
): Promise<Outcome<number>> {
  const { name } = fields;
  const rules = applyRules(noRules, fields);
  const taken = () => nameTaken(name);
  return inTransaction(
    operator,
    async (em) => {
      const lacking = lacksRole(operator.viewer, 'maintainer', name, 'name');
      if (lacking.length > 0) return refused(...lacking);
      const mistakes = [...checkNames({ name }), ...(await findRuleMistakes(checkRules, rules))];
      if (await isNameTaken(em, 'signature_policy', name)) mistakes.push(taken());
      if (mistakes.length > 0) return refused(...mistakes);
      const onFailure = fields.onFailure ?? 'SKIP_TAG';
      const row = em.create(SignaturePolicy, { name, ...rules, onFailure, revision: 1 });
      await em.persist(row).flush();
      return done(row.id);
    },
    taken,
  );
}

/** Needs the role maintainer for the policy's name, and for a new one. Changed rules raise the revision, so verdicts are computed again. */
export async function updateSignaturePolicy(
  operator: Operator,
  policy: Reference,
  fields: SignaturePolicyFields,
  checkRules: CheckRules,
): Promise<Outcome<number>> {
  const { viewer } = operator;
  const taken = () => nameTaken(fields.name ?? '');
  return inTransaction(
    operator,
    async (em) => {
      const row = await lockNamed(em, viewer, SignaturePolicy, policy);
      if (row === null) return refused(signaturePolicyNotFound(policy), ...checkNames(fields));
      const newName = newNameOf(fields.name, row.name);
      const lacking = lacksNames(viewer, row.name, newName, policy);
      if (lacking.length > 0) return refused(...lacking);
      const before = toSignatureRules(row);
      const rules = applyRules(before, fields);
      const mistakes = [...checkNames(fields), ...(await findRuleMistakes(checkRules, rules))];
      if (newName !== undefined && (await isNameTaken(em, 'signature_policy', newName)))
        mistakes.push(taken());
      if (mistakes.length > 0) return refused(...mistakes);
      row.name = fields.name ?? row.name;
      row.onFailure = fields.onFailure ?? row.onFailure;
      if (JSON.stringify(rules) !== JSON.stringify(before)) {
        Object.assign(row, rules, { revision: row.revision + 1 });
        await forgetVerdicts(em, row.id);
      }
      await em.flush();
      return done(row.id);
    },
    taken,
  );
}

/** Needs the role maintainer for the policy's name, and that nothing uses it. */
export async function deleteSignaturePolicy(
  operator: Operator,
  policy: Reference,
): Promise<Outcome<undefined>> {
  const { viewer } = operator;
  return inTransaction(operator, async (em) => {
    const owned = await lockOwned(em, viewer, SignaturePolicy, {
      ...policy,
      notFound: signaturePolicyNotFound,
    });
    if (owned.mistakes !== undefined) return refused(...owned.mistakes);
    const row = owned.value;
    const use = await readPolicyUse(em, visibilityOf(viewer), row.id);
    if (use.count > 0) return refused(inUse(row, use));
    await em.nativeDelete(SignaturePolicy, { id: row.id });
    return done(undefined);
  });
}

export function signaturePolicyNotFound(named: Omit<Reference, 'key'>): Mistake {
  return noSuchId('signature policy', 'signaturePolicies', named);
}

/**
 * The key of the policy that an input names, locked against deletion; null for none, undefined for "keep". A policy that the viewer cannot
 * read adds a mistake.
 */
export async function lockNamedPolicy(
  em: Em,
  viewer: Viewer,
  policy: Reference | null | undefined,
  mistakes: Mistake[],
): Promise<number | null | undefined> {
  if (policy === null || policy === undefined) return policy;
  const { key } = policy;
  if (key !== undefined && (await lockSignaturePolicy(em, visibilityOf(viewer), key))) return key;
  mistakes.push(signaturePolicyNotFound(policy));
  return undefined;
}

function applyRules(before: SignatureRules, fields: SignaturePolicyFields): SignatureRules {
  const { keys, openPgpKeys, identities, trustedRoot, dockerReference } = fields;
  return {
    keys: keys === undefined ? before.keys : (keys ?? []),
    openPgpKeys: openPgpKeys === undefined ? before.openPgpKeys : (openPgpKeys ?? []),
    identities:
      identities === undefined
        ? before.identities
        : (identities ?? []).map(({ issuer, subject }) => ({ issuer, subject })),
    trustedRoot: trustedRoot === undefined ? before.trustedRoot : trustedRoot,
    dockerReference: dockerReference === undefined ? before.dockerReference : dockerReference,
  };
}

function checkNames({ name, onFailure }: Pick<SignaturePolicyFields, 'name' | 'onFailure'>): Mistake[] {
  const checks = [notNull('name', name), notNull('onFailure', onFailure)];
  if (typeof name === 'string') checks.push(checkName('name', name));
  return checks.flatMap((found) => found ?? []);
}

async function findRuleMistakes(checkRules: CheckRules, rules: SignatureRules): Promise<Mistake[]> {
  return (await checkRules(rules)).map(({ field, message }) => invalid(field, message));
}

function nameTaken(name: string): Mistake {
  return mistake(
    'ALREADY_EXISTS',
    ['name'],
    `There is a signature policy named ${quoteValue(name)}; choose another name, or update that one.`,
  );
}

function inUse(row: SignaturePolicy, { users, count }: PolicyUse): Mistake {
  const names = users.map(({ kind, name }) => `the ${kind} ${quoteValue(name)}`);
  return mistake(
    'IN_USE',
    ['id'],
    `The signature policy ${quoteValue(row.name)} is used by ${listThings(names, count)}; give them another one, or none, first.`,
  );
}
