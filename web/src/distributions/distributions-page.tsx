import { Button } from '@mantine/core';
import { Link, getRouteApi } from '@tanstack/react-router';
import { IconPlus } from '../frame/icons.ts';
import { graphql } from '../graphql/graphql.ts';
import type { ResultOf } from '../graphql/graphql.ts';
import { usePages } from '../graphql/use-pages.ts';
import { useMay } from '../session/viewer.ts';
import type { Column } from '../shared/data-table.tsx';
import { Empty } from '../shared/empty.tsx';
import { ListPage } from '../shared/list-page.tsx';
import { When } from '../shared/when.tsx';
import { DistributionDialog } from './distribution-dialog.tsx';

const Distributions = graphql(`
  query Distributions($first: Int!, $after: String) {
    distributions(first: $first, after: $after) {
      totalCount
      pageInfo {
        endCursor
        hasNextPage
      }
      nodes {
        id
        basePath
        private
        pullThrough
        updatedAt
        repository {
          id
          name
        }
        version {
          id
          number
        }
      }
    }
  }
`);

type Distribution = ResultOf<typeof Distributions>['distributions']['nodes'][number];

const columns: readonly Column<Distribution>[] = [
  { header: 'Base path', width: 'minmax(160px, 1.4fr)', cell: ({ basePath }) => <b>{basePath}</b> },
  {
    header: 'Serves',
    width: 'minmax(160px, 1.4fr)',
    cell: ({ repository }) =>
      repository === null ? (
        '–'
      ) : (
        <Link to="/repositories/$" params={{ _splat: repository.name }}>
          {repository.name}
        </Link>
      ),
  },
  {
    header: 'Version',
    width: '110px',
    cell: ({ version }) => (version === null ? 'the latest' : `pinned to v${version.number}`),
  },
  { header: 'Access', width: '80px', cell: (row) => (row.private ? 'private' : 'public') },
  { header: 'Pull-through', width: '96px', cell: ({ pullThrough }) => (pullThrough ? 'on' : 'off') },
  { header: 'Changed', width: '110px', cell: ({ updatedAt }) => <When at={updatedAt} /> },
];

const route = getRouteApi('/distributions');

export function DistributionsPage() {
  const { edit } = route.useSearch();
  const navigate = route.useNavigate();
  const may = useMay();
  const pages = usePages(Distributions, { first: 100 }, (data) => data.distributions);
  const create = may('MAINTAINER') ? (
    <Button leftSection={<IconPlus size={16} />} onClick={() => void navigate({ search: { edit: 'new' } })}>
      New distribution
    </Button>
  ) : null;
  return (
    <ListPage
      label="Distributions"
      pages={pages}
      columns={columns}
      keyOf={({ id }) => id}
      onOpen={
        may('MAINTAINER')
          ? ({ id, basePath }) => {
              if (may('MAINTAINER', basePath)) void navigate({ search: { edit: id } });
            }
          : undefined
      }
      action={create}
      empty={
        <Empty title="No distribution yet" action={create}>
          A distribution is a base path that clients pull from. Each repository gets one at its own name;
          further ones can pin a version, for example for production.
        </Empty>
      }
    >
      {edit === undefined ? null : (
        <DistributionDialog
          key={edit}
          id={edit === 'new' ? undefined : edit}
          onClose={() => void navigate({ search: {} })}
        />
      )}
    </ListPage>
  );
}
