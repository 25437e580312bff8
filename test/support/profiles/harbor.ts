import type { BearerAuth, RegistryProfile } from './profile.ts';
import { relativeLink } from './tag-pages.ts';

const auth: BearerAuth = {
  kind: 'bearer',
  // goharbor/harbor#17834
  path: '/service/token',
  service: 'harbor-registry',
  scope: (resource, name) => (resource === 'ping' ? undefined : `repository:${name}:pull`),
  // "Create project robot accounts", goharbor.io
  username: 'robot$mirror',
  field: 'both',
  expiresIn: 1800,
  // goharbor/harbor#18856: Basic to a token that does not hold what is asked for
  challengeToToken: 'Basic realm="harbor"',
};

export const harbor: RegistryProfile = {
  name: 'Harbor 2.8 and newer',
  upstreamName: 'library/app',
  auth,
  // goharbor/harbor, src/server/registry/tag.go: <url?n=…&last=…>
  tags: { link: relativeLink },
  referrers: { kind: 'api' },
  remote: { username: 'robot$mirror' },
};

export const oldHarbor: RegistryProfile = {
  ...harbor,
  name: 'Harbor before 2.8',
  // goharbor/harbor#18305, regclient/regclient#389: 401 to what it does not know; Basic as in goharbor/harbor#18856
  referrers: { kind: 'fallback-tag', status: 401, challenge: 'Basic realm="harbor"' },
};
