import { getRouteApi } from '@tanstack/react-router';
import { Button } from '@mantine/core';
import { IconPlus } from '../frame/icons.ts';
import { scopeBelow } from '../../../src/selection/rule-target.ts';
import { graphql } from '../graphql/graphql.ts';
import type { ResultOf } from '../graphql/graphql.ts';
import { usePages } from '../graphql/use-pages.ts';
import { useMay } from '../session/viewer.ts';
import type { Column } from '../shared/data-table.tsx';
import { Empty } from '../shared/empty.tsx';
import { ListPage } from '../shared/list-page.tsx';
import { StateMark } from '../shared/state-mark.tsx';
import { When } from '../shared/when.tsx';
import { TaskState } from '../tasks/task-state.tsx';
import { discoveryLabel } from './discoveries.ts';
import { RuleDialog } from './rule-dialog.tsx';

const Rules = graphql(`
  query MirrorRules($first: Int!, $after: String) {
    mirrorRules(first: $first, after: $after) {
      totalCount
      pageInfo {
        endCursor
        hasNextPage
      }
      nodes {
        id
        name
        url
        discovery
        targetPrefix
        repositoryCount
        vanishedCount
        nextRunAts
        lastRun {
          id
          state
          dryRun
        }
      }
    }
  }
`);

type Rule = ResultOf<typeof Rules>['mirrorRules']['nodes'][number];

const columns: readonly Column<Rule>[] = [
  { header: 'Name', width: 'minmax(140px, 1fr)', cell: ({ name }) => <b>{name}</b> },
  {
    header: 'Registry',
    width: 'minmax(180px, 1.4fr)',
    cell: ({ url }) => url.replace(/^https?:\/\//, ''),
  },
  { header: 'Finds by', width: '170px', cell: ({ discovery }) => discoveryLabel(discovery) },
  {
    header: 'Makes',
    width: 'minmax(110px, 1fr)',
    cell: ({ targetPrefix }) => scopeBelow(targetPrefix),
  },
  {
    header: 'Repositories',
    width: '92px',
    align: 'right',
    cell: ({ repositoryCount }) => repositoryCount.toLocaleString(),
  },
  {
    header: 'Vanished',
    width: '100px',
    cell: ({ vanishedCount }) =>
      vanishedCount === 0 ? '' : <StateMark tone="late">{vanishedCount.toLocaleString()}</StateMark>,
  },
  {
    header: 'Last run',
    width: '110px',
    cell: ({ lastRun }) => (lastRun === null ? 'never' : <TaskState state={lastRun.state} />),
  },
  {
    header: 'Next run',
    width: '110px',
    cell: ({ nextRunAts: [next] }) => <When at={next} none="by hand" />,
  },
];

const route = getRouteApi('/rules/');

export function RulesPage() {
  const { edit } = route.useSearch();
  const navigate = route.useNavigate();
  const may = useMay();
  const pages = usePages(Rules, { first: 100 }, (data) => data.mirrorRules);
  const open = (name: string) => void navigate({ to: '/rules/$name', params: { name } });
  const create = may('MAINTAINER') ? (
    <Button leftSection={<IconPlus size={16} />} onClick={() => void navigate({ search: { edit: 'new' } })}>
      New mirror rule
    </Button>
  ) : null;
  return (
    <ListPage
      label="Mirror rules"
      pages={pages}
      columns={columns}
      keyOf={({ id }) => id}
      onOpen={({ name }) => open(name)}
      action={create}
      empty={
        <Empty title="No mirror rule yet" action={create}>
          A mirror rule mirrors many repositories of one registry: it finds them, creates those that are new,
          and syncs them all.
        </Empty>
      }
    >
      {edit === undefined ? null : (
        <RuleDialog
          id={undefined}
          onClose={(name) => (name === undefined ? void navigate({ search: {} }) : open(name))}
        />
      )}
    </ListPage>
  );
}
