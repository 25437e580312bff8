import { getRouteApi } from '@tanstack/react-router';
import { graphql } from '../graphql/graphql.ts';
import type { ResultOf } from '../graphql/graphql.ts';
import { usePages } from '../graphql/use-pages.ts';
import type { Column } from '../shared/data-table.tsx';
import { EditableListPage } from '../shared/editable-list-page.tsx';
import { When } from '../shared/when.tsx';
import { CredentialDialog } from './credential-dialog.tsx';
import { kinds } from './credential-values.ts';

const Credentials = graphql(`
  query Credentials($first: Int!, $after: String) {
    credentials(first: $first, after: $after) {
      totalCount
      pageInfo {
        endCursor
        hasNextPage
      }
      nodes {
        id
        name
        kind
        hosts
        username
        configFile
        helper
        region
        roleArn
        clientId
        updatedAt
      }
    }
  }
`);

type Credential = ResultOf<typeof Credentials>['credentials']['nodes'][number];

const columns: readonly Column<Credential>[] = [
  { header: 'Name', width: 'minmax(140px, 1fr)', cell: ({ name }) => <b>{name}</b> },
  {
    header: 'From',
    width: 'minmax(180px, 1fr)',
    cell: ({ kind }) => kinds.find(({ value }) => value === kind)?.label,
  },
  {
    header: 'Login',
    width: 'minmax(160px, 1fr)',
    cell: ({ username, configFile, helper, region, roleArn, clientId }) =>
      username ?? configFile ?? helper ?? roleArn ?? region ?? clientId,
  },
  { header: 'Hosts', width: 'minmax(160px, 1fr)', cell: ({ hosts }) => hosts?.join(', ') },
  { header: 'Changed', width: '110px', cell: ({ updatedAt }) => <When at={updatedAt} /> },
];

const route = getRouteApi('/credentials');

export function CredentialsPage() {
  const { edit } = route.useSearch();
  const navigate = route.useNavigate();
  const pages = usePages(Credentials, { first: 100 }, (data) => data.credentials);
  return (
    <EditableListPage
      label="Credentials"
      noun="credential"
      pages={pages}
      columns={columns}
      nameOf={({ name }) => name}
      edit={edit}
      onEdit={(id) => void navigate({ search: id === undefined ? {} : { edit: id } })}
      emptyTitle="No credential yet"
      emptyText="A credential is a login at registries that several remotes share: a user name and password, or an identity of the server."
      dialog={(id, onClose) => <CredentialDialog id={id} onClose={onClose} />}
    />
  );
}
