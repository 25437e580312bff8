import {
  dropCompanions,
  findCompanions,
  findReferrerIndexes,
  selectCompanions,
} from '../../db/staging/stage-companions.ts';
import type { CompanionName, ManifestRef } from '../../db/staging/stage-companions.ts';
import { readPresentTags, stageTags, unstageTags } from '../../db/staging/stage-tags.ts';
import { storeManifests } from '../../db/content/store-manifests.ts';
import { companionSuffixes, companionTag, parseCompanionTag } from '../../oci/signatures/companion-tag.ts';
import type { Digest } from '../../oci/digest.ts';
import { isIndexType } from '../../oci/manifest/media-type.ts';
import type { Companion, Follow } from './companion.ts';
import { confirmCompanion } from './confirm-companion.ts';
import { forEachConcurrently } from '../../upstream/limiter.ts';
import { askAside, isSideFailure } from './side-look-ups.ts';
import { isOutsideCompanion, stageOutsideCompanions } from '../tags/list-tags.ts';
import { lookUpTag } from '../tags/look-up-tag.ts';
import type { LookedUp } from '../tags/look-up-tag.ts';
import type { SyncContext } from '../sync/sync-context.ts';

/** For so few manifests every possible companion is requested. For more, the upstream's list of tags is read. */
export const fewManifests = 8;

export interface CompanionTags {
  /** @param unlisted Manifests without a list of referrers: their fallback tags are looked up too. */
  follow(page: readonly ManifestRef[], unlisted: ReadonlySet<Digest>): Promise<Companion[]>;
}

/** Fetches and stages the companion tags that the filters exclude. */
export function createCompanionTags(follow: Follow): CompanionTags {
  const { sync, em } = follow;
  // listTags has staged the names already when the filters need the list; beside a difference, the list would cost more than guesses
  let isListed = sync.filter.needsListing && !sync.isDifference;
  return {
    follow: async (page, unlisted) => {
      if (!isListed && !sync.isDifference && page.length > fewManifests)
        isListed = await listCompanions(follow);
      const subjects = page.map(({ digest }) => digest);
      const names = isListed
        ? await findCompanions(em, sync.taskId, subjects, companionSuffixes)
        : possibleNames(sync, page);
      const wanted = names.filter(
        ({ name, subject }) => unlisted.has(subject) || parseCompanionTag(name)?.suffix !== '',
      );
      if (wanted.length === 0) return [];
      const subjectIds = new Map(page.map(({ digest, id }) => [digest, id]));
      return followNames(follow, { names: wanted, subjectIds, areListed: isListed });
    },
  };
}

/** Companions of these manifests that the filters exclude, whether or not the upstream has them. */
export function possibleNames(
  sync: Pick<SyncContext, 'filter'>,
  page: readonly Pick<ManifestRef, 'digest'>[],
): CompanionName[] {
  return page.flatMap(({ digest: subject }) =>
    companionSuffixes
      .flatMap((suffix) => companionTag(subject, suffix) ?? [])
      .filter((name) => isOutsideCompanion(sync, name))
      .map((name) => ({ name, subject })),
  );
}

/** Returns false when the upstream refuses its list. Every possible name is requested then. */
async function listCompanions({ sync, em, signal }: Follow): Promise<boolean> {
  try {
    for await (const { names } of sync.registry.listTags({ signal }))
      await stageOutsideCompanions(em, sync, names);
    return true;
  } catch (error) {
    if (!isSideFailure(error, sync)) throw error;
    return false;
  }
}

interface Wanted {
  readonly names: readonly CompanionName[];
  readonly subjectIds: ReadonlyMap<Digest, number>;
  /** Whether the upstream lists these names. Otherwise they are guesses. */
  readonly areListed: boolean;
}

async function followNames(follow: Follow, wanted: Wanted): Promise<Companion[]> {
  const { em, sync } = follow;
  const { names } = wanted;
  const { found, unread } = await lookUpNames(follow, wanted);
  const fetched = found.flatMap(({ tag }) => (tag.kind === 'fetched' ? [tag.manifest] : []));
  const { idOf, stored } = await storeManifests(em, fetched, sync.reuse);
  if (stored > 0) await follow.onStored(stored);
  const companions = found.map(({ tag, subject }): Companion => {
    const manifestId = tag.kind === 'fetched' ? idOf(tag.manifest) : tag.manifestId;
    return { subject, manifestId, name: tag.name, kind: tag.kind === 'unchanged' ? 'unchanged-tag' : 'tag' };
  });
  const whole = await dropPhantoms(follow, await follow.walk(companions));
  const changed = whole.filter(({ kind }) => kind === 'tag');
  const unchanged = whole.filter(({ kind }) => kind !== 'tag').map(({ name }) => name);
  await stageTags(em, sync.taskId, changed);
  await unstageTags(em, sync.taskId, unchanged);
  // an unreadable companion stays, because it is not known to be gone
  const kept = [...companions.map(({ name }) => name), ...unread];
  await selectCompanions(em, sync.taskId, kept);
  const keptNames = new Set(kept);
  const gone = names.map(({ name }) => name).filter((name) => !keptNames.has(name));
  await dropCompanions(em, sync.taskId, gone);
  return whole;
}

interface LookedUpNames {
  readonly found: { readonly tag: LookedUp; readonly subject: CompanionName['subject'] }[];
  readonly unread: string[];
}

async function lookUpNames(follow: Follow, { names, subjectIds, areListed }: Wanted): Promise<LookedUpNames> {
  const { deps, sync, em, concurrency, signal } = follow;
  const present = await readPresentTags(
    em,
    sync.repositoryId,
    names.map(({ name }) => name),
  );
  const result: LookedUpNames = { found: [], unread: [] };
  await forEachConcurrently(names, { concurrency, signal }, async ({ name, subject }, laneSignal) => {
    try {
      const tag = await askAside(sync, 'companion', () =>
        deps.connections.run(laneSignal, () =>
          lookUpTag(em, sync, { name, present: present.get(name) }, laneSignal),
        ),
      );
      if (tag === undefined || !isWhatItSays(tag, subject, subjectIds.get(subject))) return;
      const confirmed = await deps.connections.run(laneSignal, () =>
        confirmCompanion(em, sync, { tag: { name, present: present.get(name) }, found: tag }, laneSignal),
      );
      result.found.push({ tag: confirmed, subject });
    } catch (error) {
      if (!isSideFailure(error, sync, areListed)) throw error;
      result.unread.push(name);
      await follow.problem(subject, `The tag ${name}`, error);
    }
  });
  return result;
}

/**
 * A fallback tag leads to an index of referrers (distribution-spec, "Referrers Tag Schema"; fault 61). GitLab serves the subject itself
 * under this name (oras-project/oras-go#1396).
 */
function isWhatItSays(tag: LookedUp, subject: Digest, subjectId: number | undefined): boolean {
  if (parseCompanionTag(tag.name)?.suffix !== '') return true;
  if (tag.kind === 'fetched' ? tag.manifest.document.digest === subject : tag.manifestId === subjectId)
    return false;
  return isIndexType(tag.kind === 'fetched' ? tag.manifest.parsed.mediaType : tag.mediaType);
}

/** Drops an index whose entries all refer to something else, for example the subject's own children. */
async function dropPhantoms({ em }: Follow, companions: readonly Companion[]): Promise<Companion[]> {
  const real = await findReferrerIndexes(em, companions.filter(isFallback));
  return companions.filter((companion) => !isFallback(companion) || real.has(companion.manifestId));
}

function isFallback({ name }: Companion): boolean {
  return parseCompanionTag(name)?.suffix === '';
}
