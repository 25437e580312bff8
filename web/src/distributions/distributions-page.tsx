import { Link, getRouteApi } from '@tanstack/react-router';
import { graphql } from '../graphql/graphql.ts';
import type { ResultOf } from '../graphql/graphql.ts';
import { usePages } from '../graphql/use-pages.ts';
import type { Column } from '../shared/data-table.tsx';
import { EditableListPage } from '../shared/editable-list-page.tsx';
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
  const pages = usePages(Distributions, { first: 100 }, (data) => data.distributions);
  return (
    <EditableListPage
      label="Distributions"
      noun="distribution"
      pages={pages}
      columns={columns}
      nameOf={({ basePath }) => basePath}
      edit={edit}
      onEdit={(id) => void navigate({ search: id === undefined ? {} : { edit: id } })}
      emptyTitle="No distribution yet"
      emptyText="A distribution is a base path that clients pull from. Each repository gets one at its own name; further ones can pin a version, for example for production."
      dialog={(id, onClose) => <DistributionDialog id={id} onClose={onClose} />}
    />
  );
}
