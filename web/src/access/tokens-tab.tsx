import { graphql } from '../graphql/graphql.ts';
import type { ResultOf } from '../graphql/graphql.ts';
import { usePages } from '../graphql/use-pages.ts';
import type { Column } from '../shared/data-table.tsx';
import { StateMark } from '../shared/state-mark.tsx';
import { When } from '../shared/when.tsx';
import { AccessList } from './access-list.tsx';
import { NewToken } from './new-token.tsx';
import { RevokeToken } from './revoke-token.tsx';

const Tokens = graphql(`
  query Tokens($first: Int!, $after: String) {
    tokens(first: $first, after: $after) {
      totalCount
      pageInfo {
        endCursor
        hasNextPage
      }
      nodes {
        id
        name
        createdAt
        expiresAt
        revokedAt
      }
    }
  }
`);

type Token = ResultOf<typeof Tokens>['tokens']['nodes'][number];

const columns: readonly Column<Token>[] = [
  { header: 'Name', width: 'minmax(160px, 2fr)', cell: ({ name }) => <b>{name}</b> },
  {
    header: 'State',
    width: '110px',
    cell: ({ revokedAt, expiresAt }) =>
      revokedAt !== null ? (
        <StateMark tone="rest">revoked</StateMark>
      ) : Date.parse(expiresAt) < Date.now() ? (
        <StateMark tone="late">expired</StateMark>
      ) : (
        <StateMark tone="good">valid</StateMark>
      ),
  },
  { header: 'Created', width: '120px', cell: ({ createdAt }) => <When at={createdAt} /> },
  { header: 'Expires', width: '120px', cell: ({ expiresAt }) => <When at={expiresAt} /> },
  {
    header: 'Actions',
    width: '110px',
    cell: ({ id, name, revokedAt }) => (revokedAt === null ? <RevokeToken id={id} name={name} /> : null),
  },
];

export function TokensTab() {
  const pages = usePages(Tokens, { first: 100 }, (data) => data.tokens);
  return (
    <AccessList
      label="Tokens"
      noun="token"
      pages={pages}
      columns={columns}
      mayCreate
      emptyText="A token logs a person or a program in: here, on the command line, and with docker login as the password."
      dialog={(onClose) => <NewToken onClose={onClose} />}
    />
  );
}
