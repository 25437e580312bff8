import { Button } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { IconPlus } from '../frame/icons.ts';
import { graphql } from '../graphql/graphql.ts';
import type { ResultOf } from '../graphql/graphql.ts';
import { usePages } from '../graphql/use-pages.ts';
import { useMay } from '../session/viewer.ts';
import { Chips } from '../shared/facts.tsx';
import type { Column } from '../shared/data-table.tsx';
import { Empty } from '../shared/empty.tsx';
import { ListPage } from '../shared/list-page.tsx';
import { When } from '../shared/when.tsx';
import { ProxyDialog } from './proxy-dialog.tsx';

const Proxies = graphql(`
  query Proxies($first: Int!, $after: String) {
    proxies(first: $first, after: $after) {
      totalCount
      pageInfo {
        endCursor
        hasNextPage
      }
      nodes {
        id
        basePath
        url
        namespaces
        repositoryCount
        repositoriesAtMost
        updatedAt
      }
    }
  }
`);

type Proxy = ResultOf<typeof Proxies>['proxies']['nodes'][number];

const columns: readonly Column<Proxy>[] = [
  { header: 'Base path', width: 'minmax(140px, 1fr)', cell: ({ basePath }) => <b>{basePath}</b> },
  {
    header: 'Registry',
    width: 'minmax(180px, 1.4fr)',
    cell: ({ url }) => url.replace(/^https?:\/\//, ''),
  },
  {
    header: 'Image names',
    width: 'minmax(140px, 1fr)',
    cell: ({ namespaces }) => <Chips texts={namespaces} none="–" />,
  },
  {
    header: 'Repositories',
    width: '130px',
    align: 'right',
    cell: ({ repositoryCount, repositoriesAtMost }) =>
      `${repositoryCount.toLocaleString()} of ${repositoriesAtMost.toLocaleString()}`,
  },
  { header: 'Changed', width: '110px', cell: ({ updatedAt }) => <When at={updatedAt} /> },
];

const route = getRouteApi('/proxies/');

export function ProxiesPage() {
  const { edit } = route.useSearch();
  const navigate = route.useNavigate();
  const may = useMay();
  const pages = usePages(Proxies, { first: 100 }, (data) => data.proxies);
  const open = (_splat: string) => void navigate({ to: '/proxies/$', params: { _splat } });
  const create = may('MAINTAINER') ? (
    <Button leftSection={<IconPlus size={16} />} onClick={() => void navigate({ search: { edit: 'new' } })}>
      New proxy
    </Button>
  ) : null;
  return (
    <ListPage
      label="Proxies"
      pages={pages}
      columns={columns}
      keyOf={({ id }) => id}
      onOpen={({ basePath }) => open(basePath)}
      action={create}
      empty={
        <Empty title="No proxy yet" action={create}>
          A proxy serves the repositories of a registry below a base path, and makes each one at its first
          pull.
        </Empty>
      }
    >
      {edit === undefined ? null : (
        <ProxyDialog
          id={undefined}
          onClose={(saved) => (saved === undefined ? void navigate({ search: {} }) : open(saved))}
        />
      )}
    </ListPage>
  );
}
