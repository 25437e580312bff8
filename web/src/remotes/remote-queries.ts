import { graphql } from '../graphql/graphql.ts';

/** The settings that the forms of remotes, mirror rules and proxies share. */
export const RemoteSettings = graphql(`
  fragment RemoteSettings on RemoteSettings @_unmask {
    username
    policy
    includeTags
    excludeTags
    includeTagPatterns
    excludeTagPatterns
    semverRanges
    semverSuffix
    semverPrereleases
    immutableTags
    platforms
    newestTags {
      count
      order
      per
    }
    minimumAgeSeconds
    downloadConcurrency
    rateLimit
    bytesPerSecond
    syncWindows
    reserveRequests
    proxyUrl
    sslValidation
    sslCaCertificate
    tagFailures
    credential {
      id
      name
    }
    fallbacks {
      url
      upstreamName
      proxyUrl
      sslCaCertificate
      sslValidation
      credential {
        id
      }
    }
    signaturePolicy {
      id
      name
    }
  }
`);

export const RemoteQuery = graphql(
  `
    query Remote($id: ID!, $known: Boolean!) {
      remote(id: $id) @include(if: $known) {
        id
        name
        url
        upstreamName
        hasPassword
        ...RemoteSettings
      }
      credentials(first: 100) {
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
  `,
  [RemoteSettings],
);

export const CreateRemote = graphql(`
  mutation CreateRemote($input: RemoteCreateInput!) {
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

export const UpdateRemote = graphql(`
  mutation UpdateRemote($input: RemoteUpdateInput!) {
    remoteUpdate(input: $input) {
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

export const DeleteRemote = graphql(`
  mutation DeleteRemote($input: RemoteDeleteInput!) {
    remoteDelete(input: $input) {
      deletedId
      userErrors {
        code
        field
        message
      }
    }
  }
`);

export const TestRemote = graphql(`
  mutation TestRemote($input: RemoteTestInput!) {
    remoteTest(input: $input) {
      test {
        passed
        answeredInMs
        rateLimit {
          limit
          remaining
        }
        steps {
          name
          outcome
          code
          message
        }
      }
      userErrors {
        code
        field
        message
      }
    }
  }
`);
