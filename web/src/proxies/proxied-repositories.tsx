import { graphql } from '../graphql/graphql.ts';
import type { ResultOf } from '../graphql/graphql.ts';
import { usePages } from '../graphql/use-pages.ts';
import { nameColumn, tagsColumn, versionColumn } from '../repositories/repository-columns.tsx';
import type { Column } from '../shared/data-table.tsx';
import { List } from '../shared/list-page.tsx';
import { Panel } from '../shared/panel.tsx';
import { When } from '../shared/when.tsx';

const Proxied = graphql(`
  query ProxiedRepositories($id: ID!, $first: Int!, $after: String) {
    repositories(first: $first, after: $after, proxyId: $id) {
      totalCount
      pageInfo {
        endCursor
        hasNextPage
      }
      nodes {
        id
        name
        updatedAt
        latestVersion {
          id
          number
          contentSummary {
            present {
              tags
            }
          }
        }
      }
    }
  }
`);

type Repository = ResultOf<typeof Proxied>['repositories']['nodes'][number];

const columns: readonly Column<Repository>[] = [
  nameColumn,
  versionColumn,
  tagsColumn,
  { header: 'Changed', width: '110px', cell: ({ updatedAt }) => <When at={updatedAt} /> },
];

/** The repositories that a proxy has made. */
export function ProxiedRepositories({ id, count }: { readonly id: string; readonly count: number }) {
  const pages = usePages(Proxied, { id, first: 100 }, (data) => data.repositories);
  return (
    <Panel title={`Repositories (${count.toLocaleString()})`}>
      <List
        label="Repositories of the proxy"
        pages={pages}
        columns={columns}
        keyOf={(row) => row.id}
        height="420px"
        empty="The first pull of a repository creates it."
      />
    </Panel>
  );
}
