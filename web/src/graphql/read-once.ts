import type { Exchange, Operation } from 'urql';
import { filter, merge, pipe, share } from 'wonka';

/** Of a query whose answer is neither kept in the cache nor read again: long lists, and sums over everything. */
export const readOnce = { once: true };

export function isReadOnce({ context }: Operation): boolean {
  return context['once'] === true;
}

/** Leads queries that are read once around the cache, which would keep every row of a long list. */
export function aroundCache(cache: Exchange): Exchange {
  return (input) => {
    const cached = cache(input);
    return (operations) => {
      const all = pipe(operations, share);
      return merge([
        cached(
          pipe(
            all,
            filter((operation) => !isReadOnce(operation)),
          ),
        ),
        input.forward(pipe(all, filter(isReadOnce))),
      ]);
    };
  };
}
