import type { Em } from '../../db/open-database.ts';
import { stageProblems } from '../../db/staging/stage-companions.ts';
import { addWarnings } from '../../db/tasks/task-warnings.ts';
import { countOf } from '../../oci/count-of.ts';
import type { Digest } from '../../oci/digest.ts';
import type { TidemarkError } from '../../oci/error.ts';
import type { ActivityDeps } from '../deps.ts';
import { createReferrerLists } from './referrer-lists.ts';
import type { ReferrerLists } from './referrer-lists.ts';
import { isSideFailure, wasSkipped } from './side-look-ups.ts';
import type { SyncContext } from '../sync/sync-context.ts';
import { walkGraph } from '../../upstream/walk-graph.ts';
import type { GraphWalk } from '../../upstream/walk-graph.ts';

/** A stored manifest that belongs to another one. Manifests below it may be missing. */
export interface Companion {
  readonly subject: Digest;
  readonly manifestId: number;
  readonly kind: 'referrer' | 'tag' | 'unchanged-tag';
  /** The name of a tag, or the digest of a referrer. */
  readonly name: string;
}

export interface Follow {
  readonly deps: ActivityDeps;
  readonly sync: SyncContext;
  readonly em: Em;
  readonly concurrency: number;
  readonly signal: AbortSignal;
  readonly lists: ReferrerLists;
  readonly onStored: (count: number) => Promise<void>;
  /** Records what could not be read. The image itself is synced all the same. */
  readonly problem: (subject: Digest, what: string, error: TidemarkError) => Promise<void>;
  /** Adds one warning with the number of problems that were not named one by one. */
  readonly warnOfOthers: () => Promise<void>;
  /** Fetches the manifests below companions. Returns the companions that are whole, and records the problems of the others. */
  readonly walk: (companions: readonly Companion[]) => Promise<Companion[]>;
}

/** The walk of a sync, which counts what it stores. */
export interface SyncWalk extends GraphWalk {
  readonly onStored: (count: number) => Promise<void>;
  /** The roots whose companions and referrers are synced; default: all. */
  readonly followedIds?: readonly number[] | undefined;
  /** Referrers that were asked for ahead; default: none. */
  readonly lists?: ReferrerLists | undefined;
}

/** Problems that get a warning of their own. A task keeps 100 warnings of all kinds. */
const namedAtMost = 20;

export function openFollow(
  deps: ActivityDeps,
  sync: SyncContext,
  roots: SyncWalk,
  signal: AbortSignal,
): Follow {
  const em = deps.database.em.fork();
  const { concurrency, onStored } = roots;
  let named = 0;
  let others = 0;
  let lastReason = '';
  const problem = async (subject: Digest, what: string, error: TidemarkError) => {
    await stageProblems(em, sync.taskId, [{ subject, reason: error.message }]);
    if (wasSkipped(error) || named === namedAtMost) {
      others += 1;
      lastReason = error.message;
      return;
    }
    named += 1;
    await addWarnings(em, sync.taskId, [`${what} was left out: ${error.message}`]);
  };
  const warnOfOthers = async () => {
    if (others === 0) return;
    await addWarnings(em, sync.taskId, [
      `Companions of ${countOf(others, 'more manifest')} could not be looked up. Present ones stay. The last answer: ${lastReason}`,
    ]);
  };
  const walkSome = (rootIds: readonly number[]) =>
    walkGraph(deps, sync, { ...roots, rootIds, onAbsent: undefined, failures: undefined }, signal);
  const walk = async (companions: readonly Companion[]): Promise<Companion[]> => {
    if (companions.length === 0) return [];
    try {
      await walkSome(companions.map(({ manifestId }) => manifestId));
      return [...companions];
    } catch (error) {
      if (!isSideFailure(error, sync, true)) throw error;
    }
    // walk each alone to find the one that fails
    const whole: Companion[] = [];
    for (const companion of companions) {
      try {
        await walkSome([companion.manifestId]);
        whole.push(companion);
      } catch (error) {
        if (!isSideFailure(error, sync, true)) throw error;
        await problem(companion.subject, describeCompanion(companion), error);
      }
    }
    return whole;
  };
  const { lists = createReferrerLists(deps, sync) } = roots;
  return { deps, sync, em, concurrency, signal, lists, onStored, problem, warnOfOthers, walk };
}

export function describeCompanion({
  kind,
  name,
  subject,
}: Pick<Companion, 'kind' | 'name' | 'subject'>): string {
  return kind === 'referrer' ? `The manifest ${name}, which refers to ${subject},` : `The tag ${name}`;
}
