import type { RegistryProfile } from './profile.ts';
import { relativeLink } from './tag-pages.ts';

export const gitea: RegistryProfile = {
  name: 'Gitea and Forgejo',
  upstreamName: 'acme/app',
  auth: {
    kind: 'bearer',
    // go-gitea/gitea, routers/api/packages/container/container.go: a realm without service and scope, and a second challenge, Basic
    path: '/v2/token',
    scope: () => undefined,
    needs: () => undefined,
    alsoChallenges: 'Basic',
  },
  // the same file: n and last are honored, and no Link tells of a further page
  tags: { withoutLink: true },
  // the same file: ETag is the quoted digest, on GET and HEAD; If-None-Match is not looked at
  // no route for referrers in routers/api/packages/api.go; the form of the answer is inferred
  notFound: 'text',
  referrers: { kind: 'fallback-tag', status: 404 },
  headers: { 'docker-distribution-api-version': 'registry/2.0' },
};

export const distribution2: RegistryProfile = {
  name: 'Distribution 2.8',
  upstreamName: 'acme/app',
  auth: { kind: 'none' },
  // distribution/distribution#1936, #3143: n and last are ignored, names are not sorted
  tags: { order: 'newest' },
  manifests: { entityTag: true },
  notFound: 'text',
  // oras-project/rust-oci-client#259
  referrers: { kind: 'fallback-tag', status: 404 },
  headers: { 'docker-distribution-api-version': 'registry/2.0' },
};

export const distribution3: RegistryProfile = {
  ...distribution2,
  name: 'Distribution 3',
  auth: {
    kind: 'basic',
    // "Configuring a registry", distribution.github.io: htpasswd
    challenge: 'Basic realm="Registry"',
    username: 'mirror',
  },
  tags: {
    // distribution/distribution, registry/handlers/tags.go
    link: relativeLink,
    // distribution/distribution#4844
    refusesAbove: { n: 1000, status: 400, code: 'PAGINATION_NUMBER_INVALID' },
  },
  remote: { username: 'mirror' },
};

export const zot: RegistryProfile = {
  name: 'zot',
  upstreamName: 'acme/app',
  // project-zot/zot, pkg/api/routes.go: a realm without quotes
  auth: { kind: 'basic', challenge: 'basic realm=zot', username: 'mirror' },
  // the same file, releases before 1.4.4: an address without angle brackets; newer ones write it as specified (project-zot/zot#1777)
  tags: { link: relativeLink },
  referrers: { kind: 'api' },
  remote: { username: 'mirror' },
};

export const tidemark: RegistryProfile = {
  name: 'Tidemark',
  upstreamName: 'acme/app',
  auth: {
    kind: 'bearer',
    // src/api/distribution/authorise.ts
    path: '/token',
    service: 'tidemark',
    scope: (resource, name) => (resource === 'ping' ? undefined : `repository:${name}:pull`),
    username: 'token',
    field: 'both',
    expiresIn: 300,
  },
  tags: { link: relativeLink },
  manifests: { entityTag: true },
  referrers: { kind: 'api' },
  remote: { username: 'token' },
};
