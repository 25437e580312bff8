import { LockMode } from '@mikro-orm/core';
import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import { Remote, Repository } from '../../../db/schema/entities.ts';
import type { Em } from '../../../db/open-database.ts';
import { readOtherDistributions } from '../../../db/versions/point-distribution.ts';
import { findOpenTaskId, findScheduleId, readRemoteUse } from '../../../db/reads/read-repositories.ts';
import { deleteSchedules } from '../../../db/tasks/temporal-schedules.ts';
import { quoteValue } from '../../../oci/error.ts';
import type { RequestContext } from '../context.ts';
import { parseNumericId, toGlobalId } from '../../../operations/global-id.ts';
import { listNames, mistake } from '../../../operations/mistakes.ts';
import { DeletePayload } from '../payload.type.ts';
import { lacksRole } from '../../../operations/permit.ts';
import { remoteInUse } from '../../../operations/remote-use.ts';
import { failed, findLocked, notFound, payload } from './repository-mutation.resolver.ts';
import { RepositoryDeleteInput, RepositoryDetachInput, RepositoryPayload } from './repository.type.ts';
import type { UserError } from '../user-error.type.ts';

@Resolver()
export class RepositoryRemovalResolver {
  @Mutation(() => DeletePayload, {
    description:
      'Deletes a repository with all its versions, its schedules and the distribution at its own name. Its tasks stay.',
  })
  async repositoryDelete(
    @Arg('input', () => RepositoryDeleteInput, { description: 'The repository.' })
    input: RepositoryDeleteInput,
    @Ctx() context: RequestContext,
  ): Promise<DeletePayload> {
    const id = parseNumericId('Repository', input.id);
    const { em, viewer, loaders } = context;
    return deleting(() =>
      em.fork().transactional(async (transaction) => {
        const row = await findLocked(transaction, viewer, id);
        if (row === null) return { deletedId: null, userErrors: [notFound('id', input.id)] };
        const lacking = lacksRole(viewer, 'maintainer', row.name, 'id');
        if (lacking.length > 0) return { deletedId: null, userErrors: lacking };
        const taskId = await findOpenTaskId(transaction, row.id);
        const others = await readOtherDistributions(transaction, loaders.visibility, row.id);
        const userErrors = [
          ...(taskId === undefined ? [] : [inUse(row, taskId)]),
          ...(others.count === 0 ? [] : [servedAt(row, others)]),
        ];
        if (userErrors.length > 0) return { deletedId: null, userErrors };
        await deleteSchedules(transaction, { repositoryId: row.id });
        await transaction.nativeDelete(Repository, { id: row.id });
        if (input.deleteRemote === true && row.remoteId != null) {
          const refused = await deleteRemoteOf(transaction, context, row.remoteId);
          // thrown, so that the repository stays as well
          if (refused.length > 0) throw new Refusal(refused);
        }
        return { deletedId: input.id, userErrors: [] };
      }),
    );
  }

  @Mutation(() => RepositoryPayload, {
    description:
      'Turns a mirror into an ordinary repository, which takes pushes again. Its versions and its content stay; its remote is taken off. Refused ' +
      'with IN_USE while a task or a schedule syncs it.',
  })
  async repositoryDetach(
    @Arg('input', () => RepositoryDetachInput, { description: 'The repository.' })
    input: RepositoryDetachInput,
    @Ctx() context: RequestContext,
  ): Promise<RepositoryPayload> {
    const { em, viewer } = context;
    return em.fork().transactional(async (transaction) => {
      const row = await findLocked(transaction, viewer, parseNumericId('Repository', input.id));
      if (row === null) return failed([notFound('id', input.id)]);
      const lacking = lacksRole(viewer, 'maintainer', row.name, 'id');
      if (lacking.length > 0) return failed(lacking);
      const taskId = await findOpenTaskId(transaction, row.id);
      const scheduleId = await findScheduleId(transaction, row.id);
      const userErrors = [
        ...(taskId === undefined ? [] : [inUse(row, taskId)]),
        ...(scheduleId === undefined ? [] : [scheduled(row, scheduleId)]),
      ];
      if (userErrors.length > 0) return failed(userErrors);
      row.isMirrored = false;
      row.remoteId = null;
      await transaction.flush();
      return payload(context, row);
    });
  }
}

/** Carries mistakes out of a transaction that has to be undone. */
class Refusal extends Error {
  readonly userErrors: UserError[];

  constructor(userErrors: UserError[]) {
    super('refused');
    this.userErrors = userErrors;
  }
}

async function deleting(work: () => Promise<DeletePayload>): Promise<DeletePayload> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Refusal) return { deletedId: null, userErrors: error.userErrors };
    throw error;
  }
}

async function deleteRemoteOf(
  em: Em,
  { viewer, loaders }: RequestContext,
  remoteId: number,
): Promise<UserError[]> {
  const found = await em.findOne(Remote, { id: remoteId }, { lockMode: LockMode.PESSIMISTIC_WRITE });
  if (found === null) return [];
  const field = ['deleteRemote'];
  const lacking = lacksRole(viewer, 'maintainer', found.name, field);
  if (lacking.length > 0) return lacking;
  const used = remoteInUse(found, await readRemoteUse(em, loaders.visibility, found.id), field);
  if (used.length === 0) await em.nativeDelete(Remote, { id: found.id });
  return used;
}

function inUse(row: Repository, taskId: number): UserError {
  return mistake(
    'IN_USE',
    ['id'],
    `The repository ${quoteValue(row.name)} is used by the task ${toGlobalId('Task', taskId)}; wait until it has ended, or cancel it.`,
  );
}

function scheduled(row: Repository, scheduleId: number): UserError {
  return mistake(
    'IN_USE',
    ['id'],
    `The repository ${quoteValue(row.name)} is synced by the schedule ${toGlobalId('Schedule', scheduleId)}; delete the schedule first.`,
  );
}

function servedAt(
  row: Repository,
  { basePaths, count }: { readonly basePaths: readonly string[]; readonly count: number },
): UserError {
  return mistake(
    'IN_USE',
    ['id'],
    `The repository ${quoteValue(row.name)} is served by the distributions ${listNames(basePaths, count)}; delete them, or point them elsewhere.`,
  );
}
