import type { Goal } from './report.ts';

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [below, above] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[middle]];
  if (below === undefined || above === undefined) throw new Error('there is no median of nothing');
  return (below + above) / 2;
}

/** `0.52 (0.48–0.61)`: the median, and between which values the others lie. */
export function spread(values: readonly number[], digits = 2): string {
  if (values.length === 1) return median(values).toFixed(digits);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return `${median(values).toFixed(digits)} (${least.toFixed(digits)}–${most.toFixed(digits)})`;
}

/** Of 1,000,000 bytes. */
export function megabytes(bytes: number): string {
  return String(Math.round(bytes / 1e6));
}

/** Where a process's memory should stay. */
export function memoryGoal(work: string, bytes: number, atMost: number): Goal {
  return {
    work,
    goal: `≤ ${atMost} MB`,
    measured: `${megabytes(bytes)} MB`,
    isMet: bytes <= atMost * 1e6,
  };
}
