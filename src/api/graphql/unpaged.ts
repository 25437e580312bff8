import { setImmediate } from 'node:timers/promises';
import { TidemarkError } from '../../oci/error.ts';

/** Children, blobs, signatures and referrers lead to more of their kind: what a query multiplies them to is known only once they are read. */
const objectsMax = 20_000;
/** What one turn of the event loop completes; more would hold up other requests. */
const objectsEachTurn = 1_000;

/** How many objects of lists without pages one answer may still have. */
export interface UnpagedBudget {
  /**
   * Resolves when the rows may be completed.
   * @throws TidemarkError `QUERY_TOO_COMPLEX` where an answer gets too many of them
   */
  take<Row>(rows: readonly Row[]): Promise<readonly Row[]>;
}

export function createUnpagedBudget(): UnpagedBudget {
  let left = objectsMax;
  let leftOfTurn = objectsEachTurn;
  let turn: Promise<void> | undefined;
  // thousands of lists may come too late: one error does for all, since a stack trace takes long to make
  let refusal: TidemarkError | undefined;

  async function nextTurn(): Promise<void> {
    await setImmediate();
    leftOfTurn = objectsEachTurn;
    turn = undefined;
  }

  return {
    async take(rows) {
      left -= rows.length;
      if (left < 0)
        throw (refusal ??= new TidemarkError(
          'QUERY_TOO_COMPLEX',
          `The answer would have more than ${objectsMax} children, blobs, signatures and referrers. Ask for a smaller page, or less deep.`,
          { origin: 'caller' },
        ));
      while (leftOfTurn <= 0) await (turn ??= nextTurn());
      leftOfTurn -= rows.length;
      return rows;
    },
  };
}
