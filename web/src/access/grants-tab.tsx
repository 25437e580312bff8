import { graphql } from '../graphql/graphql.ts';
import type { ResultOf } from '../graphql/graphql.ts';
import { usePages } from '../graphql/use-pages.ts';
import { useMay } from '../session/viewer.ts';
import type { Column } from '../shared/data-table.tsx';
import { When } from '../shared/when.tsx';
import { AccessList } from './access-list.tsx';
import { NewGrant } from './new-grant.tsx';
import { RevokeGrant } from './revoke-grant.tsx';

const Grants = graphql(`
  query Grants($first: Int!, $after: String) {
    grants(first: $first, after: $after) {
      totalCount
      pageInfo {
        endCursor
        hasNextPage
      }
      nodes {
        id
        role
        scope
        createdAt
        oidcGroup
        oidcSubject
        token {
          id
          name
        }
      }
    }
  }
`);

type Grant = ResultOf<typeof Grants>['grants']['nodes'][number];

function holder({ token, oidcGroup, oidcSubject }: Grant): string {
  if (token !== null) return `token ${token.name}`;
  if (oidcGroup !== null) return `group ${oidcGroup}`;
  return oidcSubject === null ? 'a token' : `subject ${oidcSubject}`;
}

const columns: readonly Column<Grant>[] = [
  { header: 'Holder', width: 'minmax(160px, 2fr)', cell: (grant) => <b>{holder(grant)}</b> },
  { header: 'Role', width: '110px', cell: ({ role }) => role.toLowerCase() },
  { header: 'For', width: 'minmax(120px, 1fr)', cell: ({ scope }) => (scope === '*' ? 'everything' : scope) },
  { header: 'Since', width: '120px', cell: ({ createdAt }) => <When at={createdAt} /> },
  {
    header: 'Actions',
    width: '110px',
    cell: (grant) => (
      <RevokeGrant
        id={grant.id}
        question={`${holder(grant)} loses the role ${grant.role.toLowerCase()} for ${grant.scope}.`}
      />
    ),
  },
];

export function GrantsTab() {
  const may = useMay();
  const pages = usePages(Grants, { first: 100 }, (data) => data.grants);
  return (
    <AccessList
      label="Grants"
      noun="grant"
      pages={pages}
      columns={columns}
      mayCreate={may('ADMIN')}
      emptyText="A grant gives a role for some names to a token, or to a subject or group of the OIDC issuer."
      dialog={(onClose) => <NewGrant onClose={onClose} />}
    />
  );
}
