import type { Client, Exchange, Operation } from 'urql';
import { makeSubject, merge, pipe, share, tap } from 'wonka';
import { isReadOnce } from './read-once.ts';

const refreshers = new WeakMap<Client, () => void>();

/** Reads again what the page shows. */
export function refreshAll(client: Client): void {
  refreshers.get(client)?.();
}

/** After a mutation, reads again what the page shows: lists, counts and times may all have changed. */
export const refreshExchange: Exchange = ({ client, forward }) => {
  const active = new Map<number, Operation>();
  const again = makeSubject<Operation>();
  const refresh = () => {
    for (const query of active.values())
      again.next(
        client.createRequestOperation('query', query, { ...query.context, requestPolicy: 'network-only' }),
      );
    for (const listener of listeners) listener();
  };
  refreshers.set(client, refresh);
  return (operations) => {
    const noted = pipe(
      operations,
      tap((operation) => {
        if (operation.kind === 'query' && !isReadOnce(operation)) active.set(operation.key, operation);
        if (operation.kind === 'teardown') active.delete(operation.key);
      }),
      share,
    );
    return pipe(
      merge([noted, again.source]),
      forward,
      tap(({ operation, error }) => {
        if (operation.kind === 'mutation' && error === undefined && operation.context['quiet'] !== true)
          refresh();
      }),
    );
  };
};

const listeners = new Set<() => void>();

/** Calls a function whenever the page is read again. @returns a function that ends it. */
export function onRefresh(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
