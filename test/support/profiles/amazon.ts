import type { RegistryProfile } from './profile.ts';

export const ecr: RegistryProfile = {
  name: 'Amazon ECR',
  upstreamName: 'acme/app',
  auth: {
    kind: 'basic',
    // mayflower/docker-ls#28
    challenge: 'Basic realm="https://registry.example/",service="ecr.amazonaws.com"',
    // "Private registry authentication", docs.aws.amazon.com: user AWS, a password that lasts 12 hours
    username: 'AWS',
  },
  tags: {
    // google/go-containerregistry#681: at most 1000; deitch/docker_registry2#34: absolute Link, opaque last
    link: ({ origin, path, n, last }) =>
      `<${origin}${path}?n=${n}&last=${encodeURIComponent(last)}>; rel="next"`,
    cursor: 'opaque',
    refusesAbove: { n: 1000, status: 405, code: 'UNSUPPORTED' },
    // inferred
    contentType: 'text/plain; charset=utf-8',
    // aws/containers-roadmap#1262: no order is promised
    order: 'newest',
  },
  // ChangemakerStudios/Docker.Registry.DotNet#34: Docker-Content-Digest on HEAD, not on GET
  manifests: { statesDigest: false },
  blobs: {
    // 307 to a bucket; the fields of its signature are inferred
    redirect: {
      status: 307,
      target: (digest) =>
        `/1234-prod-us-east-1/${digest.slice(7)}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=ASIA1%2F20261128%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Security-Token=IQoJ%2F%2Bb3%3D%3D&X-Amz-SignedHeaders=host&X-Amz-Signature=0f0f`,
    },
  },
  // awslabs/soci-snapshotter, docs/registry.md
  referrers: { kind: 'api' },
  remote: { username: 'AWS' },
};

export const ecrPublic: RegistryProfile = {
  name: 'Amazon ECR Public',
  upstreamName: 'acme/app',
  auth: {
    kind: 'bearer',
    // distribution/distribution#4383: https://public.ecr.aws/token/?service=public.ecr.aws&scope=aws
    path: '/token/',
    service: 'public.ecr.aws',
    scope: () => 'aws',
    needs: () => undefined,
  },
  tags: {
    // fluxcd/source-controller#845: a body as specified, the token of the next page in Link alone, no order
    link: ({ path, n, last }) => `<${path}?last=${encodeURIComponent(last)}&n=${n}>; rel="next"`,
    cursor: 'opaque',
    refusesAbove: { n: 1000, status: 400, code: 'UNSUPPORTED' },
    order: 'newest',
  },
  blobs: {
    // distribution/distribution#4383, aws/containers-roadmap#2671: GET is 307 to storage, HEAD of a blob is 401
    redirect: {
      status: 307,
      target: (digest) =>
        `/docker/registry/v2/blobs/${digest}?Expires=1790000000&Signature=a~b__&Key-Pair-Id=K1`,
    },
  },
  // awslabs/soci-snapshotter, docs/registry.md
  referrers: { kind: 'api' },
};
