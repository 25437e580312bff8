import { LockMode } from '@mikro-orm/core';
import { visibilityOf } from '../access/viewer.ts';
import type { Viewer } from '../access/viewer.ts';
import type { Em } from '../db/open-database.ts';
import { findScheduleId, readRemoteUse } from '../db/reads/read-repositories.ts';
import { Remote } from '../db/schema/remotes.ts';
import { Repository } from '../db/schema/repositories.ts';
import { keepRepositoryName } from '../db/tasks/discard-repository.ts';
import { deleteSchedules } from '../db/schedules/schedule-groups.ts';
import {
  createOwnDistribution,
  findNameHolder,
  renameOwnDistribution,
} from '../db/distributions/distributions.ts';
import { readOtherDistributions } from '../db/distributions/point-distribution.ts';
import { recordRepository } from '../db/webhooks/record-events.ts';
import { quoteValue } from '../oci/error.ts';
import { isRepositoryName } from '../oci/reference.ts';
import { checkInteger, checkText, invalid, mistake, notNull } from './mistakes.ts';
import type { Checked, Mistake } from './mistakes.ts';
import { done, inTransaction, refused } from './operation.ts';
import type { Operator, Outcome, Reference } from './operation.ts';
import { lacksNames, lacksRole, newNameOf } from './permit.ts';
import { lockNamed, lockOwned, lockUsableRemote, repositoryNotFound } from './references.ts';
import { findTaskUse, scheduled, servedAt } from './repository-use.ts';
import { remoteInUse } from './remotes/remote-use.ts';
import { lockNamedPolicy } from './signature-policies.ts';

/** In an update, undefined keeps a field and null clears it. */
export interface RepositoryFields {
  readonly name?: string | null | undefined;
  readonly description?: string | null | undefined;
  readonly retainVersions?: number | null | undefined;
  readonly remote?: Reference | null | undefined;
  readonly signaturePolicy?: Reference | null | undefined;
}

/** Needs the role maintainer for the name. */
export async function createRepository(
  operator: Operator,
  fields: RepositoryFields & { readonly name: string },
  { isPrivate }: { readonly isPrivate: boolean },
): Promise<Outcome<Repository>> {
  const { viewer } = operator;
  const { name } = fields;
  // asked first: a caller without the role does not learn whether the name is taken
  const lacking = lacksRole(viewer, 'maintainer', name, 'name');
  if (lacking.length > 0) return refused(...lacking);
  return inTransaction(
    operator,
    async (em) => {
      const mistakes = checkFields(fields);
      const remoteId = fields.remote
        ? await lockUsableRemote(em, viewer, fields.remote, { mistakes })
        : undefined;
      const signaturePolicyId = await lockNamedPolicy(em, viewer, fields.signaturePolicy, mistakes);
      mistakes.push(...(await checkFree(em, name)));
      if (mistakes.length > 0) return refused(...mistakes);
      const row = em.create(Repository, {
        name,
        description: fields.description ?? null,
        remoteId: remoteId ?? null,
        retainVersions: fields.retainVersions ?? null,
        latest: 0,
        fence: 0,
        isMirrored: false,
        signaturePolicyId: signaturePolicyId ?? null,
      });
      await em.persist(row).flush();
      await createOwnDistribution(em, row, { isPrivate });
      await recordRepository(em, 'repository.created', row);
      return done(row);
    },
    () => nameTaken(name),
  );
}

/** Needs the role maintainer for the repository's name, and for a new one. */
export async function updateRepository(
  operator: Operator,
  repository: Reference,
  fields: RepositoryFields,
): Promise<Outcome<Repository>> {
  const { viewer } = operator;
  return inTransaction(
    operator,
    async (em) => {
      const row = await lockNamed(em, viewer, Repository, repository);
      const newName = newNameOf(fields.name, row?.name);
      const lacking = lacksNames(viewer, row?.name, newName, repository);
      if (lacking.length > 0) return refused(...lacking);
      const mistakes = checkFields(fields);
      if (row === null) mistakes.unshift(repositoryNotFound(repository));
      const remoteId = fields.remote
        ? await lockUsableRemote(em, viewer, fields.remote, { settled: [row?.remoteId], mistakes })
        : fields.remote;
      const signaturePolicyId = await lockNamedPolicy(em, viewer, fields.signaturePolicy, mistakes);
      if (newName !== undefined) mistakes.push(...(await checkFree(em, newName)));
      if (row === null || mistakes.length > 0) return refused(...mistakes);
      if (newName !== undefined) {
        await renameOwnDistribution(em, row, newName);
        row.name = newName;
      }
      if (fields.description !== undefined) row.description = fields.description;
      if (fields.retainVersions !== undefined) row.retainVersions = fields.retainVersions;
      if (remoteId !== undefined) row.remoteId = remoteId;
      if (signaturePolicyId !== undefined) row.signaturePolicyId = signaturePolicyId;
      await em.flush();
      return done(row);
    },
    () => nameTaken(fields.name ?? ''),
  );
}

/** Needs the role maintainer for the repository, and for its remote where `deleteRemote` is set. Tasks and other distributions keep it. */
export async function deleteRepository(
  operator: Operator,
  repository: Reference,
  { deleteRemote }: { readonly deleteRemote: boolean },
): Promise<Outcome<undefined>> {
  const { viewer } = operator;
  return inTransaction(operator, async (em) => {
    const owned = await lockOwned(em, viewer, Repository, { ...repository, notFound: repositoryNotFound });
    if (owned.mistakes !== undefined) return refused(...owned.mistakes);
    const row = owned.value;
    const others = await readOtherDistributions(em, visibilityOf(viewer), row.id);
    const mistakes = [
      ...(await findTaskUse(em, row)),
      ...(others.count === 0 ? [] : [servedAt(row, others)]),
    ];
    if (mistakes.length > 0) return refused(...mistakes);
    await deleteSchedules(em, { repositoryId: row.id });
    await keepRepositoryName(em, row.id, row.name);
    await recordRepository(em, 'repository.deleted', row);
    await em.nativeDelete(Repository, { id: row.id });
    if (deleteRemote && row.remoteId != null) {
      const used = await deleteRemoteOf(em, viewer, row.remoteId);
      if (used.length > 0) return refused(...used);
    }
    return done(undefined);
  });
}

/** Needs the role maintainer. A mirror takes pushes again afterwards; its versions stay. */
export async function detachRepository(
  operator: Operator,
  repository: Reference,
): Promise<Outcome<Repository>> {
  const { viewer } = operator;
  return inTransaction(operator, async (em) => {
    const owned = await lockOwned(em, viewer, Repository, { ...repository, notFound: repositoryNotFound });
    if (owned.mistakes !== undefined) return refused(...owned.mistakes);
    const row = owned.value;
    const scheduleId = await findScheduleId(em, row.id);
    const mistakes = [
      ...(await findTaskUse(em, row)),
      ...(scheduleId === undefined ? [] : [scheduled(row, scheduleId)]),
    ];
    if (mistakes.length > 0) return refused(...mistakes);
    row.isMirrored = false;
    row.remoteId = null;
    await em.flush();
    return done(row);
  });
}

/** The OCI grammar of a repository's name, also of base paths. */
export function checkRepositoryName(name: string, field = 'name'): Checked {
  if (isRepositoryName(name)) return undefined;
  return invalid(
    field,
    `${field} is ${quoteValue(name)}; expected parts of lower-case letters and digits, joined by . _ __ or -, with / between them, ` +
      '1 to 255 characters.',
  );
}

function checkFields({ name, description, retainVersions }: RepositoryFields): Mistake[] {
  const checks: Checked[] = [notNull('name', name)];
  if (typeof name === 'string') checks.push(checkRepositoryName(name));
  if (typeof description === 'string') checks.push(checkText('description', description, 10_000));
  if (typeof retainVersions === 'number')
    checks.push(checkInteger('retainVersions', retainVersions, [1, 2_147_483_647]));
  return checks.flatMap((found) => found ?? []);
}

/** A repository is served at its own name, so no distribution of another may be there either. */
async function checkFree(em: Em, name: string): Promise<Mistake[]> {
  if (!isRepositoryName(name)) return [];
  const holder = await findNameHolder(em, name);
  if (holder === 'REPOSITORY') return [nameTaken(name)];
  return holder === 'DISTRIBUTION' ? [servedElsewhere(name)] : [];
}

async function deleteRemoteOf(em: Em, viewer: Viewer, remoteId: number): Promise<Mistake[]> {
  const found = await em.findOne(Remote, { id: remoteId }, { lockMode: LockMode.PESSIMISTIC_WRITE });
  if (found === null) return [];
  const field = ['deleteRemote'];
  const lacking = lacksRole(viewer, 'maintainer', found.name, field);
  if (lacking.length > 0) return lacking;
  const used = remoteInUse(found, await readRemoteUse(em, visibilityOf(viewer), found.id), field);
  if (used.length === 0) await em.nativeDelete(Remote, { id: found.id });
  return used;
}

function nameTaken(name: string): Mistake {
  return mistake(
    'ALREADY_EXISTS',
    ['name'],
    `There is a repository named ${quoteValue(name)}; choose another name.`,
  );
}

function servedElsewhere(name: string): Mistake {
  return mistake(
    'ALREADY_EXISTS',
    ['name'],
    `A distribution of another repository is served at ${quoteValue(name)}; choose another name.`,
  );
}
