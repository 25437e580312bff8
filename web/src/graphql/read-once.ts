import type { Exchange, Operation, OperationResult } from 'urql';
import { filter, makeSubject, merge, pipe } from 'wonka';

/** Of a query whose answer is neither kept in the cache nor read again: long lists, and sums over everything. */
export const readOnce = { once: true };

export function isReadOnce({ context }: Operation): boolean {
  return context['once'] === true;
}

/** Leads queries that are read once around the cache, which would keep every row of a long list. */
export function aroundCache(cache: Exchange): Exchange {
  return (input) => {
    const around = makeSubject<Operation>();
    const answers = makeSubject<OperationResult>();
    // An exchange may forward once only, so these operations join the others behind the cache, and their answers leave them there.
    const passCached = (result: OperationResult): boolean => {
      if (!isReadOnce(result.operation)) return true;
      answers.next(result);
      return false;
    };
    const toCache = (operation: Operation): boolean => {
      if (!isReadOnce(operation)) return true;
      around.next(operation);
      return false;
    };
    const cached = cache({
      ...input,
      forward: (operations) => pipe(input.forward(merge([operations, around.source])), filter(passCached)),
    });
    return (operations) => merge([cached(pipe(operations, filter(toCache))), answers.source]);
  };
}
