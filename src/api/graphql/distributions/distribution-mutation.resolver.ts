import { UniqueConstraintViolationException } from '@mikro-orm/core';
import { Arg, Ctx, Mutation, Resolver } from 'type-graphql';
import { isBasePathTaken } from '../../../db/versions/distributions.ts';
import { Distribution } from '../../../db/schema/entities.ts';
import type { Em } from '../../../db/open-database.ts';
import { lockDistribution, moveDistribution } from '../../../db/versions/point-distribution.ts';
import type { LockedDistribution } from '../../../db/versions/point-distribution.ts';
import { quoteValue } from '../../../oci/error.ts';
import type { Viewer } from '../../../access/viewer.ts';
import { forgetReads } from '../context.ts';
import type { RequestContext } from '../context.ts';
import { checkPullThrough, lacksPullThrough, pinnedPullThrough, readTarget } from './distribution-target.ts';
import {
  DistributionCreateInput,
  DistributionDeleteInput,
  DistributionPayload,
  DistributionPointInput,
  DistributionUpdateInput,
  toDistributionType,
} from './distribution.type.ts';
import { parseNumericId } from '../../../operations/global-id.ts';
import { invalid, mistake, notNull } from '../../../operations/mistakes.ts';
import { DeletePayload } from '../payload.type.ts';
import { lacksRole, seen } from '../../../operations/permit.ts';
import { checkRepositoryName } from '../repositories/repository-mutation.resolver.ts';
import { readSignaturePolicyId } from '../policies/signature-policy-id.ts';
import type { UserError } from '../user-error.type.ts';

@Resolver()
export class DistributionMutationResolver {
  @Mutation(() => DistributionPayload, {
    description: 'Serves a repository, or a version of it, at one more base path.',
  })
  async distributionCreate(
    @Arg('input', () => DistributionCreateInput, { description: 'The new distribution.' })
    input: DistributionCreateInput,
    @Ctx() context: RequestContext,
  ): Promise<DistributionPayload> {
    return saving(context, input.basePath, async (em) => {
      const lacking = lacksRole(context.viewer, 'maintainer', input.basePath, 'basePath');
      if (lacking.length > 0) return lacking;
      const userErrors = await checkBasePath(em, input.basePath);
      const target = await readTarget(em, context.viewer, input, userErrors);
      if (target !== undefined && input.pullThrough === true)
        userErrors.push(...(await checkPullThrough(em, context.viewer, target)));
      const signaturePolicyId = await readSignaturePolicyId(
        em,
        context.viewer,
        input.signaturePolicyId,
        userErrors,
      );
      if (target === undefined || userErrors.length > 0) return userErrors;
      const row = em.create(Distribution, {
        basePath: input.basePath,
        repositoryId: target.repositoryId,
        version: target.version,
        isPrivate: input.private ?? context.api.access.isOn,
        isDecided: typeof input.private === 'boolean' || context.api.access.isOn,
        pullThrough: input.pullThrough ?? false,
        signaturePolicyId: signaturePolicyId ?? null,
        pointedBy: context.viewer.identity,
      });
      await em.persist(row).flush();
      return row.id;
    });
  }

  @Mutation(() => DistributionPayload, {
    description: 'Changes where a distribution is served, who sees it, or what its pulls ask for.',
  })
  async distributionUpdate(
    @Arg('input', () => DistributionUpdateInput, { description: 'The changes.' })
    input: DistributionUpdateInput,
    @Ctx() context: RequestContext,
  ): Promise<DistributionPayload> {
    const { basePath } = input;
    return saving(context, basePath ?? '', async (em) => {
      const row = await findDistribution(em, context.viewer, input.id);
      const isMoved = typeof basePath === 'string' && basePath !== row?.basePath;
      const lacking = [
        ...(row === undefined ? [] : lacksRole(context.viewer, 'maintainer', row.basePath, 'id')),
        ...(isMoved ? lacksRole(context.viewer, 'maintainer', basePath, 'basePath') : []),
      ];
      if (lacking.length > 0) return lacking;
      const userErrors = row === undefined ? [notFound(input.id)] : [];
      userErrors.push(
        ...[
          notNull('basePath', basePath),
          notNull('private', input.private),
          notNull('pullThrough', input.pullThrough),
        ].flatMap((found) => found ?? []),
      );
      if (row !== undefined && input.pullThrough === true)
        userErrors.push(...(await checkPullThrough(em, context.viewer, row)));
      if (isMoved) {
        userErrors.push(...(await checkBasePath(em, basePath)));
        if (row?.isOwn === true) userErrors.push(invalid('basePath', ownStays(row, 'rename that')));
      }
      const signaturePolicyId = await readSignaturePolicyId(
        em,
        context.viewer,
        input.signaturePolicyId,
        userErrors,
      );
      if (row === undefined || userErrors.length > 0) return userErrors;
      const changes = {
        ...(signaturePolicyId === undefined ? {} : { signaturePolicyId }),
        ...(typeof basePath === 'string' ? { basePath } : {}),
        ...(typeof input.private === 'boolean' ? { isPrivate: input.private, isDecided: true } : {}),
        ...(typeof input.pullThrough === 'boolean' ? { pullThrough: input.pullThrough } : {}),
      };
      if (Object.keys(changes).length > 0)
        await em.nativeUpdate(Distribution, { id: row.id }, { ...changes, updatedAt: new Date() });
      return row.id;
    });
  }

  @Mutation(() => DeletePayload, {
    description:
      'Ends serving at a base path; what was served there stays. The one at a repository’s own name goes with the repository.',
  })
  async distributionDelete(
    @Arg('input', () => DistributionDeleteInput, { description: 'The distribution.' })
    input: DistributionDeleteInput,
    @Ctx() { em, viewer }: RequestContext,
  ): Promise<DeletePayload> {
    return em.fork().transactional(async (transaction) => {
      const row = await findDistribution(transaction, viewer, input.id);
      if (row === undefined) return { deletedId: null, userErrors: [notFound(input.id)] };
      const lacking = lacksRole(viewer, 'maintainer', row.basePath, 'id');
      if (lacking.length > 0) return { deletedId: null, userErrors: lacking };
      if (row.isOwn) {
        const why = ownStays(row, 'delete that, or make this one private');
        return { deletedId: null, userErrors: [mistake('IN_USE', ['id'], why)] };
      }
      await transaction.nativeDelete(Distribution, { id: row.id });
      return { deletedId: input.id, userErrors: [] };
    });
  }

  @Mutation(() => DistributionPayload, {
    description:
      'Lets a distribution serve another version, or follow the latest of a repository: promotion and rollback in one step, kept in ' +
      'moves. Each pull sees either all of what was, or all of what is.',
  })
  async distributionPoint(
    @Arg('input', () => DistributionPointInput, { description: 'What it is to serve.' })
    input: DistributionPointInput,
    @Ctx() context: RequestContext,
  ): Promise<DistributionPayload> {
    return saving(context, '', async (em) => {
      const userErrors: UserError[] = [];
      const target = await readTarget(em, context.viewer, input, userErrors);
      const row = await findDistribution(em, context.viewer, input.id);
      const lacking = row === undefined ? [] : lacksRole(context.viewer, 'maintainer', row.basePath, 'id');
      if (lacking.length > 0) return lacking;
      if (row === undefined) userErrors.unshift(notFound(input.id));
      else if (row.isOwn && target !== undefined && target.repositoryId !== row.repositoryId)
        userErrors.push(
          invalid(
            typeof input.versionId === 'string' ? 'versionId' : 'repositoryId',
            `${quoteValue(row.basePath)} is the own name of a repository and serves that one, at whichever version. ` +
              'Serve another repository at a distribution of another base path (distributionCreate).',
          ),
        );
      if (row?.pullThrough === true && target !== undefined && target.repositoryId !== row.repositoryId)
        userErrors.push(
          ...(await lacksPullThrough(
            em,
            context.viewer,
            target,
            typeof input.versionId === 'string' ? 'versionId' : 'repositoryId',
          )),
        );
      if (row?.pullThrough === true && target !== undefined && target.version !== null)
        userErrors.push(invalid('versionId', pinnedPullThrough));
      if (row === undefined || target === undefined || userErrors.length > 0) return userErrors;
      await moveDistribution(em, row, target, context.viewer.identity);
      return row.id;
    });
  }
}

/** Undefined too where the viewer may not see it. */
async function findDistribution(em: Em, viewer: Viewer, id: string): Promise<LockedDistribution | undefined> {
  const key = parseNumericId('Distribution', id);
  const row = key === undefined ? undefined : await lockDistribution(em, key);
  return seen(viewer, row, ({ basePath }) => basePath) ?? undefined;
}

async function checkBasePath(em: Em, basePath: string): Promise<UserError[]> {
  const mistake = checkRepositoryName(basePath, 'basePath');
  if (mistake !== undefined) return [mistake];
  return (await isBasePathTaken(em, basePath)) ? [basePathTaken(basePath)] : [];
}

function basePathTaken(basePath: string): UserError {
  return mistake(
    'ALREADY_EXISTS',
    ['basePath'],
    `There is a distribution at ${quoteValue(basePath)}; choose another base path, or point that one (distributionPoint).`,
  );
}

function ownStays(row: LockedDistribution, instead: string): string {
  return `The distribution at ${quoteValue(row.basePath)} is at its repository's own name and stays as long as the repository; ${instead}.`;
}

function notFound(id: string): UserError {
  return mistake(
    'NOT_FOUND',
    ['id'],
    `There is no distribution with the id ${quoteValue(id)}; take one from distributions.`,
  );
}

/** One transaction that answers the distribution's key, or mistakes. Of two callers that find a base path free the database says who was first. */
async function saving(
  context: RequestContext,
  basePath: string,
  save: (em: Em) => Promise<number | UserError[]>,
): Promise<DistributionPayload> {
  const saved = await context.em
    .fork()
    .transactional(save)
    .catch((error: unknown) => {
      if (error instanceof UniqueConstraintViolationException) return [basePathTaken(basePath)];
      throw error;
    });
  if (typeof saved !== 'number') return payload(null, saved);
  forgetReads(context);
  const row = await context.loaders.distributions.load(saved);
  return payload(row ?? null, []);
}

function payload(row: Distribution | null, userErrors: UserError[]): DistributionPayload {
  return Object.assign(new DistributionPayload(), {
    distribution: row === null ? null : toDistributionType(row),
    userErrors,
  });
}
