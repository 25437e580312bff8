import type { LookedAtTag } from '../../db/look/present-content.ts';
import type { SubsetFilter } from '../../db/staging/stage-tags.ts';
import { filterNames } from '../../selection/filter-names.ts';
import type { ActivityDeps } from '../deps.ts';
import { assertSameCompanions, below } from './companions.ts';
import type { Listed } from './companions.ts';
import { findLost } from '../sync/find-lost.ts';
import { createLimiter, runTogether } from '../../upstream/limiter.ts';
import { countFiltered, isOutsideCompanion } from '../tags/list-tags.ts';
import { watchRules } from '../tags/watch-rules.ts';
import type { OnDigests } from '../../registry/registry.ts';
import { openLookDigests } from './listed-digests.ts';
import { Changed, assertSameTags, changed } from './look.ts';
import type { Look, Unchanged } from './look.ts';

/** A longer list is left to the sync. */
const namesAtMost = 20_000;

/** Whether a look can compare everything that these rules select. */
export function canCompare({ digests, minimumAge, newestOrder }: SubsetFilter): boolean {
  return digests.length === 0 && minimumAge === undefined && newestOrder === 'SEMVER';
}

/**
 * Asks what a sync of an unchanged repository would ask.
 * @returns undefined if there may be something to do.
 * @throws TidemarkError as the client does.
 */
export async function findUnchanged(
  deps: ActivityDeps,
  look: Look,
  signal: AbortSignal,
): Promise<Unchanged | undefined> {
  const running = { ...look, requests: createLimiter(look.concurrency) };
  try {
    const digests = openLookDigests(deps, look);
    const [listed] = await Promise.all([
      readListed(look, digests.take, signal),
      assertNoSignatureStore(deps, look, signal),
      assertStored(look, signal),
    ]);
    const tags = selectTags(look, listed);
    const asked = tags.filter(({ name }) => look.filter.isImmutable?.(name) !== true);
    const settled = await digests.settle(asked, signal);
    const unsettled = asked.filter(({ name }) => !settled.has(name));
    const roots = asked.map(({ manifestId }) => manifestId);
    const manifestIds = new Set(tags.map(({ manifestId }) => manifestId));
    await runTogether(signal, [
      (together) => assertSameTags(deps, running, unsettled, together),
      async (together) => {
        const followed = await assertSameCompanions(deps, running, { listed, roots }, together);
        for (const id of followed) manifestIds.add(id);
      },
    ]);
    const { filtered, beyondNewest, state } = listed;
    const names = tags.map(({ name }) => name);
    return { tags: names, filtered, beyondNewest, manifestIds: [...below(look, manifestIds)], state };
  } catch (error) {
    if (error instanceof Changed) return undefined;
    throw error;
  }
}

/** The names that the rules select. A sync would warn of a rule that selects none. */
async function readListed(
  { filter, rules, registry }: Look,
  onDigests: OnDigests,
  signal: AbortSignal,
): Promise<Listed> {
  const exact = new Set(filter.exactNames);
  if (!filter.needsListing)
    return { selected: exact, companions: undefined, filtered: 0, beyondNewest: 0, state: undefined };
  const watched = watchRules(rules);
  const newest = filter.createNewest?.();
  const selected = new Set<string>(exact);
  const companions = new Set<string>();
  let state: string | undefined;
  let names = 0;
  let filtered = 0;
  let beyondNewest = 0;
  for await (const page of registry.listTags({ signal, onDigests })) {
    state ??= page.state;
    names += page.names.length;
    if (page.doubt !== undefined || page.invalid.length > 0 || names > namesAtMost) changed();
    const matching = await filterNames(page.names, (name) => filter.matches(name) && !exact.has(name));
    for (const name of matching) if (newest === undefined) selected.add(name);
    for (const name of matching) if (newest?.add(name) !== undefined) beyondNewest += 1;
    const outside = await filterNames(page.names, (name) => isOutsideCompanion({ filter }, name));
    for (const name of outside) companions.add(name);
    const taken = new Set(matching);
    filtered += countFiltered(page.names, (name) => taken.has(name) || exact.has(name));
    watched.see(page.names);
  }
  for (const name of newest?.names() ?? []) selected.add(name);
  if (selected.size === 0 || watched.warnings().length > 0) changed();
  return { selected, companions, filtered, beyondNewest, state };
}

/** Each selected name must be present. A mirror must have no other tag within the filters. */
function selectTags({ present, filter, mirror }: Look, { selected }: Listed): LookedAtTag[] {
  const tags = present.tags.filter(({ name }) => selected.has(name));
  if (tags.length !== selected.size) changed();
  if (mirror && present.tags.some(({ name }) => filter.matches(name) && !selected.has(name))) changed();
  return tags;
}

async function assertNoSignatureStore(
  deps: ActivityDeps,
  { registry }: Look,
  signal: AbortSignal,
): Promise<void> {
  const source = await deps.connections.run(signal, () => registry.findSignatureSource({ signal }));
  if (source !== undefined) changed();
}

async function assertStored({ store, present }: Look, signal: AbortSignal): Promise<void> {
  if ((await findLost({ store }, present.blobs, signal)).length > 0) changed();
}
