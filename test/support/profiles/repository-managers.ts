import type { RegistryProfile } from './profile.ts';

export const artifactory: RegistryProfile = {
  name: 'Artifactory',
  upstreamName: 'app',
  // jfrog/artifactory-docker-examples#168: the repository path method
  basePath: '/artifactory/api/docker/docker-local',
  auth: {
    kind: 'bearer',
    // containerd/containerd#6339
    path: '/artifactory/api/docker/docker-local/v2/token',
    service: 'artifactory.example:443',
    // containerd/containerd#3556: no scope to HEAD, one to GET
    scope: (resource, name) => (resource === 'tags' ? `repository:${name}:pull` : undefined),
    username: 'mirror',
    field: 'both',
    expiresIn: 3600,
  },
  tags: {
    // renovatebot/renovate#15030: Link without the path in front of /v2/; #15080
    link: ({ path, n, last }) =>
      `<${path.slice(path.indexOf('/v2/'))}?last=${encodeURIComponent(last)}&n=${n}>; rel="next"`,
    contentType: 'application/json',
  },
  // containerd/containerd#6339: its errors come as ISO-8859-1
  headers: { 'docker-distribution-api-version': 'registry/2.0', 'x-jfrog-version': 'Artifactory/7.117.21' },
  // "Use Referrers REST API to Discover OCI References", jfrog.com: since 7.90.1
  referrers: { kind: 'api' },
  remote: { username: 'mirror' },
};

export const nexus: RegistryProfile = {
  name: 'Nexus Repository',
  upstreamName: 'acme/app',
  auth: {
    kind: 'basic',
    // sonatype/nexus-public#921
    challenge: 'BASIC realm="Sonatype Nexus Repository Manager"',
    username: 'mirror',
  },
  tags: {
    // sonatype/nexus-public#1011: the path of another port in Link
    link: ({ origin, path, n, last }) =>
      `<${origin}/repository/docker-hosted${path}?n=${n}&last=${encodeURIComponent(last)}>; rel="next"`,
  },
  // andrey-pohilko/registry-cli#43, merll/docker-registry-util#3: old releases answer 404 to HEAD of what GET has
  manifests: { head: 'missing' },
  // microsoft/vscode-docker#2778: web pages as errors
  notFound: 'html',
  // inferred: no referrers API
  referrers: { kind: 'fallback-tag', status: 404 },
  remote: { username: 'mirror' },
};
