import { SegmentedControl } from '@mantine/core';
import { graphql } from '../graphql/graphql.ts';
import type { ResultOf } from '../graphql/graphql.ts';
import { usePages } from '../graphql/use-pages.ts';
import { Freshness, FreshnessFragment } from '../repositories/freshness.tsx';
import { nameColumn, versionColumn } from '../repositories/repository-columns.tsx';
import type { Column } from '../shared/data-table.tsx';
import { List } from '../shared/list-page.tsx';
import { Panel } from '../shared/panel.tsx';
import { StateMark } from '../shared/state-mark.tsx';
import { When } from '../shared/when.tsx';

const Made = graphql(
  `
    query MadeRepositories($id: ID!, $isVanished: Boolean, $first: Int!, $after: String) {
      repositories(first: $first, after: $after, mirrorRuleId: $id, isVanished: $isVanished) {
        totalCount
        pageInfo {
          endCursor
          hasNextPage
        }
        nodes {
          id
          name
          isVanished
          vanishedAt
          lastSyncedAt
          latestVersion {
            id
            number
          }
          ...Freshness
        }
      }
    }
  `,
  [FreshnessFragment],
);

type Repository = ResultOf<typeof Made>['repositories']['nodes'][number];

const columns: readonly Column<Repository>[] = [
  nameColumn,
  {
    header: 'State',
    width: '130px',
    cell: (repository) =>
      repository.isVanished ? (
        <StateMark tone="late" title="The upstream no longer has it. It is kept, and not synced.">
          vanished
        </StateMark>
      ) : (
        <Freshness repository={repository} />
      ),
  },
  {
    header: 'Vanished',
    width: '110px',
    cell: ({ vanishedAt }) => <When at={vanishedAt} none="" />,
  },
  versionColumn,
  { header: 'Last synced', width: '110px', cell: ({ lastSyncedAt }) => <When at={lastSyncedAt} /> },
];

interface Props {
  readonly rule: { readonly id: string; readonly repositoryCount: number; readonly vanishedCount: number };
  readonly onlyVanished: boolean;
  readonly onChange: (onlyVanished: boolean) => void;
}

/** The repositories that a rule has made. */
export function MadeRepositories({ rule, onlyVanished, onChange }: Props) {
  const pages = usePages(
    Made,
    { id: rule.id, first: 100, isVanished: onlyVanished ? true : null },
    (data) => data.repositories,
  );
  return (
    <Panel
      title="Repositories"
      aside={
        <SegmentedControl
          size="xs"
          aria-label="Which repositories"
          value={onlyVanished ? 'vanished' : 'all'}
          onChange={(value) => onChange(value === 'vanished')}
          data={[
            { value: 'all', label: `All ${rule.repositoryCount.toLocaleString()}` },
            { value: 'vanished', label: `Vanished ${rule.vanishedCount.toLocaleString()}` },
          ]}
        />
      }
    >
      <List
        label="Repositories of the rule"
        pages={pages}
        columns={columns}
        keyOf={({ id }) => id}
        height="420px"
        empty={onlyVanished ? 'None has vanished.' : 'A run creates them.'}
      />
    </Panel>
  );
}
