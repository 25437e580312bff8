import { graphql } from '../graphql/graphql.ts';

export const CredentialQuery = graphql(`
  query Credential($id: ID!, $known: Boolean!) {
    credential(id: $id) @include(if: $known) {
      id
      name
      kind
      hosts
      username
      hasSecret
      configFile
      helper
      region
      roleArn
      clientId
    }
  }
`);

export const CreateCredential = graphql(`
  mutation CreateCredential($input: CredentialCreateInput!) {
    credentialCreate(input: $input) {
      credential {
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

export const UpdateCredential = graphql(`
  mutation UpdateCredential($input: CredentialUpdateInput!) {
    credentialUpdate(input: $input) {
      credential {
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

export const DeleteCredential = graphql(`
  mutation DeleteCredential($input: CredentialDeleteInput!) {
    credentialDelete(input: $input) {
      deletedId
      userErrors {
        code
        field
        message
      }
    }
  }
`);
