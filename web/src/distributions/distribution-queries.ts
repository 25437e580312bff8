import { graphql } from '../graphql/graphql.ts';

export const DistributionQuery = graphql(`
  query Distribution($id: ID!, $known: Boolean!) {
    distribution(id: $id) @include(if: $known) {
      id
      basePath
      private
      pullThrough
      tagTtlSeconds
      repository {
        id
        name
        latestVersion {
          id
          number
        }
      }
      version {
        id
        number
      }
      signaturePolicy {
        id
      }
      moves(first: 10) {
        nodes {
          movedAt
          fromVersionNumber
          toVersionNumber
          toRepository {
            id
            name
          }
        }
      }
    }
    repositories(first: 100) {
      nodes {
        id
        name
      }
    }
    signaturePolicies(first: 100) {
      nodes {
        id
        name
      }
    }
  }
`);

export const CreateDistribution = graphql(`
  mutation CreateDistribution($input: DistributionCreateInput!) {
    distributionCreate(input: $input) {
      distribution {
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

export const UpdateDistribution = graphql(`
  mutation UpdateDistribution($input: DistributionUpdateInput!) {
    distributionUpdate(input: $input) {
      distribution {
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

export const PointDistribution = graphql(`
  mutation PointDistribution($input: DistributionPointInput!) {
    distributionPoint(input: $input) {
      distribution {
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

export const DeleteDistribution = graphql(`
  mutation DeleteDistribution($input: DistributionDeleteInput!) {
    distributionDelete(input: $input) {
      deletedId
      userErrors {
        code
        field
        message
      }
    }
  }
`);
