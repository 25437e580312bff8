import { may } from '../access/viewer.ts';
import type { Viewer } from '../access/viewer.ts';
import type { Em } from '../db/open-database.ts';
import { Repository } from '../db/schema/repositories.ts';
import { hasRemote, lockTarget } from '../db/distributions/point-distribution.ts';
import type { DistributionTarget } from '../db/distributions/point-distribution.ts';
import { quoteValue } from '../oci/error.ts';
import { versionNotFound } from './content.ts';
import type { VersionReference } from './content.ts';
import { invalid, mistake } from './mistakes.ts';
import type { Mistake } from './mistakes.ts';
import type { Reference } from './operation.ts';
import { seen } from './permit.ts';
import { repositoryNotFound } from './references.ts';

/** What a distribution is to serve: one version, or the latest of a repository. Exactly one is given. */
export interface Target {
  readonly version: VersionReference | undefined;
  readonly repository: Reference | undefined;
}

/** The target that is given, locked; undefined, with a mistake, where there is none that the viewer can read. */
export async function lockGiven(
  em: Em,
  viewer: Viewer,
  { version, repository }: Target,
  mistakes: Mistake[],
): Promise<DistributionTarget | undefined> {
  if ((version === undefined) === (repository === undefined)) {
    const given = version === undefined ? 'Neither' : 'Both';
    const message = `${given} of versionId and repositoryId given. Give versionId to pin a version, or repositoryId to follow the latest.`;
    mistakes.push(invalid('versionId', message));
    return undefined;
  }
  const target = toTarget({ version, repository });
  if (target !== undefined && (await lockTarget(em, target)) && (await maySee(em, viewer, target)))
    return target;
  if (version !== undefined) mistakes.push(versionNotFound('versionId', version.text));
  if (repository !== undefined) mistakes.push(repositoryNotFound(repository));
  return undefined;
}

function toTarget({ version, repository }: Target): DistributionTarget | undefined {
  if (version?.key !== undefined)
    return { repositoryId: version.key.repositoryId, version: version.key.number };
  return repository?.key === undefined ? undefined : { repositoryId: repository.key, version: null };
}

/** Readers of the base path see what is served there, so the caller has to be able to read it. */
async function maySee(em: Em, viewer: Viewer, { repositoryId }: DistributionTarget): Promise<boolean> {
  const repository = await em.findOne(Repository, { id: repositoryId });
  return seen(viewer, repository, ({ name }) => name) !== null;
}

export const pinnedPullThrough =
  'Pull-through cannot be combined with a pinned version, which never changes. Follow the latest version (repositoryId), or set pullThrough ' +
  'to false (distributionUpdate).';

export async function checkPullThrough(
  em: Em,
  viewer: Viewer,
  target: DistributionTarget,
): Promise<Mistake[]> {
  if (target.version !== null) return [invalid('pullThrough', pinnedPullThrough)];
  const lacking = await lacksPullThrough(em, viewer, target, 'pullThrough');
  if (lacking.length > 0) return lacking;
  if (await hasRemote(em, target.repositoryId)) return [];
  return [
    invalid(
      'pullThrough',
      'The repository has no remote for pull-through. Set its remote first (repositoryUpdate).',
    ),
  ];
}

/** Each pull may then make a version of the repository, and use the credentials of its remote; the viewer may be unable to read its name. */
export async function lacksPullThrough(
  em: Em,
  viewer: Viewer,
  { repositoryId }: DistributionTarget,
  field: string,
): Promise<Mistake[]> {
  const repository = await em.findOne(Repository, { id: repositoryId });
  if (repository === null || may(viewer, 'maintainer', repository.name)) return [];
  const message = `Pull-through creates versions of the served repository, on which ${quoteValue(viewer.name)} lacks the role maintainer.`;
  return [mistake('FORBIDDEN', [field], message)];
}
