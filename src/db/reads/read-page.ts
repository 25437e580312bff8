export interface Page<Row> {
  readonly rows: readonly Row[];
  readonly hasNext: boolean;
}

/** Removes the extra row that shows whether there is a next page. */
export function toPage<Row>(rows: readonly Row[], first: number): Page<Row> {
  return { rows: rows.slice(0, first), hasNext: rows.length > first };
}

/** Groups the rows of many parents into a page each; `n` is the parent's position, from 1. */
export function toPages<Row extends { readonly n: number }>(
  rows: readonly Row[],
  parents: number,
  first: number,
): Page<Row>[] {
  const grouped = Array.from({ length: parents }, (): Row[] => []);
  for (const row of rows) grouped[row.n - 1]?.push(row);
  return grouped.map((group) => toPage(group, first));
}
