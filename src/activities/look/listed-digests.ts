import type { LookedAtTag } from '../../db/look/present-content.ts';
import type { ListedDigest, OnDigests } from '../../registry/registry.ts';
import type { ActivityDeps } from '../deps.ts';
import { checkSample, describeLie } from '../listing/check-sample.ts';
import { isTooFew, mayList, noteLie, readListing } from '../listing/read-listing.ts';
import { listedPlace } from '../sync/open-client.ts';
import { isSame } from '../tags/look-up-tag.ts';
import { changed } from './look.ts';
import type { Look } from './look.ts';

/** Lists of tags with digests, as a sync uses them (listing/sync-digests.ts). A look has few tags, so they are in memory. */
export interface LookDigests {
  /** Takes the digests that come with the list of names. */
  readonly take: OnDigests;
  /** The names, among the asked ones, that need no request. */
  settle(asked: readonly LookedAtTag[], signal: AbortSignal): Promise<ReadonlySet<string>>;
}

export function openLookDigests(deps: ActivityDeps, look: Look): LookDigests {
  const { registry, remote, concurrency, present } = look;
  const place = listedPlace(remote);
  const tags = new Map(present.tags.map((tag) => [tag.name, tag]));
  const isListed = new Map<string, boolean>();
  let hasCome = false;

  const see = (page: readonly ListedDigest[]): void => {
    for (const listed of page) {
      const tag = tags.get(listed.name);
      if (tag !== undefined)
        isListed.set(listed.name, isSame(listed, tag) && isListed.get(listed.name) !== false);
    }
  };

  async function readOwn(asked: readonly LookedAtTag[], signal: AbortSignal): Promise<void> {
    if (isTooFew(asked.length)) return;
    const known = await look.knownListing(place);
    if (!mayList(registry, known, asked.length)) return;
    const wanted = new Set(asked.map(({ name }) => name));
    const take = (page: readonly ListedDigest[]): Promise<number> => {
      see(page);
      const names = new Set(page.map(({ name }) => name));
      return Promise.resolve([...names].filter((name) => wanted.has(name)).length);
    };
    const list = { ...place, registry, known, wanted: wanted.size, take };
    await readListing(deps.database.em.fork(), list, signal);
  }

  return {
    take(page) {
      hasCome = true;
      see(page);
      return Promise.resolve();
    },
    async settle(asked, signal) {
      if (!hasCome) await readOwn(asked, signal);
      else if ((await look.knownListing(place)).hasLied) return new Set();
      const spared = asked.filter(({ name }) => isListed.get(name) === true);
      if (spared.length === 0) return new Set();
      const sample = { registry, concurrency, tags: sampleOf(spared) };
      const { lie, unsettled } = await checkSample(deps, sample, signal);
      if (lie !== undefined) {
        await noteLie(deps.database.em.fork(), place, describeLie(place.host, lie));
        changed();
      }
      if (unsettled.length > 0) changed();
      return new Set(spared.map(({ name }) => name));
    },
  };
}

/** One per cent, at least one, at random. */
function sampleOf(tags: readonly LookedAtTag[]): LookedAtTag[] {
  const left = [...tags];
  return Array.from({ length: Math.ceil(tags.length / 100) }, () =>
    left.splice(Math.floor(Math.random() * left.length), 1),
  ).flat();
}
