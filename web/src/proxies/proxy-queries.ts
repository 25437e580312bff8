import { graphql } from '../graphql/graphql.ts';

/** The settings that the form changes: those of the remotes as remotes/remote-queries.ts has them, and the proxy's own. */
export const ProxySettings = graphql(`
  fragment ProxySettings on Proxy @_unmask {
    basePath
    url
    namespaces
    includeRepositories
    excludeRepositories
    repositoriesAtMost
    tagTtlSeconds
    notFoundTtlSeconds
    cacheBytes
    private
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

/** All that the form shows. */
export const ProxyFormQuery = graphql(
  `
    query ProxyForm($id: ID!, $known: Boolean!) {
      proxy(id: $id) @include(if: $known) {
        id
        ...ProxySettings
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
  [ProxySettings],
);

export const CreateProxy = graphql(`
  mutation CreateProxy($input: ProxyCreateInput!) {
    proxyCreate(input: $input) {
      proxy {
        id
        basePath
      }
      userErrors {
        code
        field
        message
      }
    }
  }
`);

export const UpdateProxy = graphql(`
  mutation UpdateProxy($input: ProxyUpdateInput!) {
    proxyUpdate(input: $input) {
      proxy {
        id
        basePath
      }
      userErrors {
        code
        field
        message
      }
    }
  }
`);

export const DeleteProxy = graphql(`
  mutation DeleteProxy($input: ProxyDeleteInput!) {
    proxyDelete(input: $input) {
      deletedId
      userErrors {
        code
        field
        message
      }
    }
  }
`);
