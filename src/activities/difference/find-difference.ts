import type { Settled } from '../../db/look/settled-syncs.ts';
import { sampleTags } from '../../db/difference/stage-difference.ts';
import type { Base } from '../../db/difference/stage-difference.ts';
import { readTouchedTags } from '../../db/difference/touched-tags.ts';
import type { Em } from '../../db/open-database.ts';
import { readPresentTags } from '../../db/staging/stage-tags.ts';
import type { SubsetFilter } from '../../db/staging/stage-tags.ts';
import type { KnownListing } from '../../db/tasks/host-listing.ts';
import type { Registry } from '../../registry/registry.ts';
import type { TagRules } from '../../selection/tag-rules.ts';
import { runTogether } from '../../upstream/limiter.ts';
import type { ActivityDeps } from '../deps.ts';
import { checkSample } from '../listing/check-sample.ts';
import type { CheckedSample, Lie } from '../listing/check-sample.ts';
import { isSame } from '../tags/look-up-tag.ts';
import { askChanges } from './ask-changes.ts';
import type { Changes } from './ask-changes.ts';
import { selectChanges, selectsByName } from './select-changes.ts';
import type { SelectedChanges } from './select-changes.ts';

/** What a sync has to do, by the changes that another Tidemark tells. */
export interface Difference extends Base {
  /** Selected names that are looked up. */
  readonly names: readonly string[];
  /** Selected tags of the version that the upstream has removed. */
  readonly gone: readonly string[];
  /** Unchanged tags whose referrers or companion tags have changed. */
  readonly touched: readonly string[];
  /** All names that the upstream has set or removed. */
  readonly changed: ReadonlySet<string>;
}

/** Whether nothing is left to do. Without `mirror`, removed tags stay. */
export function isNothing({ names, gone, touched }: Difference, mirror: boolean): boolean {
  return names.length === 0 && touched.length === 0 && (!mirror || gone.length === 0);
}

export interface DifferenceQuestion {
  readonly settled: Settled;
  readonly filter: SubsetFilter;
  readonly rules: TagRules;
  readonly registry: Registry;
  readonly concurrency: number;
  /** So many unchanged tags are requested all the same. */
  readonly sample: number;
  /** Read only if the upstream may be asked. */
  readonly known: () => Promise<KnownListing>;
}

export type FoundDifference =
  | { readonly kind: 'found'; readonly difference: Difference }
  | { readonly kind: 'lie'; readonly lie: Lie }
  /** The whole list must be read. */
  | { readonly kind: 'unknown' };

const unknown = { kind: 'unknown' } as const;
const sampleAtMost = 10;
/** A subject below more tags, none of them selected, is left to the whole list. */
const tagsOfSubject = 50;

/**
 * One per cent of the tags, at least one and at most ten: what a sample finds depends on its size, not on its share, and a difference must not
 * cost more for a larger repository.
 */
export function sampleSize(tags: number): number {
  return Math.min(sampleAtMost, Math.max(1, Math.ceil(tags / 100)));
}

/** Asks another Tidemark for the difference to what a settled repository has. @throws TidemarkError `UPSTREAM_THROTTLED` */
export async function findDifference(
  deps: Pick<ActivityDeps, 'connections'>,
  em: Em,
  question: DifferenceQuestion,
  signal: AbortSignal,
): Promise<FoundDifference> {
  const { settled, filter, rules } = question;
  const since = settled.upstreamState;
  if (since === null || !selectsByName(filter)) return unknown;
  const known = await question.known();
  if (known.hasLied || known.hasWarning) return unknown;
  const { changes, checked } = await ask(deps, em, { ...question, since }, signal);
  if (changes === undefined) return unknown;
  const isChanged = (name: string): boolean => changes.set.has(name) || changes.removed.has(name);
  const { lie } = checked;
  if (lie !== undefined && !isChanged(lie.name)) return { kind: 'lie', lie };
  if (!checked.unsettled.every(isChanged)) return unknown;
  const selected = await selectChanges(filter, rules, changes);
  if (selected === undefined) return unknown;
  const difference = await compare(em, question, { changes, selected });
  return difference === undefined ? unknown : { kind: 'found', difference };
}

async function ask(
  deps: Pick<ActivityDeps, 'connections'>,
  em: Em,
  { settled, filter, registry, concurrency, sample, since }: DifferenceQuestion & { readonly since: string },
  signal: AbortSignal,
): Promise<{ readonly changes: Changes | undefined; readonly checked: CheckedSample }> {
  // some of them may be outside of the filters
  const drawn =
    sample === 0 ? [] : await sampleTags(em, settled.repositoryId, { count: 4 * sample, tags: settled.tags });
  const tags = drawn.filter(({ name }) => filter.matches(name)).slice(0, sample);
  let changes: Changes | undefined;
  let checked: CheckedSample = { lie: undefined, unsettled: [] };
  await runTogether(signal, [
    async (together) => {
      changes = await askChanges(registry, since, together);
    },
    async (together) => {
      checked = await checkSample(deps, { registry, concurrency, tags }, together);
    },
  ]);
  return { changes, checked };
}

/** Undefined if only the whole list can tell. */
async function compare(
  em: Em,
  { settled, filter }: DifferenceQuestion,
  { changes, selected }: { readonly changes: Changes; readonly selected: SelectedChanges },
): Promise<Difference | undefined> {
  const { repositoryId, lastTaskId, tags } = settled;
  const { set, removed, subjects, filteredDelta } = selected;
  const exact = new Set(filter.exactNames);
  const present = await readPresentTags(em, repositoryId, [...set.map(({ name }) => name), ...removed]);
  const moved = set.filter((tag) => {
    const known = present.get(tag.name);
    // one that is not among the newest stays so
    if (known === undefined) return filter.createNewest === undefined || exact.has(tag.name);
    return !isSame(tag, known);
  });
  const gone = removed.filter((name) => present.has(name) && !exact.has(name));
  const changed = new Set([...changes.set.keys(), ...changes.removed]);
  const touched = await findTouched(em, { repositoryId, filter, subjects, changed });
  const tagsDelta = moved.filter(({ name, isNew }) => isNew && !exact.has(name)).length - gone.length;
  if (touched === undefined || tags + tagsDelta <= 0) return undefined;
  // the walk warns of a name in `includeTags` that is gone
  const names = [...moved.map(({ name }) => name), ...removed.filter((name) => exact.has(name))];
  return { lastTaskId, state: changes.state, tagsDelta, filteredDelta, names, gone, touched, changed };
}

interface Touched {
  readonly repositoryId: number;
  readonly filter: SubsetFilter;
  readonly subjects: SelectedChanges['subjects'];
  readonly changed: ReadonlySet<string>;
}

/** For each subject, a selected and unchanged tag that leads to it. A subject without one is walked with a changed tag, or is not selected. */
async function findTouched(
  em: Em,
  { repositoryId, filter, subjects, changed }: Touched,
): Promise<string[] | undefined> {
  const exact = new Set(filter.exactNames);
  const found = await readTouchedTags(em, repositoryId, subjects, tagsOfSubject);
  const touched = new Set<string>();
  for (const tags of Map.groupBy(found, ({ subject }) => subject).values()) {
    const tag = tags.find(({ name }) => (filter.matches(name) || exact.has(name)) && !changed.has(name));
    if (tag !== undefined) touched.add(tag.name);
    else if (tags.length === tagsOfSubject) return undefined;
  }
  return [...touched];
}
