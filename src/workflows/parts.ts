/**
 * The most activities of a stage, whatever the size of the sync. With the batches of blobs (db/plan-content.ts) they are 74, of six events
 * each at the worst, so that its history stays under 500 (docs/design.md).
 */
export const mostParts = { walks: 30, signatures: 20 } as const;
/** So many tags are one activity's work; a sync of no more is walked in its first step. */
export const tagsAPart = 1_000;
const lanes = 4;

export interface Part {
  readonly part: number;
  readonly from: number;
  readonly to: number;
}

/** Cuts positions 0 to `count` into at most so many ranges of 1,000 or more; none where there is nothing to walk. */
export function cutIntoParts(count: number, most: number): Part[] {
  const parts = Math.min(most, Math.ceil(count / tagsAPart));
  return Array.from({ length: parts }, (_, part) => ({
    part,
    from: Math.floor((count * part) / parts),
    to: Math.floor((count * (part + 1)) / parts),
  }));
}

/** How many activities run at one time, and how many requests each may have in flight: at most `total` together. */
export function shareOut(total: number, activities: number): number[] {
  const running = Math.min(lanes, total, activities);
  return Array.from({ length: running }, (_, lane) => Math.floor((total + lane) / running));
}
