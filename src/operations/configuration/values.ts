import { isDeepStrictEqual } from 'node:util';
import type { UpdateOf } from './kind.ts';
import type { Values } from './configuration.ts';

/** The fields that are columns of a row, with their values; null: none. */
export function columnsOf(row: object, fields: Values): Values {
  const columns = Object.keys(fields).filter((field) => field in row);
  return Object.fromEntries(columns.map((field) => [field, (row as Values)[field] ?? null]));
}

export function emptyToNull<Value>(list: readonly Value[] | null | undefined): readonly Value[] | null {
  return list && list.length > 0 ? list : null;
}

/** The changes, and the secrets that are given: a change of the address deletes the stored ones. */
export function withSecrets({ changes, values }: UpdateOf, secrets: readonly string[]): Values {
  const given = Object.entries(values).filter(([field]) => secrets.includes(field));
  return { ...Object.fromEntries(given), ...changes };
}

const times = ['cron', 'intervalSeconds'];

/** Of cron and intervalSeconds, the given one replaces the other. */
export function dropOtherTime(changes: Values): Values {
  if (times.every((field) => changes[field] == null)) return changes;
  return Object.fromEntries(
    Object.entries(changes).filter(([field, value]) => value !== null || !times.includes(field)),
  );
}

/** Whether both are the same JSON, whatever the order of keys; undefined counts as null. */
export function isSameJson(left: unknown, right: unknown): boolean {
  return isDeepStrictEqual(plain(left), plain(right));
}

/** Without prototypes: inputs are instances of their classes. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null));
}
