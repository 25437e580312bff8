/** The values of the Helm chart: complete, checked, and of this version. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { skipWithout } from '../interop/peers.ts';
import { projectRoot } from '../support/import-graph.ts';
import { chart, renderChart } from './chart-objects.ts';

const readJson = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));

describe('values', () => {
  const { properties } = readJson(join(chart, 'values.schema.json')) as {
    properties: Record<string, { properties: Record<string, unknown> }>;
  };

  test('have each setting of docs/settings.md that the chart does not set itself', () => {
    const settings = readFileSync(join(projectRoot, 'docs', 'settings.md'), 'utf8');
    const documented = [...settings.matchAll(/^\| `([A-Z][A-Z_]+)` \|/gm)].map(([, name = '']) => name);
    const own = new Set(
      (
        'DATABASE_URL TIDEMARK_SECRET_KEY TIDEMARK_SECRET_KEY_FILE TIDEMARK_OIDC_CLIENT_SECRET TIDEMARK_DATA TIDEMARK_CACHE TIDEMARK_HOST ' +
        'TIDEMARK_PORT TIDEMARK_PUBLIC_URL TIDEMARK_BLOBS TEMPORAL_ADDRESS TEMPORAL_NAMESPACE TEMPORAL_UI_URL TIDEMARK_METRICS_ADDRESS ' +
        // A pod has one port for clients: TIDEMARK_DOCKER_HUB_URL selects by Host.
        'TIDEMARK_DOCKER_HUB_PORT ' +
        // Of the command line.
        'TIDEMARK_SERVER TIDEMARK_TOKEN'
      ).split(' '),
    );
    const inChart = [...Object.keys(properties['settings']?.properties ?? {}), ...own];
    expect(inChart.filter((name) => !documented.includes(name))).toEqual([]);
    // OTEL_… is a pattern of values.schema.json.
    expect(documented.filter((name) => !inChart.includes(name) && !name.startsWith('OTEL_'))).toEqual([]);
  });

  test('have the version of package.json', () => {
    const { version } = readJson(join(projectRoot, 'package.json')) as { version: string };
    expect(parse(readFileSync(join(chart, 'Chart.yaml'), 'utf8'))).toMatchObject({
      version,
      appVersion: version,
    });
  });
});

describe.skipIf(skipWithout('helm'))('the chart', () => {
  const required = ['--set', 'temporal.address=temporal:7233', '--set', 'secret.name=tidemark'];

  test.each([
    ['a setting that does not exist', ['--set', 'settings.TIDEMARK_AHTU=off'], /TIDEMARK_AHTU/],
    ['a value that does not exist', ['--set', 'workers.replicas=2'], /workers/],
    [
      'an Ingress without publicUrl',
      ['--set', 'ingress.enabled=true,ingress.host=a.example'],
      /publicUrl is required/,
    ],
    ['S3 without an address', ['--set', 'storage.type=s3'], /storage\.s3\.url is required/],
    ['no Temporal', ['--set', 'temporal.address='], /temporal\.address is required/],
    ['no Secret', ['--set', 'secret.name='], /secret\.name is required/],
    ['an old Kubernetes', ['--kube-version', '1.29.0'], /kubeVersion/],
  ])('refuses %s', async (_, options, message) => {
    await expect(renderChart(...required, ...options)).rejects.toMatchObject({
      stderr: expect.stringMatching(message),
    });
  });
});
