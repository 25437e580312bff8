/** A sync has at most this many activities a stage, whatever its size, so that its history stays under 500 events (DESIGN). */
const maxParts = 60;
/** So many tags are one activity's work; a sync of no more is walked in its first step. */
export const tagsAPart = 1_000;
const lanes = 4;

export interface Part {
  readonly part: number;
  readonly from: number;
  readonly to: number;
}

/** Cuts positions 0 to `count` into ranges of about 1,000, at most 60; none where there is nothing to walk. */
export function cutIntoParts(count: number): Part[] {
  const parts = Math.min(maxParts, Math.ceil(count / tagsAPart));
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
