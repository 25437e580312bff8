import type { Em } from '../../db/open-database.ts';
import { overridesSelection } from '../../db/schema/tasks.ts';
import { readOutside, readSelectionBefore, setOutside } from '../../db/staging/outside-filter.ts';
import { stageTags } from '../../db/staging/stage-tags.ts';
import { addWarnings } from '../../db/tasks/task-warnings.ts';
import { countOf } from '../../oci/count-of.ts';
import { selectingLists } from '../../selection/rule-mistakes.ts';
import { rulesOf } from '../../selection/tag-rules.ts';
import type { TagRules } from '../../selection/tag-rules.ts';
import { compileSubset } from '../../upstream/compile-subset.ts';
import type { SyncContext } from '../sync/sync-context.ts';

const examplesAtMost = 3;

/** Counts the tags of a mirror that its filters exclude. They stay unless the sync prunes them. */
export async function countOutside(em: Em, sync: SyncContext): Promise<void> {
  let count = 0;
  for await (const names of outside(em, sync)) count += names.length;
  await setOutside(em, sync.taskId, count);
}

/** Stages these tags for removal without asking the upstream, which may have them. */
export async function pruneOutside(em: Em, sync: SyncContext): Promise<void> {
  for await (const names of outside(em, sync)) {
    const removals = names.map((name) => ({ name, manifestId: null }));
    await stageTags(em, sync.taskId, removals);
  }
}

/** Warns of tags that the filters selected at the last sync and exclude now: they are no longer updated. */
export async function warnOfNarrowed(em: Em, sync: SyncContext): Promise<void> {
  const { overrides, pruneFiltered } = sync.arguments;
  if (pruneFiltered === true || overridesSelection(overrides)) return;
  const before = await readSelectionBefore(em, { ...sync, remoteId: sync.remote.id });
  if (before === undefined || isSameSelection(before, sync.selection)) return;
  const filterBefore = compileSubset(before);
  const dropped: string[] = [];
  let count = 0;
  for await (const names of outside(em, sync)) {
    const selectedBefore = names.filter((name) => filterBefore.matches(name));
    count += selectedBefore.length;
    dropped.push(...selectedBefore.slice(0, examplesAtMost - dropped.length));
  }
  if (count === 0) return;
  const examples = `${dropped.join(', ')}${count > dropped.length ? ', …' : ''}`;
  await addWarnings(em, sync.taskId, [
    `The filters of the remote select less than at the last sync: ${countOf(count, 'tag')} (${examples}) ` +
      `of the repository ${count === 1 ? 'is' : 'are'} no longer updated. A mirror sync with pruneFiltered (--prune-filtered) removes tags that the filters exclude.`,
  ]);
}

/** Pages of the tags that the filters exclude. Without filters no tag is read. */
async function* outside(em: Em, sync: SyncContext): AsyncGenerator<string[]> {
  if (!hasRules(rulesOf(sync.selection))) return;
  yield* readOutside(em, sync.repositoryId, sync.filter);
}

function hasRules(rules: TagRules): boolean {
  return selectingLists.some((field) => (rules[field] ?? []).length > 0);
}

type Selection = Pick<SyncContext['selection'], 'includeTags' | 'excludeTags' | 'tagRules'>;

function isSameSelection(one: Selection, other: Selection): boolean {
  const key = (selection: Selection) => {
    const rules = rulesOf(selection);
    const { semverPrereleases = false, semverSuffix = null } = rules;
    return JSON.stringify([
      selectingLists.map((field) => (rules[field] ?? []).toSorted()),
      semverPrereleases,
      semverSuffix,
    ]);
  };
  return key(one) === key(other);
}
