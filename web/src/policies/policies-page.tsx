import { getRouteApi } from '@tanstack/react-router';
import { graphql } from '../graphql/graphql.ts';
import type { ResultOf } from '../graphql/graphql.ts';
import { usePages } from '../graphql/use-pages.ts';
import type { Column } from '../shared/data-table.tsx';
import { EditableListPage } from '../shared/editable-list-page.tsx';
import { When } from '../shared/when.tsx';
import { PolicyDialog } from './policy-dialog.tsx';

const Policies = graphql(`
  query Policies($first: Int!, $after: String) {
    signaturePolicies(first: $first, after: $after) {
      totalCount
      pageInfo {
        endCursor
        hasNextPage
      }
      nodes {
        id
        name
        onFailure
        keys
        openPgpKeys
        identities {
          issuer
          subject
        }
        updatedAt
      }
    }
  }
`);

type Policy = ResultOf<typeof Policies>['signaturePolicies']['nodes'][number];

const columns: readonly Column<Policy>[] = [
  { header: 'Name', width: 'minmax(140px, 1fr)', cell: ({ name }) => <b>{name}</b> },
  {
    header: 'Trusts',
    width: 'minmax(220px, 2fr)',
    cell: ({ keys, openPgpKeys, identities }) =>
      [
        keys.length > 0 ? `${keys.length} cosign keys` : '',
        openPgpKeys.length > 0 ? `${openPgpKeys.length} OpenPGP keys` : '',
        ...identities.map(({ subject }) => subject),
      ]
        .filter((each) => each !== '')
        .join(', '),
  },
  {
    header: 'Without a valid signature',
    width: '180px',
    cell: ({ onFailure }) => (onFailure === 'SKIP_TAG' ? 'the tag is skipped' : 'the sync fails'),
  },
  { header: 'Changed', width: '110px', cell: ({ updatedAt }) => <When at={updatedAt} /> },
];

const route = getRouteApi('/policies');

export function PoliciesPage() {
  const { edit } = route.useSearch();
  const navigate = route.useNavigate();
  const pages = usePages(Policies, { first: 100 }, (data) => data.signaturePolicies);
  return (
    <EditableListPage
      label="Policies"
      noun="policy"
      pages={pages}
      columns={columns}
      nameOf={({ name }) => name}
      edit={edit}
      onEdit={(id) => void navigate({ search: id === undefined ? {} : { edit: id } })}
      emptyTitle="No signature policy yet"
      emptyText="A signature policy names the keys and identities that must have signed an image before it is synced or served."
      dialog={(id, onClose) => <PolicyDialog id={id} onClose={onClose} />}
    />
  );
}
