import type { LookedAtTag, PresentContent } from '../../db/look/present-content.ts';
import type { SettledSync } from '../../db/look/settled-syncs.ts';
import type { KnownListing, ListedPlace } from '../../db/tasks/host-listing.ts';
import type { Remote } from '../../db/schema/remotes.ts';
import type { SubsetFilter } from '../../db/staging/stage-tags.ts';
import type { Registry } from '../../registry/registry.ts';
import { forEachConcurrently } from '../../upstream/limiter.ts';
import type { Limiter } from '../../upstream/limiter.ts';
import type { ActivityDeps } from '../deps.ts';
import { isSame } from '../tags/look-up-tag.ts';

/** What a look compares: the upstream, and the latest version. */
export interface Look extends SettledSync {
  readonly remote: Remote;
  readonly filter: SubsetFilter;
  readonly registry: Registry;
  readonly present: PresentContent;
  readonly store: Pick<ActivityDeps['store'], 'exists'>;
  /** Which API lists tags with digests, as far as syncs know. */
  readonly knownListing: (place: ListedPlace) => Promise<KnownListing>;
}

/** A look that is under way. */
export interface RunningLook extends Look {
  /** Its requests in flight, tags and referrers together. */
  readonly requests: Limiter;
}

/** Ends the requests that are under way. */
export class Changed extends Error {}

/** Stops the look: the repository may have changed. */
export function changed(): never {
  throw new Changed();
}

/** Sends HEAD, as a sync does for unchanged tags. */
export async function assertSameTags(
  deps: ActivityDeps,
  { registry, remote, requests }: RunningLook,
  tags: readonly LookedAtTag[],
  signal: AbortSignal,
): Promise<void> {
  const lanes = { concurrency: remote.downloadConcurrency, signal };
  await forEachConcurrently(tags, lanes, async (tag, laneSignal) => {
    const head = await requests.run(laneSignal, () =>
      deps.connections.run(laneSignal, () =>
        registry.resolve(tag.name, { signal: laneSignal, known: tag.digest }),
      ),
    );
    if (head !== 'unchanged' && (head === undefined || !isSame(head, tag))) changed();
  });
}
