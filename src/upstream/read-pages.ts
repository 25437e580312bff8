/** Pages of rows up to the first empty one. `read` gets the position of the last row before, and `start` at first. */
export async function* readPages<Row, Position>(
  start: Position,
  positionOf: (row: Row) => Position,
  read: (after: Position) => Promise<readonly Row[]>,
): AsyncGenerator<readonly Row[]> {
  for (let after = start; ;) {
    const page = await read(after);
    const last = page.at(-1);
    if (last === undefined) return;
    after = positionOf(last);
    yield page;
  }
}
