import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { Fragment } from 'react';
import { IconPlus } from '../frame/icons.ts';
import { useMay } from '../session/viewer.ts';
import type { Column } from './data-table.tsx';
import { Empty } from './empty.tsx';
import { ListPage } from './list-page.tsx';
import type { Rows } from './list-page.tsx';

interface Props<T> {
  readonly label: string;
  /** On the button: "New remote". */
  readonly noun: string;
  readonly pages: Rows<T>;
  readonly columns: readonly Column<T>[];
  /** The name that a role is needed for. */
  readonly nameOf: (row: T) => string;
  /** The id in the address, or `new`. */
  readonly edit: string | undefined;
  readonly onEdit: (edit: string | undefined) => void;
  readonly emptyTitle: string;
  /** What such an object is, where there is none. */
  readonly emptyText: ReactNode;
  /** @param id Undefined: a new one. */
  readonly dialog: (id: string | undefined, onClose: () => void) => ReactNode;
}

/** A page that is one list, whose rows maintainers create and edit in a dialog. */
export function EditableListPage<T extends { readonly id: string }>(props: Props<T>) {
  const { label, noun, pages, columns, nameOf, edit, onEdit, emptyTitle, emptyText, dialog } = props;
  const may = useMay();
  const create = may('MAINTAINER') ? (
    <Button leftSection={<IconPlus size={16} />} onClick={() => onEdit('new')}>
      New {noun}
    </Button>
  ) : null;
  const open = (row: T) => {
    if (may('MAINTAINER', nameOf(row))) onEdit(row.id);
  };
  return (
    <ListPage
      label={label}
      pages={pages}
      columns={columns}
      keyOf={({ id }) => id}
      onOpen={may('MAINTAINER') ? open : undefined}
      action={create}
      empty={
        <Empty title={emptyTitle} action={create}>
          {emptyText}
        </Empty>
      }
    >
      {edit === undefined ? null : (
        <Fragment key={edit}>{dialog(edit === 'new' ? undefined : edit, () => onEdit(undefined))}</Fragment>
      )}
    </ListPage>
  );
}
