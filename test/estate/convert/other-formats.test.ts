import { expect, test } from 'vitest';
import { convert, briefly } from './converted.ts';

test('skopeo: tags, expressions, versions, logins; two registries with a repository of the same name', () => {
  const conversion = convert('skopeo-sync.yaml');
  expect(briefly(conversion)).toEqual([
    'LEFT_OUT 13:9 registry.example.com.images-by-tag-regex.broken',
    'LEFT_OUT 16:9 registry.example.com.images-by-semver.edge',
    'TO_DO 19:9 registry.example.com.credentials.password',
    'LEFT_OUT 21:5 registry.example.com.cert-dir',
    'TO_DO 23:5 quay.io.tls-verify',
    'LEFT_OUT 27:15 quay.io.images.coreos/etcd[1]',
    'LEFT_OUT 33:5 docker.io.image-by-semver',
  ]);
  const own = { url: 'https://registry.example.com', credential: 'registry.example.com' };
  const quay = { url: 'https://quay.io', sslValidation: false };
  expect(conversion.file.repositories).toEqual([
    { name: 'busybox', remote: { ...own, upstreamName: 'busybox' } },
    {
      name: 'redis',
      remote: {
        ...own,
        upstreamName: 'redis',
        includeTags: ['1.0', '2.10', `sha256:${'0'.repeat(32)}${'1'.repeat(32)}`],
      },
    },
    {
      name: 'nginx',
      remote: {
        ...own,
        upstreamName: 'nginx',
        includeTags: ['latest'],
        includeTagPatterns: ['1\\.13\\.[12]-alpine-perl'],
      },
    },
    { name: 'tool', remote: { ...own, upstreamName: 'tool', includeTagPatterns: ['.*alpine.*|.*slim.*'] } },
    { name: 'alpine', remote: { ...own, upstreamName: 'alpine', semverRanges: ['>=3.12.0 <4 || ~2.1'] } },
    { name: 'coreos/etcd', remote: { ...quay, upstreamName: 'coreos/etcd', includeTags: ['latest'] } },
    { name: 'quay.io/redis', remote: { ...quay, upstreamName: 'redis', includeTags: ['7'] } },
    {
      name: 'library/nginx',
      remote: { url: 'https://registry-1.docker.io', upstreamName: 'library/nginx', includeTags: ['1.27'] },
    },
  ]);
});

test('oc-mirror: additional images, without the blocked ones', () => {
  const conversion = convert('imageset-config.yaml');
  expect(briefly(conversion)).toEqual([
    'LEFT_OUT 3:1 archiveSize',
    'LEFT_OUT 5:3 mirror.platform',
    'LEFT_OUT 10:3 mirror.operators',
    'DIFFERS 16:7 mirror.additionalImages[1]',
    'DIFFERS 22:7 mirror.additionalImages[3].targetTag',
    'LEFT_OUT 24:7 mirror.additionalImages[5]',
    'LEFT_OUT 25:7 mirror.additionalImages[6]',
    'LEFT_OUT 28:7 mirror.blockedImages[1]',
    'LEFT_OUT 29:3 mirror.helm',
    'LEFT_OUT 33:3 mirror.unknownField',
  ]);
  expect(conversion.file.repositories).toEqual([
    {
      name: 'ubi9/ubi',
      remote: { url: 'https://registry.redhat.io', upstreamName: 'ubi9/ubi', includeTags: ['latest', '9.5'] },
    },
    {
      name: 'tests/hello',
      remote: {
        url: 'https://quay.io',
        upstreamName: 'openshifttest/hello-openshift',
        includeTags: ['sha256:61b8f5e1a3b5dbd9e2c35fd448dc5106337d7a299873dd3a6f0cd8d4891ecc27'],
      },
    },
    { name: 'app/api', remote: { url: 'https://quay.io', upstreamName: 'app/api', includeTags: ['v1'] } },
  ]);
  const older = convert('imageset-config-v1.yaml');
  expect(briefly(older)).toEqual(['LEFT_OUT 3:1 storageConfig']);
  expect(older.file.repositories).toMatchObject([{ name: 'ubi8/ubi', remote: { includeTags: ['latest'] } }]);
});

test('hauler: images of all documents, annotations, signature policies', () => {
  const conversion = convert('hauler-manifest.yaml');
  expect(briefly(conversion)).toEqual([
    'DIFFERS 8:7 spec.images[1]',
    'LEFT_OUT 12:7 spec.images[3].certificate-identity-regexp',
    'TO_DO 14:7 spec.images[4]',
    'DIFFERS 19:7 spec.images[5].exclude-extras',
    'LEFT_OUT 20:7 spec.images[6]',
    'LEFT_OUT 32:5 metadata.annotations.hauler.dev/color',
    'DIFFERS 36:7 spec.images[1]',
    'LEFT_OUT 37:7 spec.images[1].use-tlog-verify',
    'LEFT_OUT 42:1 spec',
    'LEFT_OUT 49:1 spec',
  ]);
  expect(conversion.file.signaturePolicies).toEqual([
    {
      name: 'acme/signed',
      identities: [
        {
          issuer: 'https://token.actions.githubusercontent.com',
          subject: 'https://github.com/acme/signed/.github/workflows/release.yml@refs/tags/v1',
        },
      ],
      trustedRoot: { file: 'trusted_root.json' },
    },
    { name: 'rancher/rancher', keys: [{ file: 'carbide-key.pub' }] },
  ]);
  expect(
    conversion.file.repositories.map(({ name, remote }) => [name, remote.url, remote.includeTags]),
  ).toEqual([
    ['hauler-dev/library/busybox', 'https://ghcr.io', ['latest', 'stable']],
    [
      'distroless/base',
      'https://gcr.io',
      ['sha256:7fa7445dfbebae4f4b7ab0e6ef99276e96075ae42584af6286ba080750d6dfe5'],
    ],
    ['kubewarden/audit-scanner', 'https://ghcr.io', ['v1.30.0-rc1']],
    ['acme/signed', 'https://ghcr.io', ['v1']],
    ['web/nginx', 'https://registry-1.docker.io', ['1.27']],
    ['rancher/rancher', 'https://registry.example.com', ['v2.9.0', 'v2.9.1']],
  ]);
  expect(conversion.file.repositories.at(-1)?.remote).toMatchObject({
    platforms: ['linux/amd64'],
    signaturePolicy: 'rancher/rancher',
  });
});
