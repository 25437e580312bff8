import { isDeepStrictEqual } from 'node:util';

/** Whether both are the same JSON, whatever the order of keys; undefined counts as null. */
export function isSameJson(left: unknown, right: unknown): boolean {
  return isDeepStrictEqual(plain(left), plain(right));
}

/** Without prototypes: inputs are instances of their classes. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null));
}
