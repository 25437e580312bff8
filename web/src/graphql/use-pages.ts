import { useCallback, useEffect, useReducer, useRef } from 'react';
import { useClient } from 'urql';
import type { AnyVariables, CombinedError, TypedDocumentNode } from 'urql';
import { readOnce } from './read-once.ts';
import { onRefresh } from './refresh-exchange.ts';

interface Connection<T> {
  readonly nodes: readonly T[];
  readonly totalCount: number;
  readonly pageInfo: { readonly endCursor: string | null; readonly hasNextPage: boolean };
}

interface Pages<T> {
  readonly rows: readonly T[];
  readonly total: number | undefined;
  readonly loading: boolean;
  readonly error: CombinedError | undefined;
  readonly more: () => void;
  readonly reload: () => void;
}

type State<T> = Omit<Pages<T>, 'more' | 'reload'> & { readonly cursor: string | null | undefined };

const empty = { rows: [], total: undefined, loading: true, error: undefined, cursor: null };

/** A long list, page after page as it is scrolled. `variables` without `after`; another value starts anew. */
export function usePages<Data, Variables extends AnyVariables, T>(
  query: TypedDocumentNode<Data, Variables>,
  variables: Omit<NonNullable<Variables>, 'after'>,
  pick: (data: Data) => Connection<T> | null | undefined,
): Pages<T> {
  const client = useClient();
  const [state, change] = useReducer(
    (before: State<T>, next: Partial<State<T>>): State<T> => ({ ...before, ...next }),
    empty as State<T>,
  );
  const run = useRef({ key: '', busy: false });
  const key = JSON.stringify(variables);
  const load = useCallback(
    async (rows: readonly T[], after: string | null) => {
      const mine = { key, busy: true };
      run.current = mine;
      change({ loading: true });
      const all = { ...(JSON.parse(key) as object), after } as unknown as Variables;
      const result = await client
        .query(query, all, { requestPolicy: 'network-only', ...readOnce })
        .toPromise();
      if (run.current !== mine) return;
      mine.busy = false;
      const page = result.data === undefined ? undefined : pick(result.data);
      change({
        rows: page ? [...rows, ...page.nodes] : rows,
        total: page?.totalCount ?? (result.error === undefined ? 0 : undefined),
        cursor: page?.pageInfo.hasNextPage ? page.pageInfo.endCursor : undefined,
        loading: false,
        error: result.error,
      });
    },
    // `pick` is a function of the document.
    [client, query, key],
  );
  const reload = useCallback(() => void load([], null), [load]);
  useEffect(() => {
    reload();
    const unsubscribe = onRefresh(reload);
    return () => {
      unsubscribe();
      run.current = { key: '', busy: false };
    };
  }, [reload]);
  const { rows, cursor } = state;
  const more = useCallback(() => {
    if (!run.current.busy && cursor !== undefined && cursor !== null) void load(rows, cursor);
  }, [load, rows, cursor]);
  return { ...state, more, reload };
}
