import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { convertFile } from '../../../src/estate/convert/convert.ts';
import type { Conversion } from '../../../src/estate/convert/convert.ts';
import type { SourceFormat } from '../../../src/estate/convert/source-formats.ts';
import type { EstateFile } from '../../../src/estate/convert/estate-file.ts';
import { testSecret } from '../../support/test-secret.ts';
import { unknownFields } from './estate-schema.ts';

const password = testSecret('convert');

function convert(file: string): Conversion & { readonly file: EstateFile } {
  const text = readFileSync(new URL(`files/${file}`, import.meta.url), 'utf8').replaceAll('SECRET', password);
  const conversion = convertFile({ text, file, name: 'production' });
  return { ...conversion, file: parse(conversion.estate) as EstateFile };
}

/** `LEFT_OUT 14:7 sync[2].backup`. */
const briefly = ({ findings }: Conversion): string[] =>
  findings.map(({ kind, line, column, path }) => `${kind} ${line}:${column} ${path}`);

const files: readonly (readonly [string, SourceFormat])[] = [
  ['regsync.yml', 'regsync'],
  ['skopeo-sync.yaml', 'skopeo'],
  ['imageset-config.yaml', 'imageset'],
  ['imageset-config-v1.yaml', 'imageset'],
  ['hauler-manifest.yaml', 'hauler'],
];

describe('every format', () => {
  test.each(files)('%s is recognized as %s, and has only fields of the API', (name, format) => {
    const conversion = convert(name);
    expect(conversion.format).toBe(format);
    expect(conversion.file.name).toBe('production');
    expect(conversion.repositories).toBe(conversion.file.repositories.length);
    expect(conversion.repositories).toBeGreaterThan(0);
    expect(unknownFields(conversion.file)).toEqual([]);
  });

  test.each(files)('%s: no secret is copied, and what was left out is in the comment', (name) => {
    const { estate, findings } = convert(name);
    expect(estate + JSON.stringify(findings)).not.toContain(password);
    for (const { line, column } of findings) expect(estate).toContain(`# ${name}:${line}:${column}: `);
    expect(convert(name).estate).toBe(estate);
    expect(findings.length).toBeGreaterThan(0);
  });
});

test('regsync: creds, tags, schedules, platforms', () => {
  const conversion = convert('regsync.yml');
  expect(briefly(conversion)).toEqual([
    'LEFT_OUT 5:5 creds[0]',
    'TO_DO 12:5 creds[2].pass',
    'DIFFERS 14:5 creds[2].reqPerSec',
    'LEFT_OUT 17:5 creds[2].credExpire',
    'LEFT_OUT 18:5 creds[2].mirrors',
    'TO_DO 20:5 creds[3].credHelper',
    'LEFT_OUT 27:5 defaults.ratelimit.retry',
    'LEFT_OUT 28:3 defaults.parallel',
    'LEFT_OUT 30:3 defaults.backup',
    'LEFT_OUT 31:3 defaults.skipDockerConfig',
    'TO_DO 34:5 sync[0].target',
    'DIFFERS 52:7 sync[2].tags.semverRange',
    'LEFT_OUT 55:5 sync[2].mediaTypes',
    'LEFT_OUT 56:5 sync[2].fastCheck',
    'LEFT_OUT 57:5 sync[2].hooks',
    'DIFFERS 60:5 sync[3]',
    'DIFFERS 63:5 sync[3].platform',
    'LEFT_OUT 65:5 sync[4]',
    'LEFT_OUT 70:5 sync[5]',
    'DIFFERS 74:5 sync[6].target',
    'TO_DO 78:17 sync[6].tagSets[1].allow[0]',
    'DIFFERS 80:5 sync[6].referrers',
    'LEFT_OUT 81:5 sync[6].fastChek',
  ]);
  expect(conversion.file.credentials).toEqual([
    {
      name: 'docker.io',
      kind: 'STATIC',
      username: { env: 'HUB_USER' },
      password: { file: '/run/secrets/hub_token' },
    },
    {
      name: 'quay.example.com',
      kind: 'STATIC',
      username: 'robot',
      password: { env: 'QUAY_EXAMPLE_COM_PASSWORD' },
    },
    { name: '1234.dkr.example.com', kind: 'HELPER', helper: 'ecr-login' },
  ]);
  const hub = { url: 'https://registry-1.docker.io', credential: 'docker.io' };
  const reserveRequests = 100;
  expect(conversion.file.repositories).toEqual([
    {
      name: 'library/busybox',
      remote: { ...hub, reserveRequests, upstreamName: 'library/busybox', includeTags: ['latest'] },
      schedules: [{ intervalSeconds: 3_600 }],
    },
    {
      name: 'library/alpine',
      remote: {
        reserveRequests,
        ...hub,
        upstreamName: 'library/alpine',
        includeTags: ['latest', '3', '3.18'],
        includeTagPatterns: ['3.\\d+'],
        excludeTagPatterns: ['3.0'],
      },
      schedules: [{ cron: '15 01 * * *' }],
    },
    {
      name: 'team/app',
      remote: {
        reserveRequests,
        url: 'https://quay.example.com',
        upstreamName: 'org/app',
        semverRanges: ['>=1.2.0 <2.0.0', '>=3.0.0 <4.0.0'],
        semverPrereleases: true,
        excludeTagPatterns: ['.*-debug'],
        platforms: ['linux/amd64', 'linux/arm64'],
        credential: 'quay.example.com',
        sslValidation: false,
        rateLimit: 2,
        downloadConcurrency: 5,
      },
      schedules: [{ intervalSeconds: 5_400 }],
    },
    {
      name: 'tool',
      remote: {
        reserveRequests,
        url: 'https://1234.dkr.example.com',
        upstreamName: 'tool',
        includeTags: [`sha256:${'1'.repeat(64)}`],
        platforms: ['linux/amd64'],
        credential: '1234.dkr.example.com',
        sslCaCertificate: '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n',
      },
      schedules: [{ intervalSeconds: 43_200 }],
    },
    {
      name: 'data/debian',
      remote: {
        reserveRequests,
        ...hub,
        upstreamName: 'library/debian',
        includeTags: ['latest'],
        includeTagPatterns: ['1\\d.*|.*testing'],
        followLayerUrls: true,
      },
      schedules: [{ intervalSeconds: 3_600 }],
    },
  ]);
});

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
