import { createColumnHelper, tableFeatures, useTable } from '@tanstack/react-table';
import type { KeyboardEvent, ReactNode } from 'react';
import { useCallback, useEffect, useMemo, useRef } from 'react';
import { Row } from './data-row.tsx';
import classes from './shared.module.css';
import { useRowWindow } from './use-row-window.ts';

const features = tableFeatures({});

export interface Column<T> {
  readonly header: string;
  /** Width as a track of a CSS grid. */
  readonly width: string;
  readonly align?: 'right';
  readonly cell: (row: T) => ReactNode;
}

interface Props<T> {
  readonly label: string;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  readonly keyOf: (row: T) => string;
  readonly onOpen?: ((row: T) => void) | undefined;
  readonly selected?: string | undefined;
  /** Called when the last rows come near. */
  readonly onEnd?: (() => void) | undefined;
  /** Height of the list; lists that have one render only the rows in sight. */
  readonly height?: string | undefined;
}

/** Of every row of a list that has a height. */
const rowHeight = 39;
/** How near the last row is when more are loaded. */
const nearRows = 60;

/** A list as a table: columns by TanStack Table, rows in sight only where it has a height. */
export function DataTable<T extends object>(props: Props<T>) {
  const { label, columns, rows, keyOf, onOpen, selected, onEnd, height } = props;
  const isWindowed = height !== undefined;
  const scroller = useRef<HTMLDivElement>(null);
  const { first, end } = useRowWindow(rows.length, { scroller, rowHeight, isWindowed });
  useEffect(() => {
    if (end > rows.length - nearRows) onEnd?.();
  }, [end, rows.length, onEnd]);
  const model = useRowModel(columns, keyOf, rows, { first, end });
  const open = useSteady(onOpen);
  return (
    <div
      ref={scroller}
      className={classes.scroller}
      style={isWindowed ? { maxHeight: height } : {}}
      tabIndex={0}
      role="region"
      aria-label={label}
      onKeyDown={moveFocus}
    >
      <div
        role="table"
        aria-label={label}
        aria-rowcount={rows.length + 1}
        className={classes.table}
        style={{ '--columns': columns.map(({ width }) => width).join(' ') } as Record<string, string>}
      >
        <Head columns={columns} />
        <div
          role="rowgroup"
          className={classes.body}
          style={isWindowed ? { height: rows.length * rowHeight } : {}}
        >
          {model.map((row, place) => (
            <Row
              key={row.id}
              index={first + place}
              start={isWindowed ? (first + place) * rowHeight : undefined}
              row={row.original}
              columns={columns}
              onOpen={onOpen === undefined ? undefined : open}
              selected={selected === row.id}
            />
          ))}
        </div>
      </div>
    </div>
  );
}

function Head<T>({ columns }: { readonly columns: readonly Column<T>[] }) {
  return (
    <div role="rowgroup">
      <div role="row" className={classes.head}>
        {columns.map(({ header, align }) => (
          <span key={header} role="columnheader" data-align={align}>
            {header}
          </span>
        ))}
      </div>
    </div>
  );
}

/** The table knows the rendered rows only: a model of 100,000 rows for each page that is loaded would stop the scrolling. */
function useRowModel<T extends object>(
  columns: readonly Column<T>[],
  keyOf: (row: T) => string,
  rows: readonly T[],
  { first, end }: { readonly first: number; readonly end: number },
) {
  const definitions = useMemo(() => {
    const helper = createColumnHelper<typeof features, T>();
    return columns.map(({ header, cell }) =>
      helper.display({ id: header, header, cell: (context) => cell(context.row.original) }),
    );
  }, [columns]);
  const data = useMemo(() => rows.slice(first, end), [rows, first, end]);
  const table = useTable({ features, columns: definitions, data, getRowId: (row: T) => keyOf(row) });
  return table.getRowModel().rows;
}

/** One function for all renders, so that rows stay as they are when a page is loaded. */
function useSteady<T>(onOpen: ((row: T) => void) | undefined): (row: T) => void {
  const latest = useRef(onOpen);
  useEffect(() => {
    latest.current = onOpen;
  });
  return useCallback((row: T) => latest.current?.(row), []);
}

/** The arrows, j and k go from row to row. */
function moveFocus(event: KeyboardEvent<HTMLDivElement>) {
  const step = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 }[event.key];
  const row = (event.target as HTMLElement).closest<HTMLElement>('[data-row]');
  if (step === undefined || row === null || row !== event.target) return;
  event.preventDefault();
  const next = Number(row.dataset['row']) + step;
  event.currentTarget.querySelector<HTMLElement>(`[data-row="${next}"]`)?.focus();
}
