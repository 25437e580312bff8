import type { Em } from '../../db/open-database.ts';
import {
  countPresent,
  dropListed,
  forgetListed,
  sampleListed,
  stageListed,
} from '../../db/staging/listed-digests.ts';
import { readPresentTags } from '../../db/staging/stage-tags.ts';
import { readKnownListings, takeListingWarning } from '../../db/tasks/host-listing.ts';
import type { KnownListing } from '../../db/tasks/host-listing.ts';
import { addWarnings } from '../../db/tasks/task-warnings.ts';
import type { ListedDigest, OnDigests } from '../../registry/registry.ts';
import { filterNames } from '../../selection/filter-names.ts';
import type { ActivityDeps } from '../deps.ts';
import { listedPlace } from '../sync/open-client.ts';
import { concurrencyOf, listedByFallback } from '../sync/sync-context.ts';
import type { SyncContext } from '../sync/sync-context.ts';
import { isSame } from '../tags/look-up-tag.ts';
import { checkSample, describeLie } from './check-sample.ts';
import { isTooFew, mayList, noteLie, readListing } from './read-listing.ts';

/*
 * Lists of tags with digests. A present tag that the list names with the digest of the version needs no request of its own. A sample is
 * requested all the same. Digests are staged, because 100,000 of them do not belong in memory.
 */
export interface SyncDigests {
  /** Takes the digests that come with the list of names. */
  readonly take: OnDigests;
  /**
   * Call it when the names are staged. Reads the registry's own list if the list of names had no digests. `tags`: the number of names that are
   * requested otherwise.
   */
  finish(tags: number): Promise<void>;
}

const stagedAtOnce = 1_000;

export function openSyncDigests(
  deps: ActivityDeps,
  em: Em,
  sync: SyncContext,
  { listing, signal }: { readonly listing: number; readonly signal: AbortSignal },
): SyncDigests {
  const { taskId, repositoryId } = sync;
  const place = listedPlace(sync.remote);
  const waiting: ListedDigest[] = [];
  let known: KnownListing | undefined;
  let isStaging = false;
  let isSettling = false;

  async function readKnown(): Promise<KnownListing | undefined> {
    if (known !== undefined) return known;
    [known] = await readKnownListings(em, [place]);
    if (known?.hasWarning === true) {
      const warning = await takeListingWarning(em, place);
      if (warning !== undefined) await addWarnings(em, taskId, [warning]);
    }
    return known;
  }

  async function stage(page: readonly ListedDigest[]): Promise<number> {
    const tags = await comparePage(em, sync, page);
    if (tags.length === 0) return 0;
    // those of an attempt with the same number, in a workflow that was reset
    if (!isStaging) await dropListed(em, taskId);
    isStaging = true;
    isSettling ||= tags.some(({ manifestId }) => manifestId !== null);
    await stageListed(em, { taskId, listing }, tags);
    return tags.length;
  }

  return {
    async take(page) {
      if ((await readKnown())?.hasLied !== false) return;
      waiting.push(...page);
      while (waiting.length >= stagedAtOnce) await stage(waiting.splice(0, stagedAtOnce));
    },
    async finish(tags) {
      // present tags are not requested then
      if (listedByFallback(sync) !== undefined) return;
      if (known === undefined) {
        if (isTooFew(tags)) return;
        const { registry } = sync;
        const found = await readKnown();
        if (found === undefined || !mayList(registry, found, tags)) return;
        const wanted = Math.min(tags, await countPresent(em, { taskId, repositoryId }));
        await readListing(em, { ...place, registry, known: found, wanted, take: stage }, signal);
      }
      await stage(waiting.splice(0));
      if (!isSettling) return;
      await checkListed(deps, em, sync, signal);
      if (sync.filter.minimumAge !== undefined && !sync.arguments.dryRun)
        await forgetListed(em, { taskId, repositoryId });
    },
  };
}

/** Requests a sample. Digests that it contradicts or cannot confirm are dropped, and their tags are requested. */
async function checkListed(
  deps: ActivityDeps,
  em: Em,
  sync: SyncContext,
  signal: AbortSignal,
): Promise<void> {
  const { taskId, repositoryId, registry } = sync;
  const tags = await sampleListed(em, { taskId, repositoryId });
  const sample = { registry, concurrency: concurrencyOf(sync), tags };
  const { lie, unsettled } = await checkSample(deps, sample, signal);
  if (lie !== undefined) {
    const place = listedPlace(sync.remote);
    await dropListed(em, taskId);
    await noteLie(em, place);
    await addWarnings(em, taskId, [describeLie(place.host, lie)]);
  } else if (unsettled.length > 0) await dropListed(em, taskId, unsettled);
}

/** The selected and present ones among these tags. Immutable tags need no request anyway. */
async function comparePage(em: Em, { filter, repositoryId }: SyncContext, page: readonly ListedDigest[]) {
  const exact = new Set(filter.exactNames);
  const names = page.map(({ name }) => name);
  const selected = new Set(await filterNames(names, (name) => filter.matches(name) || exact.has(name)));
  const present = await readPresentTags(em, repositoryId, [...selected]);
  return page.flatMap((listed) => {
    const tag = present.get(listed.name);
    if (tag === undefined || filter.isImmutable?.(listed.name) === true) return [];
    return [{ name: listed.name, manifestId: isSame(listed, tag) ? tag.manifestId : null }];
  });
}
