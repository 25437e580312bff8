import { graphql } from '../graphql/graphql.ts';

export const PolicyQuery = graphql(`
  query Policy($id: ID!, $known: Boolean!) {
    signaturePolicy(id: $id) @include(if: $known) {
      id
      name
      dockerReference
      identities {
        issuer
        subject
      }
      keys
      openPgpKeys
      onFailure
    }
  }
`);

export const CreatePolicy = graphql(`
  mutation CreatePolicy($input: SignaturePolicyCreateInput!) {
    signaturePolicyCreate(input: $input) {
      signaturePolicy {
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

export const UpdatePolicy = graphql(`
  mutation UpdatePolicy($input: SignaturePolicyUpdateInput!) {
    signaturePolicyUpdate(input: $input) {
      signaturePolicy {
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

export const DeletePolicy = graphql(`
  mutation DeletePolicy($input: SignaturePolicyDeleteInput!) {
    signaturePolicyDelete(input: $input) {
      deletedId
      userErrors {
        code
        field
        message
      }
    }
  }
`);
