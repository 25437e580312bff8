import { getRouteApi } from '@tanstack/react-router';
import { graphql } from '../graphql/graphql.ts';
import type { ResultOf } from '../graphql/graphql.ts';
import { usePages } from '../graphql/use-pages.ts';
import type { Column } from '../shared/data-table.tsx';
import { EditableListPage } from '../shared/editable-list-page.tsx';
import shared from '../shared/shared.module.css';
import { When } from '../shared/when.tsx';
import { RemoteDialog } from './remote-dialog.tsx';

const Remotes = graphql(`
  query Remotes($first: Int!, $after: String) {
    remotes(first: $first, after: $after) {
      totalCount
      pageInfo {
        endCursor
        hasNextPage
      }
      nodes {
        id
        name
        url
        upstreamName
        policy
        updatedAt
        includeTags
        semverRanges
        platforms
        hasPassword
      }
    }
  }
`);

type Remote = ResultOf<typeof Remotes>['remotes']['nodes'][number];

const columns: readonly Column<Remote>[] = [
  { header: 'Name', width: 'minmax(140px, 1fr)', cell: ({ name }) => <b>{name}</b> },
  {
    header: 'Upstream',
    width: 'minmax(200px, 1.6fr)',
    cell: ({ url, upstreamName }) => `${url.replace(/^https?:\/\//, '')}/${upstreamName}`,
  },
  {
    header: 'Takes',
    width: 'minmax(150px, 1fr)',
    cell: ({ includeTags, semverRanges, platforms }) => (
      <span className={shared.chips}>
        {[...(includeTags ?? []), ...(semverRanges ?? []), ...(platforms ?? [])].slice(0, 4).map((each) => (
          <span key={each} className={shared.chip}>
            {each}
          </span>
        ))}
        {includeTags === null && semverRanges === null ? <span className={shared.dim}>every tag</span> : null}
      </span>
    ),
  },
  { header: 'Login', width: '90px', cell: ({ hasPassword }) => (hasPassword ? 'password' : 'none') },
  { header: 'Changed', width: '110px', cell: ({ updatedAt }) => <When at={updatedAt} /> },
];

const route = getRouteApi('/remotes');

export function RemotesPage() {
  const { edit } = route.useSearch();
  const navigate = route.useNavigate();
  const pages = usePages(Remotes, { first: 100 }, (data) => data.remotes);
  return (
    <EditableListPage
      label="Remotes"
      noun="remote"
      pages={pages}
      columns={columns}
      nameOf={({ name }) => name}
      edit={edit}
      onEdit={(id) => void navigate({ search: id === undefined ? {} : { edit: id } })}
      emptyTitle="No remote yet"
      emptyText="A remote names a repository of another registry: its address, the tags to take, and the login."
      dialog={(id, onClose) => <RemoteDialog id={id} onClose={onClose} />}
    />
  );
}
