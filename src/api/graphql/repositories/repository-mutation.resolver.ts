import { LockMode, UniqueConstraintViolationException } from '@mikro-orm/core';
import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import {
  createOwnDistribution,
  isBasePathTaken,
  renameOwnDistribution,
} from '../../../db/versions/distributions.ts';
import { Remote, Repository } from '../../../db/schema/entities.ts';
import type { Em } from '../../../db/open-database.ts';
import { findRepositoryId } from '../../../db/reads/read-repositories.ts';
import { quoteValue } from '../../../oci/error.ts';
import { isRepositoryName } from '../../../oci/reference.ts';
import type { Viewer } from '../../../access/viewer.ts';
import { forgetReads } from '../context.ts';
import type { RequestContext } from '../context.ts';
import { parseNumericId } from '../../../operations/global-id.ts';
import { checkInteger, checkText, invalid, mistake, notNull } from '../../../operations/mistakes.ts';
import type { Checked } from '../../../operations/mistakes.ts';
import { lacksRole, seen } from '../../../operations/permit.ts';
import {
  RepositoryCreateInput,
  RepositoryPayload,
  RepositoryUpdateInput,
  toRepositoryType,
} from './repository.type.ts';
import { readSignaturePolicyId } from '../policies/signature-policy-id.ts';
import type { UserError } from '../user-error.type.ts';

@Resolver()
export class RepositoryMutationResolver {
  @Mutation(() => RepositoryPayload, { description: 'Creates an empty repository.' })
  async repositoryCreate(
    @Arg('input', () => RepositoryCreateInput, { description: 'The new repository.' })
    input: RepositoryCreateInput,
    @Ctx() context: RequestContext,
  ): Promise<RepositoryPayload> {
    const { em, viewer } = context;
    // said first: whether the name is taken is nothing that they have to know
    const lacking = lacksRole(viewer, 'maintainer', input.name, 'name');
    if (lacking.length > 0) return failed(lacking);
    return saving(input.name, () =>
      em.fork().transactional(async (transaction) => {
        const mistakes = checkFields(input);
        const remoteId = await checkRemote(transaction, viewer, input.remoteId, mistakes);
        const signaturePolicyId = await readSignaturePolicyId(
          transaction,
          viewer,
          input.signaturePolicyId,
          mistakes,
        );
        mistakes.push(...(await checkFree(transaction, input.name)));
        if (mistakes.length > 0) return failed(mistakes);
        const row = transaction.create(Repository, {
          name: input.name,
          description: input.description ?? null,
          remoteId: remoteId ?? null,
          retainVersions: input.retainVersions ?? null,
          latest: 0,
          fence: 0,
          isMirrored: false,
          signaturePolicyId: signaturePolicyId ?? null,
        });
        await transaction.persist(row).flush();
        // with logins, nothing is shown to those who have none unless somebody says so
        await createOwnDistribution(transaction, row, { isPrivate: context.api.access.isOn });
        return payload(context, row);
      }),
    );
  }

  @Mutation(() => RepositoryPayload, { description: 'Changes a repository; its content stays as it is.' })
  async repositoryUpdate(
    @Arg('input', () => RepositoryUpdateInput, { description: 'The changes.' }) input: RepositoryUpdateInput,
    @Ctx() context: RequestContext,
  ): Promise<RepositoryPayload> {
    const id = parseNumericId('Repository', input.id);
    const { viewer } = context;
    return saving(input.name ?? '', () =>
      context.em.fork().transactional(async (transaction) => {
        const row = await findLocked(transaction, viewer, id);
        const newName = typeof input.name === 'string' && input.name !== row?.name ? input.name : undefined;
        const lacking = [
          ...(row === null ? [] : lacksRole(viewer, 'maintainer', row.name, 'id')),
          ...(newName === undefined ? [] : lacksRole(viewer, 'maintainer', newName, 'name')),
        ];
        if (lacking.length > 0) return failed(lacking);
        const mistakes = checkFields(input);
        if (row === null) mistakes.unshift(notFound('id', input.id));
        // to leave it as it is needs no rights on the remote
        const isKept = row !== null && sameRemote(row, input.remoteId);
        const remoteId = isKept
          ? row.remoteId
          : await checkRemote(transaction, viewer, input.remoteId, mistakes);
        const signaturePolicyId = await readSignaturePolicyId(
          transaction,
          viewer,
          input.signaturePolicyId,
          mistakes,
        );
        if (newName !== undefined) mistakes.push(...(await checkFree(transaction, newName)));
        if (row === null || mistakes.length > 0) return failed(mistakes);
        if (newName !== undefined) {
          await renameOwnDistribution(transaction, row, newName);
          row.name = newName;
        }
        if (input.description !== undefined) row.description = input.description;
        if (input.retainVersions !== undefined) row.retainVersions = input.retainVersions;
        if (input.remoteId !== undefined) row.remoteId = remoteId ?? null;
        if (signaturePolicyId !== undefined) row.signaturePolicyId = signaturePolicyId;
        await transaction.flush();
        return payload(context, row);
      }),
    );
  }
}

/** Null too where the viewer may not see it. */
export async function findLocked(em: Em, viewer: Viewer, id: number | undefined): Promise<Repository | null> {
  if (id === undefined) return null;
  const row = await em.findOne(Repository, { id }, { lockMode: LockMode.PESSIMISTIC_WRITE });
  return seen(viewer, row, ({ name }) => name);
}

function sameRemote(row: Repository, remoteId: string | null | undefined): boolean {
  return typeof remoteId === 'string' && parseNumericId('Remote', remoteId) === row.remoteId;
}

function checkFields(input: RepositoryCreateInput | RepositoryUpdateInput): UserError[] {
  const { name, description, retainVersions } = input;
  const checks: Checked[] = [notNull('name', name)];
  if (typeof name === 'string') checks.push(checkRepositoryName(name));
  if (typeof description === 'string') checks.push(checkText('description', description, 10_000));
  if (typeof retainVersions === 'number')
    checks.push(checkInteger('retainVersions', retainVersions, [1, 2_147_483_647]));
  return checks.flatMap((found) => found ?? []);
}

/** The OCI grammar; also of base paths. */
export function checkRepositoryName(name: string, field = 'name'): Checked {
  if (isRepositoryName(name)) return undefined;
  return invalid(
    field,
    `${field} is ${quoteValue(name)}; expected parts of lower-case letters and digits, joined by . _ __ or -, with / between them, ` +
      '1 to 255 characters.',
  );
}

/** The remote's key. It is locked, so that it cannot be deleted before the repository has it. Its secrets are used by whoever syncs with it. */
async function checkRemote(
  em: Em,
  viewer: Viewer,
  id: string | null | undefined,
  mistakes: UserError[],
): Promise<number | undefined> {
  if (id === null || id === undefined) return undefined;
  const key = parseNumericId('Remote', id);
  const found =
    key === undefined ? null : await em.findOne(Remote, { id: key }, { lockMode: LockMode.PESSIMISTIC_READ });
  const row = seen(viewer, found, ({ name }) => name);
  if (row !== null) mistakes.push(...lacksRole(viewer, 'maintainer', row.name, 'remoteId'));
  if (row === null)
    mistakes.push(
      mistake(
        'NOT_FOUND',
        ['remoteId'],
        `There is no remote with the id ${quoteValue(id)}; take one from remotes.`,
      ),
    );
  return row?.id;
}

/** A repository is served at its own name, so no distribution of another may be there either. */
async function checkFree(em: Em, name: string): Promise<UserError[]> {
  if (!isRepositoryName(name)) return [];
  if ((await findRepositoryId(em, name)) !== undefined) return [nameTaken(name)];
  return (await isBasePathTaken(em, name)) ? [servedElsewhere(name)] : [];
}

export function notFound(field: string, id: string): UserError {
  return mistake(
    'NOT_FOUND',
    [field],
    `There is no repository with the id ${quoteValue(id)}; take one from repositories.`,
  );
}

function nameTaken(name: string): UserError {
  return mistake(
    'ALREADY_EXISTS',
    ['name'],
    `There is a repository named ${quoteValue(name)}; choose another name.`,
  );
}

function servedElsewhere(name: string): UserError {
  return mistake(
    'ALREADY_EXISTS',
    ['name'],
    `A distribution of another repository is served at ${quoteValue(name)}; choose another name.`,
  );
}

/** Two callers may find a name free at one time: the database then says which of them was first. */
async function saving(name: string, save: () => Promise<RepositoryPayload>): Promise<RepositoryPayload> {
  try {
    return await save();
  } catch (error) {
    if (error instanceof UniqueConstraintViolationException) return failed([nameTaken(name)]);
    throw error;
  }
}

export function payload(context: RequestContext, row: Repository): RepositoryPayload {
  forgetReads(context);
  return Object.assign(new RepositoryPayload(), { repository: toRepositoryType(row), userErrors: [] });
}

export function failed(userErrors: UserError[]): RepositoryPayload {
  return Object.assign(new RepositoryPayload(), { repository: null, userErrors });
}
