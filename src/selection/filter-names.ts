import { setImmediate } from 'node:timers/promises';

const sliceMs = 20;

/** Those that pass, in their order. Regular expressions of users may be slow, so other work gets its turn between slices. */
export async function filterNames(
  names: readonly string[],
  isTaken: (name: string) => boolean,
): Promise<string[]> {
  const taken: string[] = [];
  let started = performance.now();
  for (const name of names) {
    if (isTaken(name)) taken.push(name);
    if (performance.now() - started < sliceMs) continue;
    await setImmediate();
    started = performance.now();
  }
  return taken;
}
