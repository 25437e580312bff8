import { watchTurns } from './watch-turns.ts';

/** Shorter turns are not told of. */
export const toldMs = 50;

/** Of the thread that runs the tests of a file, and the API and the worker of their harness. */
export const fileTurns = watchTurns({ everyMs: 20, notedMs: toldMs });

export interface StallAllowance {
  readonly ms: number;
  readonly reason: string;
}

let isInTest = false;
let ofFile: StallAllowance | undefined;
let ofTest: StallAllowance | undefined;

/**
 * For long work that a test does itself, in the thread where the API and the worker run too. Called in a test, it holds for that
 * test; outside of tests, for the file. The report shows the reason.
 */
export function allowStalls(ms: number, reason: string): void {
  if (isInTest) ofTest = { ms, reason };
  else ofFile = { ms, reason };
}

export function stallAllowance(): StallAllowance | undefined {
  return ofTest ?? ofFile;
}

/** Files share this module. */
export function beginFile(): void {
  isInTest = false;
  ofFile = undefined;
}

export function beginTest(): void {
  isInTest = true;
  ofTest = undefined;
  fileTurns.begin();
}

/** A process builds its schema, compiles its routes and loads modules once, before it serves: none of that makes a turn. */
export function startUp<T>(work: () => Promise<T>): Promise<T> {
  return fileTurns.without(work);
}
