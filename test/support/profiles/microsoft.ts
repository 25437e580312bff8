import type { RegistryProfile } from './profile.ts';
import { relativeLink } from './tag-pages.ts';

/** distribution/distribution#3574, spring-attic/spring-cloud-dataflow#4634: a signed address of a blob store, with a double slash. */
function storageTarget(digest: string): string {
  const hex = digest.slice('sha256:'.length);
  return `/container//docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data?se=2026-11-28T11%3A17%3A13Z&sig=Ab%2BcD%2FeF%3D&sp=r&sr=b&sv=2018-03-28`;
}

export const acr: RegistryProfile = {
  name: 'Azure Container Registry',
  upstreamName: 'acme/app',
  auth: {
    kind: 'bearer',
    // Azure/acr#207
    path: '/oauth2/token',
    service: 'registry.example',
    // renovatebot/renovate#14708: the list of tags wants metadata_read, which a token to pull does not hold; the ping names no scope
    scope: (resource, name) => {
      if (resource === 'ping') return undefined;
      return `repository:${name}:${resource === 'tags' ? 'metadata_read' : 'pull'}`;
    },
    needs: (resource) => {
      if (resource === 'ping') return undefined;
      return resource === 'tags' ? 'metadata_read' : 'pull';
    },
    // Azure/acr docs/Token-BasicAuth.md: GET with Basic; a repository token's or service principal's name
    username: 'pull-token',
    field: 'access_token',
  },
  // CybercentreCanada/assemblyline-core#1147, Azure/acr#749: pages of at most 1000, whatever n is
  tags: { link: relativeLink },
  // Azure/acr#764: 404 where Accept lacks the type
  manifests: { needsAccept: true },
  blobs: { redirect: { status: 307, target: storageTarget } },
  // "Manage OCI artifacts and supply chain artifacts with ORAS", learn.microsoft.com
  referrers: { kind: 'api' },
  remote: { username: 'pull-token' },
};

export const mcr: RegistryProfile = {
  name: 'Microsoft Artifact Registry',
  upstreamName: 'dotnet/app',
  // microsoft/containerregistry, docs/mcr-endpoints-guidance.md: no login; data from hosts of a content network
  auth: { kind: 'none' },
  // inferred: all names in one answer
  tags: {},
  blobs: { redirect: { status: 307, target: storageTarget } },
  // inferred from Azure Container Registry, which it runs on
  referrers: { kind: 'api' },
};
