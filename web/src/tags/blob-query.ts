import { graphql } from '../graphql/graphql.ts';

/** A blob's content as text; null where it is none. */
export const BlobTextQuery = graphql(`
  query BlobText($id: ID!) {
    node(id: $id) {
      __typename
      id
      ... on Blob {
        text
      }
    }
  }
`);
