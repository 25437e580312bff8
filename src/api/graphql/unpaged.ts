import { setImmediate } from 'node:timers/promises';
import { TidemarkError } from '../../oci/error.ts';

/** Children, blobs, signatures and referrers nest without pages: the size of an answer is known only while it is read. */
const objectsMax = 20_000;
/** Rows that one turn of the event loop completes. More would delay other requests. */
const objectsEachTurn = 1_000;

/** Objects of unpaged lists that one answer may still contain. */
export interface UnpagedBudget {
  /**
   * Resolves when the rows may be completed.
   * @throws TidemarkError `QUERY_TOO_COMPLEX` if the answer exceeds its limit
   */
  take<Row>(rows: readonly Row[]): Promise<readonly Row[]>;
}

export function createUnpagedBudget(): UnpagedBudget {
  let left = objectsMax;
  let leftOfTurn = objectsEachTurn;
  let turn: Promise<void> | undefined;
  // Thousands of lists may exceed the limit at once. They share one error, because a stack trace is expensive.
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
