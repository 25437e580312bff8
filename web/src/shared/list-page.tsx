import type { ReactNode } from 'react';
import type { CombinedError } from 'urql';
import { DataTable } from './data-table.tsx';
import type { Column } from './data-table.tsx';
import { Page } from './page.tsx';
import { Problem } from './problem.tsx';
import { RowsSkeleton } from './rows-skeleton.tsx';

export interface Rows<T> {
  readonly rows: readonly T[];
  readonly total: number | undefined;
  readonly error: CombinedError | undefined;
  readonly more: () => void;
  readonly reload: () => void;
}

interface BodyProps<T> {
  readonly label: string;
  readonly pages: Rows<T>;
  readonly columns: readonly Column<T>[];
  readonly keyOf: (row: T) => string;
  readonly onOpen?: ((row: T) => void) | undefined;
  readonly empty: ReactNode;
  readonly height?: string;
}

/** A list with its skeleton, its error and its empty state. */
export function List<T extends object>({
  label,
  pages,
  columns,
  keyOf,
  onOpen,
  empty,
  height,
}: BodyProps<T>) {
  return (
    <>
      <Problem error={pages.error} onRetry={pages.reload} />
      {pages.total === undefined && pages.error === undefined ? <RowsSkeleton rows={8} /> : null}
      {pages.total === 0 ? empty : null}
      {pages.rows.length > 0 ? (
        <DataTable
          label={label}
          columns={columns}
          rows={pages.rows}
          keyOf={keyOf}
          onOpen={onOpen}
          onEnd={pages.more}
          height={height ?? 'calc(100vh - 190px)'}
        />
      ) : null}
    </>
  );
}

interface Props<T> extends BodyProps<T> {
  readonly action: ReactNode;
  /** Dialogs of the page. */
  readonly children?: ReactNode;
}

/** A page that is one list. */
export function ListPage<T extends object>({ action, children, ...list }: Props<T>) {
  const { total } = list.pages;
  return (
    <Page
      title={list.label}
      subtitle={total === undefined ? ' ' : `${total.toLocaleString()} in all`}
      actions={total === 0 ? null : action}
    >
      <List {...list} />
      {children}
    </Page>
  );
}
