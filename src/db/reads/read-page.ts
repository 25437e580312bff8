/** One page of a list: `rows` in the list's order, at most as many as were asked for. */
export interface Page<Row> {
  readonly rows: readonly Row[];
  readonly hasNext: boolean;
}

/** Cuts the row off that was read beyond the page only to learn whether there is more. */
export function toPage<Row>(rows: readonly Row[], first: number): Page<Row> {
  return { rows: rows.slice(0, first), hasNext: rows.length > first };
}

/** Rows of many parents, read in one statement, as one page for each of them: `n` is the parent's place, from 1. */
export function toPages<Row extends { readonly n: number }>(
  rows: readonly Row[],
  parents: number,
  first: number,
): Page<Row>[] {
  const grouped = Array.from({ length: parents }, (): Row[] => []);
  for (const row of rows) grouped[row.n - 1]?.push(row);
  return grouped.map((group) => toPage(group, first));
}
