import { describe, expect, test } from 'vitest';
import type { SourceFormat } from '../../../src/estate/convert/source-formats.ts';
import { unknownFields } from './estate-schema.ts';
import { password, convert, briefly } from './converted.ts';

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
