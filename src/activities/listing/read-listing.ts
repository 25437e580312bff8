import type { Em } from '../../db/open-database.ts';
import { noteListing } from '../../db/tasks/host-listing.ts';
import type { KnownListing, ListedPlace } from '../../db/tasks/host-listing.ts';
import { isTidemarkError } from '../../oci/error.ts';
import type { TidemarkError } from '../../oci/error.ts';
import { listingNames } from '../../registry/listing/listing.ts';
import type { ListedDigest, ListingName } from '../../registry/listing/listing.ts';
import type { Registry } from '../../registry/registry.ts';

/** A page must have a chance to spare this many requests. */
const tagsAPage = 10;
/** From so many tags on, a registry that nothing has told about is asked for its extensions. */
const tagsToDiscover = 100;
const daySeconds = 24 * 60 * 60;
/** After a transient error. */
const soonSeconds = 10 * 60;

export interface ListingToRead extends ListedPlace {
  readonly registry: Registry;
  readonly known: KnownListing;
  /** Selected tags that the version has. */
  readonly wanted: number;
  /** Takes a page, and returns how many of the wanted tags it covers. */
  readonly take: (page: readonly ListedDigest[]) => Promise<number>;
}

/** Whether so few tags are requested one by one, whatever the registry has. */
export function isTooFew(tags: number): boolean {
  return tags < tagsAPage;
}

/** Whether the registry may have a list with digests that is worth reading for so many tags. */
export function mayList(registry: Registry, known: KnownListing, tags: number): boolean {
  if (known.hasLied || known.isRefused || isTooFew(tags)) return false;
  return known.listing !== undefined || registry.listing() !== undefined || tags >= tagsToDiscover;
}

/**
 * Reads a registry's own list of tags with digests, until it covers the wanted tags. A refusal is remembered, and costs requests only.
 * @throws TidemarkError `UPSTREAM_THROTTLED`, as any request would be
 */
export async function readListing(em: Em, list: ListingToRead, signal: AbortSignal): Promise<void> {
  const { scope, host, repository, registry, known, wanted, take } = list;
  if (!mayList(registry, known, wanted)) return;
  try {
    const listing = await findListing(em, list, signal);
    if (listing === undefined) return;
    let covered = 0;
    let pages = 0;
    for await (const page of registry.listDigests(listing, { signal })) {
      covered += await take(page);
      pages += 1;
      if (covered >= wanted || (pages + 1) * tagsAPage > wanted) break;
    }
    if (pages > 0 && known.listing === undefined)
      await noteListing(em, { scope, host, state: 'FOUND', listing, seconds: daySeconds });
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const seconds = error.retryable ? soonSeconds : daySeconds;
    await noteListing(em, { scope, host, repository, state: 'REFUSED', seconds });
  }
}

/** The API that is remembered, else the one that the registry has shown, else the one that it announces. */
async function findListing(
  em: Em,
  { scope, host, registry, known }: ListingToRead,
  signal: AbortSignal,
): Promise<ListingName | undefined> {
  const remembered = listingNames.find((name) => name === known.listing);
  const listing = remembered ?? registry.listing();
  if (listing !== undefined) return listing;
  const found = await registry.discoverListing({ signal });
  if (found === undefined) await noteListing(em, { scope, host, state: 'ABSENT', seconds: daySeconds });
  return found;
}

/** An error of the API. A throttled host must not be asked anything else either. */
function isRefusal(error: unknown): error is TidemarkError {
  return isTidemarkError(error) && error.origin === 'upstream' && error.code !== 'UPSTREAM_THROTTLED';
}

/** Remembers that a list with digests is wrong. `warning` is for the repository's next sync: it names a tag, which others may not read. */
export async function noteLie(
  em: Em,
  { scope, host, repository }: ListedPlace,
  warning?: string,
): Promise<void> {
  const lie = { scope, host, state: 'LIED', seconds: daySeconds } as const;
  await noteListing(em, lie);
  if (warning !== undefined) await noteListing(em, { ...lie, repository, warning });
}
