import {
  countRemovals,
  isMassRemoval,
  keepRoots,
  readRootRemovals,
  readTagRemovals,
} from '../../db/staging/stage-removals.ts';
import type { RootRemoval } from '../../db/staging/stage-removals.ts';
import { readTimes } from '../../db/outcomes/listed-tags.ts';
import { stageChangedRemovals } from '../../db/difference/changed-removals.ts';
import { readNames } from '../../db/staging/stage-names.ts';
import { stageRemovals, unstageTags } from '../../db/staging/stage-tags.ts';
import type { Em } from '../../db/open-database.ts';
import { addWarnings } from '../../db/tasks/task-warnings.ts';
import { parseCompanionTag } from '../../oci/signatures/companion-tag.ts';
import type { TidemarkError } from '../../oci/error.ts';
import type { ActivityDeps } from '../deps.ts';
import { forEachConcurrently } from '../../upstream/limiter.ts';
import { readPages } from '../../upstream/read-pages.ts';
import { countOutside, pruneOutside } from './outside-filter.ts';
import { askAside, isSideFailure } from '../companions/side-look-ups.ts';
import { listedByFallback } from '../sync/sync-context.ts';
import type { SyncContext } from '../sync/sync-context.ts';

const pageSize = 500;
const namesAPage = 5_000;
const examplesAtMost = 3;

/** Content that stays although the upstream does not list it. */
interface Kept {
  readonly served: string[];
  readonly unknown: string[];
  reason: string;
}

/**
 * Stages the removals of a mirror sync: content that the upstream neither lists nor serves. Content that is still served, or whose request
 * failed, stays with a warning. Nothing is requested for a mass removal, which the commit refuses. Nothing is removed by a fallback's list.
 */
export async function findRemovals(
  deps: ActivityDeps,
  sync: SyncContext,
  signal: AbortSignal,
): Promise<void> {
  if (!sync.arguments.mirror) return;
  const em = deps.database.em.fork();
  const prune = sync.arguments.pruneFiltered === true;
  if (!sync.isDifference) await countOutside(em, sync);
  // the fallback may be behind
  if (listedByFallback(sync) !== undefined) return;
  if (sync.isDifference) await stageChangedRemovals(em, sync, sync.filter);
  else await stageRemovals(em, sync, sync.filter, prune);
  const { present, removed } = await countRemovals(em, sync, prune);
  if (!sync.arguments.confirmRemoval && isMassRemoval(present, removed)) return;
  const kept: Kept = { served: [], unknown: [], reason: '' };
  const look = { deps, sync, signal, kept };
  const asked = { taskId: sync.taskId, digests: sync.filter.digests };
  const isBeyond = await compileBeyond(em, sync);
  const tags = readPages(
    '',
    (name: string) => name,
    (after) => readTagRemovals(em, sync, after, pageSize),
  );
  for await (const page of tags) {
    const beyond = await isBeyond(page);
    const wanted = page.filter((name) => !beyond.has(name));
    await unstageTags(em, sync.taskId, await findServed(look, wanted, (name) => name));
  }
  const roots = readPages(
    { manifestId: 0, name: '' },
    (root: RootRemoval): Pick<RootRemoval, 'manifestId' | 'name'> => root,
    (after) => readRootRemovals(em, asked, after, pageSize),
  );
  for await (const page of roots)
    await keepRoots(em, sync.taskId, await findServed(look, page, ({ digest }) => digest));
  // last: the upstream may serve these tags, and they leave all the same
  if (prune) await pruneOutside(em, sync);
  await addWarnings(em, sync.taskId, describeKept(kept));
}

/** Finds the tags that are removed because newer tags took their place, whatever the upstream has. */
async function compileBeyond(
  em: Em,
  { filter, taskId, repositoryId }: SyncContext,
): Promise<(names: readonly string[]) => Promise<ReadonlySet<string>>> {
  const newest = filter.createNewest?.();
  if (newest === undefined) return () => Promise.resolve(new Set());
  const order = filter.newestOrder;
  for (let from = 0; ; from += namesAPage) {
    const names = await readNames(em, taskId, from, from + namesAPage);
    const times = await readTimes(em, repositoryId, order, names);
    for (const name of names) newest.add(name, times.get(name));
    if (names.length < namesAPage) break;
  }
  const exact = new Set(filter.exactNames);
  return async (names) => {
    const ranked = names.filter((name) => !exact.has(name) && parseCompanionTag(name) === undefined);
    const times = await readTimes(em, repositoryId, order, ranked);
    const isKnown = (name: string) => order === 'SEMVER' || times.has(name);
    return new Set(ranked.filter((name) => isKnown(name) && newest.isBeyond(name, times.get(name))));
  };
}

interface Look {
  readonly deps: ActivityDeps;
  readonly sync: SyncContext;
  readonly signal: AbortSignal;
  readonly kept: Kept;
}

async function findServed<T>(
  { deps, sync, signal, kept }: Look,
  wanted: readonly T[],
  referenceOf: (one: T) => string,
): Promise<T[]> {
  const stay: T[] = [];
  const concurrency = sync.remote.downloadConcurrency;
  await forEachConcurrently(wanted, { concurrency, signal }, async (one, laneSignal) => {
    const reference = referenceOf(one);
    try {
      const served = await askAside(sync, 'removal', () =>
        deps.connections.run(laneSignal, () => isServed(sync, reference, laneSignal)),
      );
      if (!served) return;
      kept.served.push(reference);
    } catch (error) {
      if (!isSideFailure(error, sync, true)) throw error;
      kept.unknown.push(reference);
      kept.reason ||= error.message;
    }
    stay.push(one);
  });
  return stay;
}

async function isServed({ registry }: SyncContext, reference: string, signal: AbortSignal): Promise<boolean> {
  let digest: string | undefined;
  try {
    digest = (await registry.getManifest(reference, { signal }))?.digest;
  } catch (error) {
    // it exists, in a form that cannot be mirrored
    if (isWrongAnswer(error as TidemarkError)) return true;
    throw error;
  }
  if (digest === undefined) return false;
  // GitLab serves the manifest itself under the name of its fallback tag (oras-project/oras-go#1396)
  const companion = parseCompanionTag(reference);
  return !(companion?.suffix === '' && companion.subject === digest);
}

function isWrongAnswer({ code }: TidemarkError): boolean {
  return code === 'DIGEST_MISMATCH' || code === 'MANIFEST_TOO_LARGE';
}

function describeKept({ served, unknown, reason }: Kept): string[] {
  const warnings: string[] = [];
  if (served.length > 0)
    warnings.push(
      `The upstream still serves ${countOf(served)} that it does not list. Served content stays.`,
    );
  if (unknown.length > 0)
    warnings.push(
      `It is unknown whether the upstream still has ${countOf(unknown)}. Such content stays. ${reason}`,
    );
  return warnings;
}

function countOf(references: readonly string[]): string {
  const examples = [...references].sort().slice(0, examplesAtMost).join(', ');
  const what = references.length === 1 ? 'tag or manifest' : 'tags and manifests';
  return `${references.length} ${what} (${examples}${references.length > examplesAtMost ? ', …' : ''})`;
}
