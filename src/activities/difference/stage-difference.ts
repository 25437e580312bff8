import { finishDifference } from '../../db/difference/stage-difference.ts';
import { readCompanionsBelow } from '../../db/difference/touched-tags.ts';
import type { Em } from '../../db/open-database.ts';
import { dropListed, stageListed } from '../../db/staging/listed-digests.ts';
import { stageNames } from '../../db/staging/stage-names.ts';
import type { Listed } from '../../db/staging/stage-names.ts';
import { readPresentTags, stageTags } from '../../db/staging/stage-tags.ts';
import { filterNames } from '../../selection/filter-names.ts';
import type { SyncContext } from '../sync/sync-context.ts';
import type { Difference } from './find-difference.ts';

/**
 * Stages, in place of the list of tags, what a sync with a difference walks: changed names, and unchanged tags whose companions have changed.
 * Companions that the filters select stay listed as well, because the commit ends unlisted ones with their images.
 */
export async function stageDifference(
  em: Em,
  { taskId, repositoryId, filter, arguments: { mirror } }: SyncContext,
  difference: Difference,
  listing: number,
): Promise<Pick<Listed, 'positions'>> {
  const { names, gone, touched, changed } = difference;
  const below = await readCompanionsBelow(em, repositoryId, [...names, ...gone, ...touched]);
  const kept = await filterNames(below, (name) => filter.matches(name) && !changed.has(name));
  const unchanged = [...new Set([...touched, ...kept])];
  await stageNames(em, { taskId, listing }, { firstPosition: 0, names: [...names, ...unchanged] });
  const present = await readPresentTags(em, repositoryId, unchanged);
  // those of an attempt with the same number, in a workflow that was reset
  await dropListed(em, taskId);
  const listed = [...present].map(([name, { manifestId }]) => ({ name, manifestId }));
  await stageListed(em, { taskId, listing }, listed);
  const staged = await finishDifference(em, { taskId, listing }, difference);
  if (mirror)
    await stageTags(
      em,
      taskId,
      gone.map((name) => ({ name, manifestId: null })),
    );
  return staged;
}
