import { Tabs } from '@mantine/core';
import type { ReactNode } from 'react';

export interface FieldTab {
  readonly tab: string;
  readonly label: string;
  /** The fields of the API that it shows. */
  readonly fields: readonly string[];
  readonly panel: ReactNode;
}

interface Props {
  readonly tabs: readonly [FieldTab, ...FieldTab[]];
  /** The mistake at a field. */
  readonly at: (field: string) => string | undefined;
  /** The tab that the user has chosen since the form was last sent; null: none. */
  readonly chosen: string | null;
  readonly onChoose: (tab: string | null) => void;
}

/** The tabs of a form. A mistake opens the first tab that has one. */
export function FieldTabs({ tabs, at, chosen, onChoose }: Props) {
  const mistaken = tabs.find(({ fields }) => fields.some((field) => at(field) !== undefined))?.tab;
  return (
    <Tabs value={chosen ?? mistaken ?? tabs[0].tab} onChange={onChoose}>
      <Tabs.List mb="sm">
        {tabs.map(({ tab, label }) => (
          <Tabs.Tab key={tab} value={tab}>
            {label}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {tabs.map(({ tab, panel }) => (
        <Tabs.Panel key={tab} value={tab}>
          {panel}
        </Tabs.Panel>
      ))}
    </Tabs>
  );
}
