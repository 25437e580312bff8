import { createColumnHelper, tableFeatures, useTable } from '@tanstack/react-table';
import { useVirtualizer } from '@tanstack/react-virtual';
import type { KeyboardEvent, ReactNode } from 'react';
import { useCallback, useEffect, useMemo, useRef } from 'react';
import { Row } from './data-row.tsx';
import classes from './shared.module.css';

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
  readonly rowHeight?: number;
}

/** A list as a table: columns by TanStack Table, rows in sight only where it has a height. */
export function DataTable<T extends object>(props: Props<T>) {
  const { label, columns, rows, keyOf, onOpen, selected, onEnd, height, rowHeight = 39 } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const definitions = useMemo(() => {
    const helper = createColumnHelper<typeof features, T>();
    return columns.map(({ header, cell }) =>
      helper.display({ id: header, header, cell: (context) => cell(context.row.original) }),
    );
  }, [columns]);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    enabled: height !== undefined,
  });
  const inSight = virtual.getVirtualItems();
  const first = inSight[0]?.index ?? 0;
  const last = inSight.at(-1)?.index ?? 0;
  useEffect(() => {
    if (last >= rows.length - 60) onEnd?.();
  }, [last, rows.length, onEnd]);
  // The table knows the rows in sight only: a model of 100,000 rows for each page that is loaded would stop the scrolling.
  const data = useMemo(
    () => (height === undefined ? [...rows] : rows.slice(first, last + 1)),
    [rows, height, first, last],
  );
  const table = useTable({ features, columns: definitions, data, getRowId: (row: T) => keyOf(row) });
  const model = table.getRowModel().rows;
  const moveFocus = (event: KeyboardEvent<HTMLDivElement>) => {
    const step = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 }[event.key];
    const row = (event.target as HTMLElement).closest<HTMLElement>('[data-row]');
    if (step === undefined || row === null || row !== event.target) return;
    event.preventDefault();
    const next = Number(row.dataset['row']) + step;
    scroller.current?.querySelector<HTMLElement>(`[data-row="${next}"]`)?.focus();
  };
  // One function for all renders, so that rows stay as they are when a page is loaded.
  const latest = useRef(onOpen);
  useEffect(() => {
    latest.current = onOpen;
  });
  const open = useCallback((row: T) => latest.current?.(row), []);
  const shown = height === undefined ? rows.map((_, index) => ({ index, start: undefined })) : inSight;
  return (
    <div
      ref={scroller}
      className={classes.scroller}
      style={height === undefined ? {} : { maxHeight: height }}
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
        <div role="rowgroup">
          <div role="row" className={classes.head}>
            {columns.map(({ header, align }) => (
              <span key={header} role="columnheader" data-align={align}>
                {header}
              </span>
            ))}
          </div>
        </div>
        <div
          role="rowgroup"
          className={classes.body}
          style={height === undefined ? {} : { height: virtual.getTotalSize() }}
        >
          {shown.map(({ index, start }) => {
            const row = model[height === undefined ? index : index - first];
            return row === undefined ? null : (
              <Row
                key={row.id}
                index={index}
                start={start}
                row={row.original}
                columns={columns}
                onOpen={onOpen === undefined ? undefined : open}
                selected={selected === row.id}
              />
            );
          })}
        </div>
      </div>
    </div>
  );
}
