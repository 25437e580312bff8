import type { RegistryProfile } from './profile.ts';

export const ghcr: RegistryProfile = {
  name: 'GitHub Container Registry',
  upstreamName: 'acme/app',
  auth: {
    kind: 'bearer',
    path: '/token',
    service: 'ghcr.io',
    // cloudflare/serverless-registry#148: the ping names the scope of a placeholder, which the token service refuses with 403
    scope: (resource, name) => `repository:${resource === 'ping' ? 'user/image' : name}:pull`,
  },
  tags: {
    // linyows/dewy#320: 100 names without n, then Link; gardener/cc-utils#1557
    link: ({ path, n, last }) => `<${path}?last=${encodeURIComponent(last)}&n=${n}>; rel="next"`,
  },
  // Mic92/niks3#229: "OCI index found, but Accept header does not support OCI indexes", a 404
  manifests: { needsAccept: true },
  blobs: {
    // inferred: 307 to its blob host with an Azure-like signed query
    redirect: {
      status: 307,
      target: (digest) =>
        `/ghcr1/blobs/${digest}?se=2026-11-28T18%3A10%3A00Z&sig=Zm9v%2BYmFy%2FYQ%3D%3D&ske=x&sp=r&sr=b`,
    },
  },
  referrers: {
    // artifacthub/hub#4785: 303 to a web API of another host, which answers 429 for hours; the form of its body is inferred
    kind: 'redirect',
    status: 303,
    elsewhere: { status: 429, contentType: 'application/json', body: '{"message":"Too many requests"}' },
  },
};
