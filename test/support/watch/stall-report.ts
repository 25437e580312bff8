import { existsSync, readFileSync } from 'node:fs';

interface Stall {
  readonly file: string;
  readonly test: string;
  readonly stallMs: number;
  /** Why it may be longer than others. */
  readonly allowed?: string;
}

const shown = 25;

/** The longest turns of the event loop that a run had, by test file. */
export function reportStalls(log: string): string {
  const lines = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
  const stalls = lines.map((line) => JSON.parse(line) as Stall);
  const longest = new Map<string, Stall>();
  for (const stall of stalls)
    if ((longest.get(stall.file)?.stallMs ?? 0) < stall.stallMs) longest.set(stall.file, stall);
  const rows = [...longest.values()].sort((left, right) => right.stallMs - left.stallMs).slice(0, shown);
  const head = `Longest turns of the event loop, in processor time without garbage collection (${longest.size} files above 50 ms):`;
  return [head, ...rows.map(format)].join('\n');
}

function format({ file, test, stallMs, allowed }: Stall): string {
  return `  ${stallMs} ms  ${file}: ${test}${allowed === undefined ? '' : ` (allowed: ${allowed})`}`;
}
