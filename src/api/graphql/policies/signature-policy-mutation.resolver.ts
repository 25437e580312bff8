import { LockMode, UniqueConstraintViolationException } from '@mikro-orm/core';
import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import { SignaturePolicy } from '../../../db/schema/entities.ts';
import type { Em } from '../../../db/open-database.ts';
import {
  findSignaturePolicyId,
  forgetVerdicts,
  readPolicyUse,
  toSignatureRules,
} from '../../../db/policies/signature-policies.ts';
import type { PolicyUse } from '../../../db/policies/signature-policies.ts';
import { quoteValue } from '../../../oci/error.ts';
import type { Viewer } from '../../../access/viewer.ts';
import type { SignatureRules } from '../../../oci/signatures/signature-rules.ts';
import { forgetReads } from '../context.ts';
import type { RequestContext } from '../context.ts';
import { parseNumericId } from '../../../operations/global-id.ts';
import { checkName, invalid, listThings, mistake, notNull } from '../../../operations/mistakes.ts';
import { DeletePayload } from '../payload.type.ts';
import { lacksRole, seen } from '../../../operations/permit.ts';
import { signaturePolicyNotFound } from './signature-policy-id.ts';
import {
  SignaturePolicyCreateInput,
  SignaturePolicyDeleteInput,
  SignaturePolicyPayload,
  SignaturePolicyUpdateInput,
  toSignaturePolicyType,
} from './signature-policy.type.ts';
import type { UserError } from '../user-error.type.ts';

const noRules: SignatureRules = {
  keys: [],
  openPgpKeys: [],
  identities: [],
  trustedRoot: null,
  dockerReference: null,
};

@Resolver()
export class SignaturePolicyMutationResolver {
  @Mutation(() => SignaturePolicyPayload, {
    description:
      'Creates a signature policy. It counts once a remote, a repository or a distribution has it.',
  })
  async signaturePolicyCreate(
    @Arg('input', () => SignaturePolicyCreateInput, { description: 'The new policy.' })
    input: SignaturePolicyCreateInput,
    @Ctx() context: RequestContext,
  ): Promise<SignaturePolicyPayload> {
    const rules = applyRules(noRules, input);
    return saving(context, input.name, async (em) => {
      const lacking = lacksRole(context.viewer, 'maintainer', input.name, 'name');
      if (lacking.length > 0) return lacking;
      const mistakes = [...checkNames({ name: input.name }), ...(await checkRules(context, rules))];
      if (await isNameTaken(em, input.name)) mistakes.push(nameTaken(input.name));
      if (mistakes.length > 0) return mistakes;
      const row = em.create(SignaturePolicy, {
        name: input.name,
        ...rules,
        onFailure: input.onFailure ?? 'SKIP_TAG',
        revision: 1,
      });
      await em.persist(row).flush();
      return row.id;
    });
  }

  @Mutation(() => SignaturePolicyPayload, {
    description:
      'Changes a signature policy. What is served under it is checked by the new one from now on; what a repository has stays until its next sync.',
  })
  async signaturePolicyUpdate(
    @Arg('input', () => SignaturePolicyUpdateInput, { description: 'The changes.' })
    input: SignaturePolicyUpdateInput,
    @Ctx() context: RequestContext,
  ): Promise<SignaturePolicyPayload> {
    return saving(context, input.name ?? '', async (em) => {
      const { viewer } = context;
      const row = await findLocked(em, viewer, input.id);
      const newName = typeof input.name === 'string' && input.name !== row?.name ? input.name : undefined;
      const lacking = [
        ...(row === null ? [] : lacksRole(viewer, 'maintainer', row.name, 'id')),
        ...(newName === undefined ? [] : lacksRole(viewer, 'maintainer', newName, 'name')),
      ];
      if (lacking.length > 0) return lacking;
      const mistakes = checkNames(input);
      if (row === null) return [signaturePolicyNotFound('id', input.id), ...mistakes];
      const before = toSignatureRules(row);
      const rules = applyRules(before, input);
      mistakes.push(...(await checkRules(context, rules)));
      if (newName !== undefined && (await isNameTaken(em, newName))) mistakes.push(nameTaken(newName));
      if (mistakes.length > 0) return mistakes;
      row.name = input.name ?? row.name;
      row.onFailure = input.onFailure ?? row.onFailure;
      if (JSON.stringify(rules) !== JSON.stringify(before)) {
        Object.assign(row, rules, { revision: row.revision + 1 });
        await forgetVerdicts(em, row.id);
      }
      await em.flush();
      return row.id;
    });
  }

  @Mutation(() => DeletePayload, { description: 'Deletes a signature policy that nothing uses.' })
  async signaturePolicyDelete(
    @Arg('input', () => SignaturePolicyDeleteInput, { description: 'The policy.' })
    input: SignaturePolicyDeleteInput,
    @Ctx() { em, viewer, loaders }: RequestContext,
  ): Promise<DeletePayload> {
    return em.fork().transactional(async (transaction) => {
      const row = await findLocked(transaction, viewer, input.id);
      if (row === null) return { deletedId: null, userErrors: [signaturePolicyNotFound('id', input.id)] };
      const lacking = lacksRole(viewer, 'maintainer', row.name, 'id');
      if (lacking.length > 0) return { deletedId: null, userErrors: lacking };
      const use = await readPolicyUse(transaction, loaders.visibility, row.id);
      if (use.count > 0) return { deletedId: null, userErrors: [inUse(row, use)] };
      await transaction.nativeDelete(SignaturePolicy, { id: row.id });
      return { deletedId: input.id, userErrors: [] };
    });
  }
}

/** Null too where the viewer may not see it. */
async function findLocked(em: Em, viewer: Viewer, id: string): Promise<SignaturePolicy | null> {
  const key = parseNumericId('SignaturePolicy', id);
  if (key === undefined) return null;
  const row = await em.findOne(SignaturePolicy, { id: key }, { lockMode: LockMode.PESSIMISTIC_WRITE });
  return seen(viewer, row, ({ name }) => name);
}

type Fields = SignaturePolicyCreateInput | SignaturePolicyUpdateInput;

/** Omitted: kept. null: cleared. */
function applyRules(before: SignatureRules, input: Fields): SignatureRules {
  const { keys, openPgpKeys, identities, trustedRoot, dockerReference } = input;
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

function checkNames(input: Pick<SignaturePolicyUpdateInput, 'name' | 'onFailure'>): UserError[] {
  const { name } = input;
  const checks = [notNull('name', name), notNull('onFailure', input.onFailure)];
  if (typeof name === 'string') checks.push(checkName('name', name));
  return checks.flatMap((found) => found ?? []);
}

async function checkRules({ api }: RequestContext, rules: SignatureRules): Promise<UserError[]> {
  const mistakes = await api.signatures.checkRules(rules);
  return mistakes.map(({ field, message }) => invalid(field, message));
}

async function isNameTaken(em: Em, name: string): Promise<boolean> {
  return !name.includes('\0') && (await findSignaturePolicyId(em, name)) !== undefined;
}

function nameTaken(name: string): UserError {
  return mistake(
    'ALREADY_EXISTS',
    ['name'],
    `There is a signature policy named ${quoteValue(name)}; choose another name, or update that one.`,
  );
}

function inUse(row: SignaturePolicy, { users, count }: PolicyUse): UserError {
  const names = users.map(({ kind, name }) => `the ${kind} ${quoteValue(name)}`);
  return mistake(
    'IN_USE',
    ['id'],
    `The signature policy ${quoteValue(row.name)} is used by ${listThings(names, count)}; give them another one, or none, first.`,
  );
}

/** One transaction that answers the policy's key, or mistakes. Of two callers that find a name free the database says who was first. */
async function saving(
  context: RequestContext,
  name: string,
  save: (em: Em) => Promise<number | UserError[]>,
): Promise<SignaturePolicyPayload> {
  const saved = await context.em
    .fork()
    .transactional(save)
    .catch((error: unknown) => {
      if (error instanceof UniqueConstraintViolationException) return [nameTaken(name)];
      throw error;
    });
  if (typeof saved !== 'number')
    return Object.assign(new SignaturePolicyPayload(), { signaturePolicy: null, userErrors: saved });
  forgetReads(context);
  const row = await context.loaders.signaturePolicies.load(saved);
  const signaturePolicy = row === undefined ? null : toSignaturePolicyType(row);
  return Object.assign(new SignaturePolicyPayload(), { signaturePolicy, userErrors: [] });
}
