export type Stage =
  | 'PREPARING'
  | 'LISTING_TAGS'
  | 'FETCHING_MANIFESTS'
  | 'FETCHING_SIGNATURES'
  | 'FETCHING_BLOBS'
  | 'COMMITTING'
  | 'FINISHED';

export const points = [
  { label: 'Tags', stages: ['PREPARING', 'LISTING_TAGS'] },
  { label: 'Manifests', stages: ['FETCHING_MANIFESTS'] },
  { label: 'Signatures', stages: ['FETCHING_SIGNATURES'] },
  { label: 'Blobs', stages: ['FETCHING_BLOBS'] },
  { label: 'Commit', stages: ['COMMITTING'] },
] as const satisfies readonly { label: string; stages: readonly Stage[] }[];

/** The index of the current point; beyond the last one when finished. */
export function currentPoint(stage: Stage): number {
  const found = points.findIndex(({ stages }) => (stages as readonly Stage[]).includes(stage));
  return found === -1 ? points.length : found;
}

interface Counts {
  readonly stage: Stage;
  readonly bytesDone: number;
  readonly bytesTotal: number | null;
  readonly manifestsDone: number;
  readonly manifestsTotal: number | null;
  readonly tagsDone: number;
  readonly tagsTotal: number | null;
}

/** How much of the current stage is done, from 0 to 1; undefined while nobody knows. */
export function shareDone({ stage, ...counts }: Counts): number | undefined {
  if (stage === 'FINISHED' || stage === 'COMMITTING') return 1;
  if (counts.bytesTotal !== null && counts.bytesTotal > 0)
    return Math.min(1, counts.bytesDone / counts.bytesTotal);
  if (counts.manifestsTotal !== null && counts.manifestsTotal > 0)
    return Math.min(1, counts.manifestsDone / counts.manifestsTotal);
  if (counts.tagsTotal !== null && counts.tagsTotal > 0)
    return Math.min(1, counts.tagsDone / counts.tagsTotal);
  return undefined;
}
