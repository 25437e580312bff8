import type { LookedAtTag, PresentContent } from '../../db/look/present-content.ts';
import type { KnownListing, ListedPlace } from '../../db/tasks/host-listing.ts';
import type { Remote } from '../../db/schema/remotes.ts';
import type { SubsetFilter } from '../../db/staging/stage-tags.ts';
import type { Registry } from '../../registry/registry.ts';
import { forEachConcurrently } from '../../upstream/limiter.ts';
import type { Limiter } from '../../upstream/limiter.ts';
import type { TagRules } from '../../selection/tag-rules.ts';
import type { ActivityDeps } from '../deps.ts';
import { isSame } from '../tags/look-up-tag.ts';

/** What a look compares: the upstream, and the latest version. */
export interface Look {
  readonly mirror: boolean;
  readonly remote: Remote;
  readonly rules: TagRules;
  readonly filter: SubsetFilter;
  /** Requests in flight. */
  readonly concurrency: number;
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

/** What a look of an unchanged repository has counted. */
export interface Unchanged {
  /** The selected tags. */
  readonly tags: readonly string[];
  /** Listed tags that the rules exclude. */
  readonly filtered: number;
  readonly beyondNewest: number;
  /** The manifests of the selected tags, and of their companions. */
  readonly manifestIds: readonly number[];
  /** What another Tidemark announced with its list of tags. */
  readonly state: string | undefined;
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
  { registry, concurrency, requests }: RunningLook,
  tags: readonly LookedAtTag[],
  signal: AbortSignal,
): Promise<void> {
  const lanes = { concurrency, signal };
  await forEachConcurrently(tags, lanes, async (tag, laneSignal) => {
    const head = await requests.run(laneSignal, () =>
      deps.connections.run(laneSignal, () =>
        registry.resolve(tag.name, { signal: laneSignal, known: tag.digest }),
      ),
    );
    if (head !== 'unchanged' && (head === undefined || !isSame(head, tag))) changed();
  });
}
