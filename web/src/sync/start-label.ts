import { formatBytes } from '../../../src/cli/progress/format.ts';

interface Plan {
  readonly tagsAdded: number;
  readonly tagsMoved: number;
  readonly tagsRemoved: number;
  readonly bytesToFetch: number;
}

/** What the button will do: `Sync 14 tags, 2.1 GiB at most`. */
export function startLabel(plan: Plan | null | undefined): string {
  if (plan == null) return 'Sync';
  const { tagsAdded, tagsMoved, tagsRemoved, bytesToFetch } = plan;
  const taken = tagsAdded + tagsMoved;
  const removed = tagsRemoved === 0 ? '' : `, remove ${tagsRemoved.toLocaleString()}`;
  if (taken === 0) return removed === '' ? 'Sync (nothing changes)' : `Sync${removed}`;
  return `Sync ${taken.toLocaleString()} ${taken === 1 ? 'tag' : 'tags'}${removed}, ${formatBytes(bytesToFetch)} at most`;
}
