import { isTidemarkError } from '../../oci/error.ts';
import type { Digest } from '../../oci/digest.ts';
import type { Registry, SetTag } from '../../registry/registry.ts';

/** What another Tidemark says has changed since a state. */
export interface Changes {
  /** The state up to which the changes go. */
  readonly state: string;
  /** Tags that were added or moved, by name. */
  readonly set: ReadonlyMap<string, SetTag>;
  readonly removed: ReadonlySet<string>;
  /** Manifests whose lists of referrers are others. */
  readonly subjects: ReadonlySet<Digest>;
}

/** More changes are left to the whole list, which is read page by page. */
const changesAtMost = 20_000;

/**
 * Undefined if the whole list must be read: the upstream cannot tell the changes since this state, there are very many, or it has atomic
 * signatures. @throws TidemarkError `UPSTREAM_THROTTLED`, as any request would
 */
export async function askChanges(
  registry: Registry,
  since: string,
  signal: AbortSignal,
): Promise<Changes | undefined> {
  const set: [string, SetTag][] = [];
  const removed: string[] = [];
  const subjects: Digest[] = [];
  let state = since;
  try {
    for await (const page of registry.listChanges(since, { signal })) {
      ({ state } = page);
      for (const tag of page.set) set.push([tag.name, tag]);
      removed.push(...page.removed);
      subjects.push(...page.subjects);
      if (page.hasSignatures || set.length + removed.length + subjects.length > changesAtMost)
        return undefined;
    }
  } catch (error) {
    signal.throwIfAborted();
    const isAnswer =
      isTidemarkError(error) && error.origin === 'upstream' && error.code !== 'UPSTREAM_THROTTLED';
    if (!isAnswer) throw error;
    return undefined;
  }
  return { state, set: new Map(set), removed: new Set(removed), subjects: new Set(subjects) };
}
