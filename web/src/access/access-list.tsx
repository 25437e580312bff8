import { Button, Group } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import type { ReactNode } from 'react';
import { IconPlus } from '../frame/icons.ts';
import type { Column } from '../shared/data-table.tsx';
import { Empty } from '../shared/empty.tsx';
import { List } from '../shared/list-page.tsx';
import type { Rows } from '../shared/list-page.tsx';

interface Props<T> {
  readonly label: string;
  /** On the button: "New token". */
  readonly noun: string;
  readonly pages: Rows<T>;
  readonly columns: readonly Column<T>[];
  readonly mayCreate: boolean;
  /** What such an object is, where there is none. */
  readonly emptyText: string;
  readonly dialog: (onClose: () => void) => ReactNode;
}

/** A tab that is one list, with a button for new ones. */
export function AccessList<T extends { readonly id: string }>(props: Props<T>) {
  const { label, noun, pages, columns, mayCreate, emptyText, dialog } = props;
  const [opened, { open, close }] = useDisclosure();
  const create = mayCreate ? (
    <Button leftSection={<IconPlus size={16} />} onClick={open}>
      New {noun}
    </Button>
  ) : null;
  return (
    <>
      {pages.total === 0 ? null : (
        <Group justify="flex-end" mb="sm">
          {create}
        </Group>
      )}
      <List
        label={label}
        pages={pages}
        columns={columns}
        keyOf={({ id }) => id}
        height="calc(100vh - 280px)"
        empty={
          <Empty title={`No ${noun} yet`} action={create}>
            {emptyText}
          </Empty>
        }
      />
      {opened ? dialog(close) : null}
    </>
  );
}
