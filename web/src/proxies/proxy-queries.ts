import { graphql } from '../graphql/graphql.ts';
import { RemoteSettings } from '../remotes/remote-queries.ts';

/** The settings that the form changes: those of the remotes, and the proxy's own. */
export const ProxySettings = graphql(
  `
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
      ...RemoteSettings
    }
  `,
  [RemoteSettings],
);

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
