/** What the sync rows measured, and how reports and goals read it. */
import type { Work } from '../peers.ts';
import type { SyncRow, SyncRowName } from '../rows.ts';
import { scenes } from '../scenes.ts';
import { median } from '../statistics.ts';

export interface SyncSample {
  readonly row: SyncRowName;
  readonly work: Work;
  readonly tool: string;
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Of Tidemark: the part of PostgreSQL's processes. */
  readonly postgresCpuSeconds?: number;
  readonly peakBytes: number;
  /** Of Tidemark: all its processes together. */
  readonly stackPeakBytes?: number;
  /** A peer that had not ended when its time was up. */
  readonly isStopped?: boolean;
}

export const floorName = 'plain GETs in Go';
/** Only the third sync can use what two have found out about a host (docs/decisions/0011). */
export const thirdSyncName = 'tidemark, third sync';

export const workTitles: Readonly<Record<Work, string>> = {
  first: 'first sync',
  again: 'nothing changed',
  changed: 'one tag changed',
};

export function titleOf(row: SyncRow, work: Work): string {
  return `\`${row.corpus}\`, ${workTitles[work]}${scenes[row.scene].title}`;
}

/** The tool with the least median, of the peers or of `among`. */
export function fastestPeer(
  samples: readonly SyncSample[],
  among?: string,
): { readonly tool: string; readonly seconds: number } | undefined {
  const others = [...new Set(samples.map(({ tool }) => tool))].filter((tool) =>
    among === undefined ? !tool.startsWith('tidemark') && tool !== floorName : tool === among,
  );
  return others
    .map((tool) => ({ tool, seconds: median(seconds(samples.filter((sample) => sample.tool === tool))) }))
    .sort((a, b) => a.seconds - b.seconds)[0];
}

export function seconds(samples: readonly SyncSample[]): number[] {
  return samples.map((sample) => sample.seconds);
}
