import { graphql } from '../graphql/graphql.ts';

export const CreateRemote = graphql(`
  mutation NewMirrorRemote($input: RemoteCreateInput!) {
    remoteCreate(input: $input) {
      remote {
        id
      }
      userErrors {
        code
        field
        message
      }
    }
  }
`);

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

export const DeleteRemote = graphql(`
  mutation NewMirrorUndo($input: RemoteDeleteInput!) {
    remoteDelete(input: $input) {
      deletedId
    }
  }
`);
