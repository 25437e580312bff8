import { noteState } from '../../db/difference/complete-same.ts';
import type { Settled } from '../../db/look/settled-syncs.ts';
import type { Remote } from '../../db/schema/remotes.ts';
import type { ActivityDeps } from '../deps.ts';
import { findDifference, isNothing } from '../difference/find-difference.ts';
import type { DifferenceQuestion } from '../difference/find-difference.ts';
import { describeLie } from '../listing/check-sample.ts';
import { noteLie } from '../listing/read-listing.ts';
import { listedPlace } from '../sync/open-client.ts';
import type { Look } from './look.ts';

export interface DifferenceLook extends Omit<DifferenceQuestion, 'known'>, Pick<Look, 'knownListing'> {
  readonly settled: Settled;
  readonly remote: Remote;
}

/**
 * Asks another Tidemark whether anything has changed since the last sync.
 * @returns undefined if it does not tell, and the list of tags must be read; false if there is something to do.
 */
export async function lookAtDifference(
  deps: ActivityDeps,
  { remote, knownListing, ...question }: DifferenceLook,
  signal: AbortSignal,
): Promise<boolean | undefined> {
  const em = deps.database.em.fork();
  const place = listedPlace(remote);
  const { settled } = question;
  const known = () => knownListing(place);
  const found = await findDifference(deps, em, { ...question, known }, signal);
  if (found.kind === 'unknown') return undefined;
  if (found.kind === 'lie') {
    await noteLie(em, place, describeLie(place.host, found.lie));
    return false;
  }
  const { difference } = found;
  if (!isNothing(difference, settled.mirror)) return false;
  const { state, tagsDelta, filteredDelta } = difference;
  // otherwise the counts of the next sync need these changes, too
  const isCounted = tagsDelta === 0 && filteredDelta === 0;
  if (state !== settled.upstreamState && isCounted)
    await noteState(em, settled.lastTaskId, { state, isWhole: false });
  return true;
}
