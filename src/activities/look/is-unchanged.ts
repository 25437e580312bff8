import type { LookedAtTag } from '../../db/look/present-content.ts';
import { filterNames } from '../../selection/filter-names.ts';
import type { ActivityDeps } from '../deps.ts';
import { assertSameCompanions } from './companions.ts';
import type { Listed } from './companions.ts';
import { findLost } from '../sync/find-lost.ts';
import { createLimiter, runTogether } from '../../upstream/limiter.ts';
import { isOutsideCompanion } from '../tags/list-tags.ts';
import type { OnDigests } from '../../registry/registry.ts';
import { openLookDigests } from './listed-digests.ts';
import { Changed, assertSameTags, changed } from './look.ts';
import type { Look } from './look.ts';

/** A longer list is left to the sync. */
const namesAtMost = 20_000;

/** Whether a sync would find nothing to do. It asks what that sync would ask. @throws TidemarkError as the client does. */
export async function isUnchanged(deps: ActivityDeps, look: Look, signal: AbortSignal): Promise<boolean> {
  const running = { ...look, requests: createLimiter(look.remote.downloadConcurrency) };
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
    await runTogether(signal, [
      (together) => assertSameTags(deps, running, unsettled, together),
      (together) => assertSameCompanions(deps, running, { listed, roots }, together),
    ]);
    return true;
  } catch (error) {
    if (error instanceof Changed) return false;
    throw error;
  }
}

/** The names that the rules select. */
async function readListed(
  { filter, registry }: Look,
  onDigests: OnDigests,
  signal: AbortSignal,
): Promise<Listed> {
  const exact = new Set(filter.exactNames);
  if (!filter.needsListing) return { selected: exact, companions: undefined };
  const newest = filter.createNewest?.();
  const selected = new Set<string>(exact);
  const companions = new Set<string>();
  let names = 0;
  for await (const page of registry.listTags({ signal, onDigests })) {
    names += page.names.length;
    if (page.doubt !== undefined || page.invalid.length > 0 || names > namesAtMost) changed();
    const matching = await filterNames(page.names, (name) => filter.matches(name) && !exact.has(name));
    for (const name of matching) if (newest === undefined) selected.add(name);
    for (const name of matching) newest?.add(name);
    const outside = await filterNames(page.names, (name) => isOutsideCompanion({ filter }, name));
    for (const name of outside) companions.add(name);
  }
  for (const name of newest?.names() ?? []) selected.add(name);
  return { selected, companions };
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
