import { graphql } from '../graphql/graphql.ts';

export const CreateRepository = graphql(`
  mutation NewMirrorRepository($input: RepositoryCreateInput!) {
    repositoryCreate(input: $input) {
      repository {
        id
        name
      }
      userErrors {
        code
        field
        message
      }
    }
  }
`);
