import type { RegistryProfile } from './profile.ts';
import { relativeLink } from './tag-pages.ts';

export const quay: RegistryProfile = {
  name: 'Quay',
  upstreamName: 'acme/app',
  auth: {
    kind: 'bearer',
    // quay/mirror-registry#71
    path: '/v2/auth',
    service: 'quay.io',
    // OctopusDeploy/Issues#5076: no scope is named
    scope: () => undefined,
    // lstags#225 shows a token of one hour; that it is not told beside the token is inferred
  },
  tags: {
    // deitch/docker_registry2#107: </v2/…/tags/list?n=100&last=…>; rel="next"
    link: relativeLink,
  },
  blobs: {
    // quay/quay-docs#149: redirected to cdn01.quay.io and further hosts; status and query are inferred
    redirect: {
      status: 302,
      target: (digest) =>
        `/quayio-production-s3/sha256/${digest.slice(7, 9)}/${digest.slice(7)}?Expires=1790000000&Signature=aA~bB-cC__&Key-Pair-Id=APKA1&region=us-east-1`,
    },
  },
  // "Red Hat Quay API reference: referrers", docs.redhat.com
  referrers: { kind: 'api' },
};
