import type { RegistryProfile } from './profile.ts';
import { relativeLink } from './tag-pages.ts';

export const dockerHub: RegistryProfile = {
  name: 'Docker Hub',
  upstreamName: 'library/app',
  auth: {
    kind: 'bearer',
    // another host of the same domain: auth.docker.io beside registry-1.docker.io ("Docker Hub pull usage and limits", docs.docker.com)
    at: 'port',
    path: '/token',
    service: 'registry.docker.io',
    scope: (resource, name) => (resource === 'ping' ? undefined : `repository:${name}:pull`),
    field: 'both',
    // the life of its tokens: inferred from the 300 s that its answers name
    expiresIn: 300,
  },
  tags: {
    // gadievron/raptor#495: pages with a Link that has to be followed
    link: relativeLink,
  },
  manifests: {
    // "Docker Hub pull usage and limits", docs.docker.com: RateLimit headers on GET and HEAD; a GET is a pull, a HEAD is not
    countedGets: 100,
    // inferred: the entity tag is the quoted digest
    entityTag: true,
  },
  blobs: {
    // 307 to a host of its content network with a signed query (DeyiXu/go-docker-proxy, AWS_REDIRECT_FIX.md)
    redirect: {
      status: 307,
      target: (digest) =>
        `/registry-v2/docker/registry/v2/blobs/sha256/${digest.slice(7, 9)}/${digest.slice(7)}/data?expires=1790000000&signature=a%2Fb%2Bc%3D&version=2`,
    },
  },
  // awslabs/soci-snapshotter#1828: the referrers API since autumn 2025
  referrers: { kind: 'api' },
  headers: { 'docker-distribution-api-version': 'registry/2.0' },
};
