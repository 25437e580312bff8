import { memo } from 'react';
import type { Column } from './data-table.tsx';
import classes from './shared.module.css';

interface Props<T> {
  readonly index: number;
  /** Distance from the top of the list in pixels, where rows are placed one by one. */
  readonly start: number | undefined;
  readonly row: T;
  readonly columns: readonly Column<T>[];
  readonly onOpen: ((row: T) => void) | undefined;
  readonly selected: boolean;
}

function DataRow<T>({ index, start, row, columns, onOpen, selected }: Props<T>) {
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      data-row={index}
      data-link={onOpen === undefined ? undefined : true}
      data-selected={selected || undefined}
      tabIndex={onOpen === undefined ? undefined : 0}
      className={start === undefined ? classes.row : `${classes.row} ${classes.virtual}`}
      style={start === undefined ? {} : { transform: `translateY(${start}px)` }}
      onClick={(event) => {
        // A link or button inside the row does its own work.
        if ((event.target as HTMLElement).closest('a, button') === null) onOpen?.(row);
      }}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && event.target === event.currentTarget) onOpen?.(row);
      }}
    >
      {columns.map(({ header, align, cell }) => (
        <div key={header} role="cell" className={classes.cell} data-align={align}>
          {cell(row)}
        </div>
      ))}
    </div>
  );
}

/** Rows stay as they are while the list scrolls. */
export const Row = memo(DataRow) as typeof DataRow;
