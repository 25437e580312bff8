/** Whether both are the same JSON; undefined counts as null. */
export function isSameJson(left: unknown, right: unknown): boolean {
  return JSON.stringify(left ?? null) === JSON.stringify(right ?? null);
}
