import type { RegistryProfile } from './profile.ts';
import { relativeLink } from './tag-pages.ts';

/** google/go-containerregistry#897: a map from digests to what is known of them, and the names of child repositories. */
function googleFields(names: readonly string[]): object {
  return {
    child: ['nested'],
    manifest: {
      'sha256:0000000000000000000000000000000000000000000000000000000000000000': {
        imageSizeBytes: '2000',
        layerId: '',
        mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
        tag: names,
        timeCreatedMs: '0',
        timeUploadedMs: '1790000000000',
      },
    },
  };
}

const storageRedirect = {
  // containerd/containerd#4379 and others show 302 to storage with a signature; the fields are inferred
  status: 302,
  target: (digest: string) =>
    `/artifacts-downloads/namespaces/p/repositories/r/downloads/AB%2Bcd%3D%3D?digest=${encodeURIComponent(digest)}&response-content-disposition=attachment%3B%20filename%3D%22x%22`,
};

export const artifactRegistry: RegistryProfile = {
  name: 'Google Artifact Registry',
  upstreamName: 'project/images/app',
  auth: {
    kind: 'bearer',
    path: '/v2/token',
    // inferred from containerd/containerd#4379, which shows the same of gcr.io
    service: '',
    scope: (resource, name) => (resource === 'ping' ? undefined : `repository:${name}:pull`),
    // "Configure authentication to Artifact Registry for Docker", cloud.google.com: _json_key, _json_key_base64 or oauth2accesstoken
    username: '_json_key_base64',
    expiresIn: 3600,
  },
  // google/go-containerregistry#1643: pages of about 1000
  tags: { link: relativeLink, extra: googleFields },
  blobs: { redirect: storageRedirect },
  // renovatebot/renovate discussion 44637: attachments by the referrers API
  referrers: { kind: 'api' },
  remote: { username: '_json_key_base64' },
};

export const gcr: RegistryProfile = {
  name: 'Google Container Registry',
  upstreamName: 'project/app',
  auth: {
    kind: 'bearer',
    path: '/v2/token',
    // containerd/containerd#4379
    service: 'gcr.io',
    // heroku/docker-registry-client#28: the ping names no scope
    scope: (resource, name) => (resource === 'ping' ? undefined : `repository:${name}:pull`),
    // public repositories are open; that the ping alone asks for a token is inferred
    open: ['tags', 'manifests', 'blobs', 'referrers'],
  },
  // google/go-containerregistry#897: no paging
  tags: { extra: googleFields },
  blobs: { redirect: storageRedirect },
  referrers: {
    // awslabs/soci-snapshotter, docs/registry.md: the referrers API leads to a login page
    kind: 'redirect',
    status: 302,
    elsewhere: {
      status: 200,
      contentType: 'text/html; charset=utf-8',
      body: '<!doctype html><title>Sign in</title>',
    },
  },
};

export const kubernetes: RegistryProfile = {
  name: 'registry.k8s.io',
  upstreamName: 'pause',
  // kubernetes/registry.k8s.io, cmd/archeio/internal/app/handlers.go: all but the ping goes elsewhere by 307, a token is a trace id
  redirectsTo: 'k8s-artifacts-prod/images/',
  auth: {
    kind: 'bearer',
    path: '/token',
    service: 'registry.k8s.io',
    scope: () => undefined,
    needs: () => undefined,
    open: ['tags', 'manifests', 'blobs', 'referrers'],
    expiresIn: 3600,
  },
  tags: { extra: googleFields },
  blobs: {
    redirect: {
      status: 307,
      target: (digest) => `/containers/images/${digest}?rid=0af7651916cd43dd8448eb211c80319c`,
    },
  },
  // kubernetes/k8s.io#6983: "we don't support the referrers API because Artifact Registry does not"
  referrers: { kind: 'fallback-tag', status: 404 },
};
