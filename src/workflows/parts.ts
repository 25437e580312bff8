/**
 * The most activities of a stage. With the batches of blobs (db/staging/plan-content.ts) a sync has at most 74, of up to six events each, so
 * that its history stays under 500 events (docs/design.md).
 */
export const mostParts = { walks: 30, signatures: 20 } as const;
/** The tags of one activity. A sync of no more is walked in its first activity. */
export const tagsAPart = 1_000;
const lanes = 4;

export interface Part {
  readonly part: number;
  readonly from: number;
  readonly to: number;
}

/** Cuts the positions from 0 to `count` into at most `most` ranges, each of 1,000 or more where there are several. */
export function cutIntoParts(count: number, most: number): Part[] {
  const parts = Math.min(most, Math.ceil(count / tagsAPart));
  return Array.from({ length: parts }, (_, part) => ({
    part,
    from: Math.floor((count * part) / parts),
    to: Math.floor((count * (part + 1)) / parts),
  }));
}

/** The requests that each of the activities running at one time may have in flight: `total` together. */
export function shareOut(total: number, activities: number): number[] {
  const running = Math.min(lanes, total, activities);
  return Array.from({ length: running }, (_, lane) => Math.floor((total + lane) / running));
}
