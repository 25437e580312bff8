import type { Em } from '../../db/open-database.ts';
import { readNames } from '../../db/staging/stage-names.ts';
import type { ManifestRef } from '../../db/staging/stage-companions.ts';
import { readPresentTags } from '../../db/staging/stage-tags.ts';
import { setProgress } from '../../db/tasks/tasks.ts';
import { absentRepositoryWarning } from '../../db/tasks/absent-repository.ts';
import { readLeftTags, readRemovedNames, readWalked, stageWalked } from '../../db/staging/walked-tags.ts';
import { closeNames } from '../../selection/close-names.ts';
import { parseCompanionTag } from '../../oci/signatures/companion-tag.ts';
import type { ManifestDocument } from '../../oci/manifest/manifest.ts';
import { isTidemarkError, quoteValue } from '../../oci/error.ts';
import { createCollector } from '../../upstream/collector.ts';
import type { Collector } from '../../upstream/collector.ts';
import { confirmCompanion } from '../companions/confirm-companion.ts';
import type { ActivityDeps } from '../deps.ts';
import { isThrottle } from '../../upstream/error-kinds.ts';
import { walkWithCompanions } from '../companions/follow-companions.ts';
import { createLimiter, forEachConcurrently, runTogether } from '../../upstream/limiter.ts';
import { closeHint, repositoryHint } from './absent-repository.ts';
import { syncWalk } from './leave-out-roots.ts';
import { openAgeCheck } from './await-age.ts';
import type { AgeCheck, HeldTag } from './await-age.ts';
import { lookUpTag } from './look-up-tag.ts';
import type { TagToLookUp } from './look-up-tag.ts';
import { storeFound } from './store-found.ts';
import type { Found } from './store-found.ts';
import { createReferrerLists } from '../companions/referrer-lists.ts';
import type { ReferrerLists } from '../companions/referrer-lists.ts';
import { isSideFailure } from '../companions/side-look-ups.ts';
import { listedByFallback } from '../sync/sync-context.ts';
import type { SyncContext } from '../sync/sync-context.ts';

/** The tags of one activity. */
export interface TagRange {
  readonly part: number;
  /** Positions in the list: `from` inclusive, `to` exclusive. */
  readonly from: number;
  readonly to: number;
  /** Requests in flight. */
  readonly concurrency: number;
}

/** Walks the graphs of a range of tags: fetches missing manifests, reads stored ones, and stages the tags that differ. */
export async function walkTags(
  deps: ActivityDeps,
  sync: SyncContext,
  range: TagRange,
  signal: AbortSignal,
): Promise<void> {
  const em = deps.database.em.fork();
  const rootIds = new Set<number>();
  const done = { tagsDone: 0, manifestsDone: 0 };
  const part = { taskId: sync.taskId, stage: 'FETCHING_MANIFESTS', part: range.part } as const;
  const unchanged: string[] = [];
  let tagsShown = 0;
  const collector = createCollector<Found>(async (batch) => {
    const stored = await storeFound(em, sync, batch, rootIds);
    for (const { kind, name } of batch) if (kind === 'unchanged') unchanged.push(name);
    done.tagsDone += batch.length;
    done.manifestsDone += stored;
    tagsShown = done.tagsDone;
    await setProgress(em, part, done);
  });
  const immutableIds = new Set<number>();
  const present = Promise.withResolvers<readonly ManifestRef[]>();
  const runs = readRuns(em, sync, range, {
    onWalked(manifestId, isImmutable) {
      (isImmutable ? immutableIds : rootIds).add(manifestId);
      done.tagsDone += 1;
    },
    onPresent: present.resolve,
  });
  const lists = createReferrerLists(deps, sync);
  try {
    await lookUpTags(
      deps,
      { em, sync, concurrency: range.concurrency, runs, present, lists, collector },
      signal,
    );
    await collector.flush();
  } catch (error) {
    // the next attempt continues from here
    await collector.flush();
    await stageWalked(em, sync.taskId, unchanged);
    throw error;
  }
  const onStored = async (count: number) => {
    done.manifestsDone += count;
    await setProgress(em, part, done);
  };
  if (done.tagsDone > tagsShown) await setProgress(em, part, done);
  const walk = syncWalk(em, sync, {
    rootIds: [...new Set([...rootIds, ...immutableIds])],
    followedIds: [...rootIds],
    concurrency: range.concurrency,
    onStored,
    lists,
  });
  await walkWithCompanions(deps, sync, walk, signal);
}

interface LookUps {
  readonly em: Em;
  readonly sync: SyncContext;
  readonly concurrency: number;
  readonly runs: AsyncIterable<TagOfRun[]>;
  readonly present: PromiseWithResolvers<readonly ManifestRef[]>;
  readonly lists: ReferrerLists;
  readonly collector: Collector<Found>;
}

/** Looks up the tags, and the referrers of present manifests beside them. Together they have the lanes of the range. */
async function lookUpTags(
  deps: ActivityDeps,
  { em, sync, concurrency, runs, present, lists, collector }: LookUps,
  signal: AbortSignal,
): Promise<void> {
  const checkAge = openAgeCheck(em, sync);
  const requests = createLimiter(concurrency);
  const lookUpRun = async (run: readonly TagOfRun[], laneSignal: AbortSignal) => {
    let like: ManifestDocument | undefined;
    for (const tag of run) {
      const wanted = { ...tag, like, hold: holdOf(tag.name, checkAge) };
      const found = await requests.run(laneSignal, () =>
        deps.connections.run(laneSignal, () => lookUp(em, sync, wanted, laneSignal)),
      );
      if (found.kind === 'fetched') like = found.manifest.document;
      await collector.add(found, found.kind === 'fetched' ? found.manifest.document.bytes.byteLength : 0);
    }
  };
  await runTogether(signal, [
    async (together) => {
      const lanes = { concurrency, signal: together, drains: isThrottle };
      await forEachConcurrently(runs, lanes, lookUpRun).finally(() => present.resolve([]));
    },
    async (together) => lists.ahead(await present.promise, requests, together),
  ]);
}

/** `wasRemoved`: the repository has had the tag, and no longer has it. Known only of tags that a fallback lists. */
type TagOfRun = TagToLookUp & { readonly wasRemoved: boolean };

const pageSize = 2_000;

const runAtMost = 10;

/**
 * Groups of similar names, which one lane looks up in turn. Groups have one tag when there are hardly enough for all lanes. Tags that an
 * earlier attempt walked, those that a list with digests names as they are present, and present immutable tags are left out. `onPresent`
 * gets the manifests under the first names.
 */
async function* readRuns(
  em: Em,
  sync: SyncContext,
  range: TagRange,
  {
    onWalked,
    onPresent,
  }: {
    readonly onWalked: (manifestId: number, isImmutable: boolean) => void;
    readonly onPresent: (manifests: readonly ManifestRef[]) => void;
  },
): AsyncGenerator<TagOfRun[]> {
  const length = Math.min(runAtMost, Math.ceil((range.to - range.from) / (4 * range.concurrency)));
  for (let from = range.from; from < range.to; from += pageSize) {
    const names = await readNames(em, sync.taskId, from, Math.min(range.to, from + pageSize));
    const walked = await readWalked(em, sync, names);
    for (const manifestId of walked.values()) onWalked(manifestId, false);
    const others = names.filter((name) => !walked.has(name)).sort();
    const present = await readPresentTags(em, sync.repositoryId, others);
    const left = await readLeftTags(em, sync.remote.id, others);
    const isFallback = listedByFallback(sync) !== undefined;
    const absent = isFallback ? others.filter((name) => !present.has(name)) : [];
    const removed = await readRemovedNames(em, sync.repositoryId, absent);
    const tags: TagOfRun[] = [];
    for (const name of others) {
      const tag = present.get(name);
      if (tag !== undefined && sync.filter.isImmutable?.(name) === true) onWalked(tag.manifestId, true);
      else tags.push({ name, present: tag, left: left.get(name), wasRemoved: removed.has(name) });
    }
    onPresent(tags.flatMap(({ present: tag }) => (tag ? [{ id: tag.manifestId, digest: tag.digest }] : [])));
    for (let at = 0; at < tags.length; at += length) yield tags.slice(at, at + length);
  }
}

/** Companions follow their images at any age. */
function holdOf(name: string, checkAge: AgeCheck | undefined): TagToLookUp<HeldTag>['hold'] {
  if (checkAge === undefined || parseCompanionTag(name) !== undefined) return undefined;
  return (digest) => checkAge({ name, digest });
}

async function lookUp(
  em: Em,
  sync: SyncContext,
  tag: TagToLookUp<HeldTag> & Pick<TagOfRun, 'wasRemoved'>,
  signal: AbortSignal,
): Promise<Found> {
  if (tag.wasRemoved) return notAddedAgain(sync, tag.name);
  try {
    const found = await lookUpTag(em, sync, tag, signal);
    if (found === undefined) return await leftOut(sync, tag.name, signal);
    if (found.kind === 'held') return found;
    return await confirmCompanion(em, sync, { tag, found }, signal);
  } catch (error) {
    const { name } = tag;
    // an image is synced without a signature that cannot be fetched (fault 60)
    if (parseCompanionTag(name) !== undefined && isSideFailure(error, sync, true))
      return { name, kind: 'kept', warning: `The tag ${name} was left out: ${error.message}` };
    if (sync.failures?.accepts(error) !== true) throw error;
    return { name, kind: 'held', outcome: 'FAILED', code: error.code, reason: error.message };
  }
}

function notAddedAgain(sync: SyncContext, name: string): Found {
  const host = listedByFallback(sync)?.host;
  const warning = `The tag ${name} was removed from the repository before, and the fallback ${host} still lists it. It was not added again.`;
  return { name, kind: 'kept', warning };
}

/**
 * A tag that was answered 404: one named in `includeTags`, or one that vanished after the list (fault 35). The latter stays here until the
 * upstream's list lacks it too.
 */
async function leftOut(sync: SyncContext, name: string, signal: AbortSignal): Promise<Found> {
  if (!sync.filter.exactNames.includes(name))
    return {
      name,
      kind: 'kept',
      warning: `The tag ${name} vanished at the upstream during the sync and was left out.`,
    };
  const hint = sync.filter.needsListing ? '' : await hintOf(sync, name, signal);
  const warning =
    hint === 'no repository'
      ? absentRepositoryWarning(sync.selection.upstreamName, await repositoryHint(sync, signal))
      : `includeTags names ${quoteValue(name)}, which the upstream does not have (404).${hint}`;
  return { name, kind: 'left-out', warning };
}

/** Similar names from the first page of the upstream's list. It is only a hint, so errors are ignored. */
async function hintOf(sync: SyncContext, name: string, signal: AbortSignal): Promise<string> {
  try {
    for await (const page of sync.registry.listTags({ signal }))
      return closeHint(closeNames(name, page.names));
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    if (error.code === 'REPOSITORY_NOT_FOUND') return 'no repository';
  }
  return '';
}
