import type { RegistryProfile } from './profile.ts';

export const gitlab: RegistryProfile = {
  name: 'GitLab',
  upstreamName: 'group/project/app',
  auth: {
    kind: 'bearer',
    // oras-project/oras-go#1396: https://gitlab.com/jwt/auth?service=container_registry; on installations of one's own often another domain
    at: 'foreign',
    path: '/jwt/auth',
    service: 'container_registry',
    scope: (resource, name) => (resource === 'ping' ? undefined : `repository:${name}:pull`),
    // "Authenticate with the container registry", docs.gitlab.com: deploy and access tokens; tokens live 5 minutes
    username: 'deploy-token',
    expiresIn: 300,
  },
  tags: {
    // gitlab-org/container-registry follows distribution's form; that its address ends in a slash is inferred
    link: ({ path, n, last }) => `<${path}?n=${n}&last=${encodeURIComponent(last)}>; rel="next"`,
  },
  blobs: {
    // inferred: 307 to object storage
    redirect: {
      status: 307,
      target: (digest) =>
        `/gitlab-registry/${digest.slice(7)}/data?GoogleAccessId=x%40y&Expires=1790000000&Signature=a%2Bb%2F%3D`,
    },
  },
  // oras-project/oras-go#1396: 404, and the tag sha256-<hex> resolves to sha256:<hex>; gitlab-org/container-registry#1205
  referrers: { kind: 'phantom', status: 404 },
  remote: { username: 'deploy-token', realmHosts: ['127.0.0.2'] },
};
