import { countOf, formatCount } from '../../oci/count-of.ts';
import { formatTable } from '../progress/format.ts';
import type { List } from '../api-calls.ts';
import type { Client } from '../command.ts';

/** The shape of `--json`: raised when a field is removed or changes its meaning (docs/command-line.md). */
export const jsonFormat = 1;

export function printJson({ terminal }: Pick<Client, 'terminal'>, value: object): number {
  terminal.print(JSON.stringify({ format: jsonFormat, ...value }));
  return 0;
}

export interface Table<T> {
  readonly noun: string;
  readonly columns: readonly string[];
  /** A row's cells; null is shown as `-`. */
  readonly row: (node: T) => readonly (string | number | null)[];
  /** Said where the list is empty. */
  readonly none: string;
}

/** Prints a list as a table, or as JSON under the given key. */
export function printTable<T>(client: Client, key: string, list: List<T>, table: Table<T>): number {
  if (client.json) return printJson(client, { [key]: list });
  const { terminal } = client;
  const { nodes, totalCount } = list;
  if (nodes.length === 0) {
    terminal.note(table.none);
    return 0;
  }
  const rows = nodes.map((node) => table.row(node));
  const numbers = table.columns.flatMap((_, column) =>
    rows.every((row) => typeof row[column] === 'number') ? [column] : [],
  );
  const cells = rows.map((row) => row.map(cell));
  for (const line of formatTable([[...table.columns], ...cells], numbers)) terminal.print(line);
  if (totalCount > nodes.length)
    terminal.note(
      `${formatCount(nodes.length)} of ${countOf(totalCount, table.noun)}. --all shows every row.`,
    );
  return 0;
}

/** Prints rows under their columns, for people. */
export function showRows(
  { terminal }: Pick<Client, 'terminal'>,
  columns: readonly string[],
  rows: readonly (readonly (string | number | null)[])[],
): void {
  for (const line of formatTable([[...columns], ...rows.map((row) => row.map(cell))])) terminal.print(line);
}

function cell(value: string | number | null): string {
  if (value === null || value === '') return '-';
  return typeof value === 'number' ? formatCount(value) : value;
}

/** Prints one thing as `label  value` lines, or as JSON under the given key. */
export function printThing(
  client: Client,
  key: string,
  thing: object | null,
  lines: readonly (readonly [string, string | number | null])[],
): number {
  if (client.json) return printJson(client, { [key]: thing });
  for (const line of formatTable(lines.map(([label, value]) => [label, cell(value)])))
    client.terminal.print(line);
  return 0;
}

/** Prints what was done, or the result as JSON. */
export function printDone(client: Client, json: object, line: string): number {
  if (client.json) return printJson(client, json);
  client.terminal.print(line);
  return 0;
}

/** `2026-05-01 14:03:09`, in the reader's time zone. */
export function localTime(instant: string | null): string | null {
  return instant === null ? null : new Date(instant).toLocaleString('sv-SE');
}

/** `4 min ago`. */
export function age(instant: string | null, nowMs = Date.now()): string | null {
  if (instant === null) return null;
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(instant)) / 1000));
  const steps = [
    [60, 1, 's'],
    [3_600, 60, 'min'],
    [172_800, 3_600, 'h'],
    [Infinity, 86_400, 'days'],
  ] as const;
  const [, size, unit] = steps.find(([most]) => seconds < most) ?? steps[3];
  return `${Math.floor(seconds / size)} ${unit} ago`;
}
