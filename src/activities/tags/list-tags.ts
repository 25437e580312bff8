import { overridesSelection } from '../../db/schema/tasks.ts';
import { addWarnings } from '../../db/tasks/task-warnings.ts';
import { finishListing, stageNames } from '../../db/staging/stage-names.ts';
import type { Listed } from '../../db/staging/stage-names.ts';
import type { Em } from '../../db/open-database.ts';
import { forgetUnlisted } from '../../db/outcomes/seen-tags.ts';
import { countOutcomes } from '../../db/outcomes/tag-outcomes.ts';
import { stageCompanionNames } from '../../db/staging/stage-companions.ts';
import { countOf } from '../../oci/count-of.ts';
import { parseCompanionTag } from '../../oci/signatures/companion-tag.ts';
import { quoteValue } from '../../oci/error.ts';
import type { TidemarkError } from '../../oci/error.ts';
import { filterNames } from '../../selection/filter-names.ts';
import { rulesOf } from '../../selection/tag-rules.ts';
import type { OnDigests, TagPage } from '../../registry/registry.ts';
import { openSyncDigests } from '../listing/sync-digests.ts';
import { openTagTimes } from './tag-times.ts';
import { rankTags } from './rank-tags.ts';
import type { ActivityDeps } from '../deps.ts';
import { withCloseRepositories } from './absent-repository.ts';
import { watchRules } from './watch-rules.ts';
import { listedByFallback } from '../sync/sync-context.ts';
import type { SyncContext } from '../sync/sync-context.ts';

/**
 * Stages the names that a sync walks: names in `includeTags` without a wildcard, then listed names that pass the filters. `listing` is the
 * number of this attempt's list.
 */
export async function listTags(
  deps: ActivityDeps,
  em: Em,
  sync: SyncContext,
  options: { readonly listing: number; readonly signal: AbortSignal },
): Promise<Listed> {
  const { taskId, filter } = sync;
  const { listing, signal } = options;
  const digests = openSyncDigests(deps, em, sync, options);
  let firstPosition = 0;
  let requested = 0;
  const stage = async (names: readonly string[]) => {
    if (names.length === 0) return;
    await stageNames(em, { taskId, listing }, { firstPosition, names });
    firstPosition += names.length;
    requested += names.filter((name) => filter.isImmutable?.(name) !== true).length;
  };
  let state: string | undefined;
  await stage(filter.exactNames);
  if (filter.needsListing) {
    const exact = new Set(filter.exactNames);
    const times = openTagTimes(deps, sync, em, signal);
    const ranking = filter.createNewest && rankTags(em, sync, filter.createNewest, times);
    const unmatched = watchRules(rulesOf(sync.selection));
    let filtered = 0;
    const invalid: string[] = [];
    let invalidCount = 0;
    for await (const page of listPages(sync, digests.take, signal)) {
      const selected = await filterNames(page.names, (name) => filter.matches(name) && !exact.has(name));
      await times.see(page.names);
      const taken = new Set(selected);
      filtered += countFiltered(page.names, (name) => taken.has(name) || exact.has(name));
      await (ranking ? ranking.add(selected) : stage(selected));
      await stageOutsideCompanions(em, sync, page.names);
      unmatched.see(page.names);
      state ??= page.state;
      invalidCount += page.invalid.length;
      invalid.push(...page.invalid.slice(0, 3 - invalid.length));
      if (page.doubt !== undefined) await addWarnings(em, taskId, [doubtWarning(page.doubt)]);
    }
    await stage(ranking?.names() ?? []);
    await countOutcomes(em, taskId, { FILTERED: filtered, BEYOND_NEWEST: ranking?.beyond() ?? 0 });
    await addWarnings(em, taskId, [...unmatched.warnings(), ...invalidWarnings(invalid, invalidCount)]);
  }
  const isOwn = listedByFallback(sync) === undefined;
  const listed = await finishListing(em, { taskId, listing }, isOwn ? state : undefined);
  await digests.finish(requested);
  if (filter.minimumAge !== undefined && !isPartial(sync) && isOwn) await forgetUnlisted(em, sync);
  if (listed.tags === 0 && filter.digests.length === 0 && filter.needsListing)
    await addWarnings(em, taskId, ['No tag of the upstream passes the filters.']);
  return listed;
}

/** Whether the sync covers less than the remote selects, or changes nothing. */
function isPartial({ arguments: { overrides, dryRun } }: SyncContext): boolean {
  return dryRun || overridesSelection(overrides);
}

/** Names that are not taken. Companions are no tags of their own. */
export function countFiltered(names: readonly string[], isTaken: (name: string) => boolean): number {
  return names.filter((name) => !isTaken(name) && parseCompanionTag(name) === undefined).length;
}

/** The upstream's pages. The error of an absent repository names similar ones. */
async function* listPages(
  sync: SyncContext,
  onDigests: OnDigests,
  signal: AbortSignal,
): AsyncGenerator<TagPage> {
  try {
    yield* sync.registry.listTags({ signal, onDigests });
  } catch (error) {
    throw await withCloseRepositories(sync, error, signal);
  }
}

/** A tag that the filters exclude, and that may be the companion of a selected image. */
export function isOutsideCompanion({ filter }: Pick<SyncContext, 'filter'>, name: string): boolean {
  return parseCompanionTag(name) !== undefined && !filter.matches(name);
}

/** Stages those of the listed names. */
export async function stageOutsideCompanions(
  em: Em,
  sync: SyncContext,
  listed: readonly string[],
): Promise<void> {
  const names = await filterNames(listed, (name) => isOutsideCompanion(sync, name));
  await stageCompanionNames(em, sync.taskId, names);
}

function doubtWarning(doubt: TidemarkError): string {
  return `The upstream's list of tags ends with a full page, and it is unknown whether more tags follow: ${doubt.message}`;
}

function invalidWarnings(examples: readonly string[], count: number): string[] {
  if (count === 0) return [];
  return [
    `The upstream lists ${countOf(count, 'name')} that ${count === 1 ? 'is not a valid tag and was' : 'are not valid tags and were'} left out, e.g. ${examples.map((name) => quoteValue(name)).join(', ')}. ` +
      'A tag has 1 to 128 letters, digits, "_", "." and "-", and does not begin with "." or "-".',
  ];
}
