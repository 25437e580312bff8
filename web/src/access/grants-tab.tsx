import { Button, Group } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlus } from '../frame/icons.ts';
import { graphql } from '../graphql/graphql.ts';
import type { ResultOf } from '../graphql/graphql.ts';
import { usePages } from '../graphql/use-pages.ts';
import { useMay } from '../session/viewer.ts';
import type { Column } from '../shared/data-table.tsx';
import { Empty } from '../shared/empty.tsx';
import { List } from '../shared/list-page.tsx';
import { When } from '../shared/when.tsx';
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
  const pages = usePages(Grants, { first: 100 }, (data) => data.grants);
  const [opened, { open, close }] = useDisclosure();
  const create = useMay()('ADMIN') ? (
    <Button leftSection={<IconPlus size={16} />} onClick={open}>
      New grant
    </Button>
  ) : null;
  return (
    <>
      {pages.total === 0 ? null : (
        <Group justify="flex-end" mb="sm">
          {create}
        </Group>
      )}
      <List
        label="Grants"
        pages={pages}
        columns={columns}
        keyOf={({ id }) => id}
        height="calc(100vh - 280px)"
        empty={
          <Empty title="No grant yet" action={create}>
            A grant gives a role for some names to a token, or to a subject or group of the OIDC issuer.
          </Empty>
        }
      />
      {opened ? <NewGrant onClose={close} /> : null}
    </>
  );
}
