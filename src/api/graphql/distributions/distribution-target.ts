import { may } from '../../../access/viewer.ts';
import type { Viewer } from '../../../access/viewer.ts';
import { Repository } from '../../../db/schema/entities.ts';
import type { Em } from '../../../db/open-database.ts';
import { hasRemote, lockTarget } from '../../../db/versions/point-distribution.ts';
import type { DistributionTarget } from '../../../db/versions/point-distribution.ts';
import { quoteValue } from '../../../oci/error.ts';
import { parseNumericId, parseVersionId } from '../../../operations/global-id.ts';
import { invalid, mistake } from '../../../operations/mistakes.ts';
import { seen } from '../../../operations/permit.ts';
import { versionNotFound } from '../repositories/repository-content.resolver.ts';
import { notFound as repositoryNotFound } from '../repositories/repository-mutation.resolver.ts';
import type { UserError } from '../user-error.type.ts';

/** What `versionId` or `repositoryId` names, held; undefined with a mistake more. */
export async function readTarget(
  em: Em,
  viewer: Viewer,
  input: { readonly versionId?: string | null; readonly repositoryId?: string | null },
  userErrors: UserError[],
): Promise<DistributionTarget | undefined> {
  const { versionId, repositoryId } = input;
  if ((typeof versionId === 'string') === (typeof repositoryId === 'string')) {
    const given = typeof versionId === 'string' ? 'Both' : 'Neither';
    userErrors.push(
      invalid(
        'versionId',
        `${given} of versionId and repositoryId given; expected versionId to serve one version, or repositoryId to follow its latest.`,
      ),
    );
    return undefined;
  }
  const target = typeof versionId === 'string' ? versionTarget(versionId) : latestTarget(repositoryId ?? '');
  if (target !== undefined && (await lockTarget(em, target)) && (await maySee(em, viewer, target)))
    return target;
  userErrors.push(
    typeof versionId === 'string'
      ? versionNotFound('versionId', versionId)
      : repositoryNotFound('repositoryId', repositoryId ?? ''),
  );
  return undefined;
}

/** What is served is shown to those who read the base path: so it has to be something that the caller may read. */
async function maySee(em: Em, viewer: Viewer, { repositoryId }: DistributionTarget): Promise<boolean> {
  const repository = await em.findOne(Repository, { id: repositoryId });
  return seen(viewer, repository, ({ name }) => name) !== null;
}

function versionTarget(id: string): DistributionTarget | undefined {
  const version = parseVersionId(id);
  return version === undefined ? undefined : { repositoryId: version.repositoryId, version: version.number };
}

function latestTarget(id: string): DistributionTarget | undefined {
  const repositoryId = parseNumericId('Repository', id);
  return repositoryId === undefined ? undefined : { repositoryId, version: null };
}

export const pinnedPullThrough =
  'A pinned version never changes, so nothing can be pulled through into it; follow the latest version (repositoryId), or set pullThrough to ' +
  'false (distributionUpdate).';

export async function checkPullThrough(
  em: Em,
  viewer: Viewer,
  target: DistributionTarget,
): Promise<UserError[]> {
  if (target.version !== null) return [invalid('pullThrough', pinnedPullThrough)];
  const lacking = await lacksPullThrough(em, viewer, target, 'pullThrough');
  if (lacking.length > 0) return lacking;
  if (await hasRemote(em, target.repositoryId)) return [];
  return [
    invalid(
      'pullThrough',
      'The repository has no remote to pull through from; give it one first (repositoryUpdate).',
    ),
  ];
}

/** Each pull may then make a version of the repository, and use what its remote logs in with; its name may be nothing for the viewer. */
export async function lacksPullThrough(
  em: Em,
  viewer: Viewer,
  { repositoryId }: DistributionTarget,
  field: string,
): Promise<UserError[]> {
  const repository = await em.findOne(Repository, { id: repositoryId });
  if (repository === null || may(viewer, 'maintainer', repository.name)) return [];
  const message = `Pulls through make versions of the repository that is served, of which ${quoteValue(viewer.name)} is no maintainer.`;
  return [mistake('FORBIDDEN', [field], message)];
}
