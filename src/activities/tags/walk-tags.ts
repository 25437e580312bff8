import type { Em } from '../../db/open-database.ts';
import { readNames } from '../../db/staging/stage-names.ts';
import { keepTags } from '../../db/outcomes/keep-tags.ts';
import { forgetTags } from '../../db/outcomes/seen-tags.ts';
import { readPresentTags, stageTags, unstageTags } from '../../db/staging/stage-tags.ts';
import type { StagedTag } from '../../db/staging/stage-tags.ts';
import { storeManifests } from '../../db/content/store-manifests.ts';
import { addWarnings } from '../../db/tasks/task-warnings.ts';
import { setProgress } from '../../db/tasks/tasks.ts';
import { absentRepositoryWarning } from '../../db/tasks/absent-repository.ts';
import { readLeftTags, readWalked, stageWalked } from '../../db/staging/walked-tags.ts';
import { closeNames } from '../../selection/close-names.ts';
import { parseCompanionTag } from '../../oci/signatures/companion-tag.ts';
import type { ManifestDocument } from '../../oci/manifest/manifest.ts';
import { isTidemarkError, quoteValue } from '../../oci/error.ts';
import { createCollector } from '../../upstream/collector.ts';
import { confirmCompanion } from '../companions/confirm-companion.ts';
import type { ActivityDeps } from '../deps.ts';
import { isThrottle } from '../../upstream/error-kinds.ts';
import { walkWithCompanions } from '../companions/follow-companions.ts';
import { forEachConcurrently } from '../../upstream/limiter.ts';
import { closeHint, repositoryHint } from './absent-repository.ts';
import { syncWalk } from './leave-out-roots.ts';
import { openAgeCheck } from './await-age.ts';
import type { AgeCheck, HeldTag } from './await-age.ts';
import { lookUpTag } from './look-up-tag.ts';
import type { LookedUp, TagToLookUp } from './look-up-tag.ts';
import { isSideFailure } from '../companions/side-look-ups.ts';
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

type Found =
  | LookedUp
  | { readonly name: string; readonly kind: 'left-out'; readonly warning: string }
  /** Not known to be gone, so the present tag stays. */
  | { readonly name: string; readonly kind: 'kept'; readonly warning: string }
  | HeldTag;

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
  const collector = createCollector<Found>(async (batch) => {
    const stored = await storeFound(em, sync, batch, rootIds);
    for (const { kind, name } of batch) if (kind === 'unchanged') unchanged.push(name);
    done.tagsDone += batch.length;
    done.manifestsDone += stored;
    await setProgress(em, part, done);
  });
  const immutableIds = new Set<number>();
  const runs = readRuns(em, sync, range, (manifestId, isImmutable) => {
    (isImmutable ? immutableIds : rootIds).add(manifestId);
    done.tagsDone += 1;
  });
  const checkAge = openAgeCheck(em, sync);
  const lanes = { concurrency: range.concurrency, signal, drains: isThrottle };
  try {
    await forEachConcurrently(runs, lanes, async (run, laneSignal) => {
      let like: ManifestDocument | undefined;
      for (const tag of run) {
        const found = await deps.connections.run(laneSignal, () =>
          lookUp(em, sync, { ...tag, like, hold: holdOf(tag.name, checkAge) }, laneSignal),
        );
        if (found.kind === 'fetched') like = found.manifest.document;
        await collector.add(found, found.kind === 'fetched' ? found.manifest.document.bytes.byteLength : 0);
      }
    });
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
  if (immutableIds.size > 0) await setProgress(em, part, done);
  const walk = syncWalk(em, sync, {
    rootIds: [...new Set([...rootIds, ...immutableIds])],
    followedIds: [...rootIds],
    concurrency: range.concurrency,
    onStored,
  });
  await walkWithCompanions(deps, sync, walk, signal);
}

const pageSize = 2_000;

const runAtMost = 10;

/**
 * Groups of similar names, which one lane looks up in turn. Groups have one tag when there are hardly enough for all lanes. Tags that an
 * earlier attempt walked, and present immutable tags, are left out.
 */
async function* readRuns(
  em: Em,
  sync: SyncContext,
  range: TagRange,
  onWalked: (manifestId: number, isImmutable: boolean) => void,
): AsyncGenerator<TagToLookUp[]> {
  const length = Math.min(runAtMost, Math.ceil((range.to - range.from) / (4 * range.concurrency)));
  for (let from = range.from; from < range.to; from += pageSize) {
    const names = await readNames(em, sync.taskId, from, Math.min(range.to, from + pageSize));
    const walked = await readWalked(em, sync, names);
    for (const manifestId of walked.values()) onWalked(manifestId, false);
    const others = names.filter((name) => !walked.has(name)).sort();
    const present = await readPresentTags(em, sync.repositoryId, others);
    const left = await readLeftTags(em, sync.remote.id, others);
    const tags: TagToLookUp[] = [];
    for (const name of others) {
      const tag = present.get(name);
      if (tag !== undefined && sync.filter.isImmutable?.(name) === true) onWalked(tag.manifestId, true);
      else tags.push({ name, present: tag, left: left.get(name) });
    }
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
  tag: TagToLookUp<HeldTag>,
  signal: AbortSignal,
): Promise<Found> {
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

/** Stores fetched manifests, stages the tags that differ, and adds the roots. Returns the number of new manifests. */
async function storeFound(
  em: Em,
  sync: SyncContext,
  batch: readonly Found[],
  rootIds: Set<number>,
): Promise<number> {
  const fetched = batch.flatMap((found) => (found.kind === 'fetched' ? [found.manifest] : []));
  const { idOf, stored } = await storeManifests(em, fetched, sync.reuse);
  const staged: StagedTag[] = [];
  for (const found of batch) {
    if (found.kind === 'kept' || found.kind === 'held') continue;
    if (found.kind === 'left-out') {
      staged.push({ name: found.name, manifestId: null });
      continue;
    }
    const manifestId = found.kind === 'fetched' ? idOf(found.manifest) : found.manifestId;
    rootIds.add(manifestId);
    if (found.kind !== 'unchanged') staged.push({ name: found.name, manifestId });
  }
  await stageTags(em, sync.taskId, staged);
  const held = batch.flatMap((found) => (found.kind === 'held' ? [found] : []));
  await keepTags(em, sync.taskId, held);
  const unchanged = batch.filter(({ kind }) => kind === 'unchanged' || kind === 'kept');
  const unstaged = unchanged.map(({ name }) => name);
  await unstageTags(em, sync.taskId, unstaged);
  if (sync.filter.minimumAge !== undefined && !sync.arguments.dryRun) {
    const settled = batch.filter(({ kind }) => kind === 'unchanged' || kind === 'left-out');
    await forgetTags(
      em,
      sync.repositoryId,
      settled.map(({ name }) => name),
    );
  }
  const warnings = batch.flatMap((found) =>
    'warning' in found
      ? [{ message: found.warning, name: found.name, differs: differencesOf(found.name) }]
      : [],
  );
  await addWarnings(em, sync.taskId, warnings);
  return stored;
}

/** The places of the name in a message about a tag. */
function differencesOf(name: string): string[] {
  return [`The tag ${name} `, quoteValue(name), `/manifests/${name}`];
}
