/** The Helm chart: its objects for each file of deploy/helm/examples, checked by Kubernetes' schemas and by what Tidemark's settings say. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { loadConfig } from '../../src/config.ts';
import { skipWithout } from '../interop/peers.ts';
import {
  chart,
  checkObjects,
  exampleFolder,
  isDeployment,
  labelsOf,
  podsOf,
  renderChart,
  runHelm,
  valuesOf,
} from './chart-objects.ts';
import type { Env, KubernetesObject } from './chart-objects.ts';

const examples = readdirSync(exampleFolder).sort();
const valuesFile = (name: string): string[] => ['--values', join(exampleFolder, name)];

describe.skipIf(skipWithout('helm', 'kubeconform'))('the chart', () => {
  let rendered: Map<string, { readonly text: string; readonly objects: readonly KubernetesObject[] }>;
  beforeAll(async () => {
    const texts = await Promise.all(examples.map((name) => renderChart(...valuesFile(name))));
    rendered = new Map(
      texts.map((text, index) => [examples[index] ?? '', { text, objects: parseObjects(text) }]),
    );
  });
  const objectsOf = (name: string): readonly KubernetesObject[] => rendered.get(name)?.objects ?? [];

  test('has four examples, and lint finds no fault in any', async () => {
    expect(examples).toEqual(['gateway.yaml', 'own-parts.yaml', 's3.yaml', 'volume.yaml']);
    const lint = ['lint', '--strict', '--kube-version', '1.37.0'];
    await Promise.all(examples.map((name) => runHelm(...lint, ...valuesFile(name), chart)));
  });

  test.each(examples)('renders %s twice alike, in objects that Kubernetes knows', async (name) => {
    const { text, objects } = rendered.get(name) ?? { text: '', objects: [] };
    expect(await renderChart(...valuesFile(name))).toBe(text);
    expect(JSON.parse(await checkObjects(text))).toMatchObject({
      summary: { valid: objects.length, invalid: 0, errors: 0, skipped: 0 },
    });
    const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    expect(new Set(names).size).toBe(names.length);
  });

  test('is refused by kubeconform with a field that does not exist', async () => {
    const text = (rendered.get('volume.yaml')?.text ?? '').replace('revisionHistoryLimit', 'revisionHistory');
    await expect(checkObjects(text)).rejects.toMatchObject({
      stdout: expect.stringContaining('revisionHistory'),
    });
  });

  test.each(examples)('runs the pods of %s as the standard "restricted" asks', (name) => {
    const pods = podsOf(objectsOf(name));
    expect(
      pods.map(({ component }) => component).toSorted((a, b) => String(a).localeCompare(String(b))),
    ).toEqual(['api', 'migrate', 'worker']);
    for (const { spec } of pods) {
      expect(spec).toMatchObject({
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
      });
      for (const { securityContext, resources } of spec.containers) {
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        expect(resources).toMatchObject({
          requests: { cpu: expect.any(String) },
          limits: { memory: expect.any(String) },
        });
      }
      expect(Object.keys(spec)).not.toEqual(expect.arrayContaining(['hostNetwork']));
      expect(spec.volumes.filter((volume) => 'hostPath' in volume)).toEqual([]);
      const mounted = spec.containers.flatMap(({ volumeMounts }) => volumeMounts.map((mount) => mount.name));
      expect(mounted.toSorted()).toEqual(spec.volumes.map((volume) => String(volume['name'])).toSorted());
    }
  });

  test.each(examples)(
    'gives the processes of %s settings that they take, and secrets by reference',
    (name) => {
      for (const { spec, component } of podsOf(objectsOf(name)))
        for (const { env, args } of spec.containers) {
          expect(args).toEqual([component]);
          expect(new Set(env.map((variable) => variable.name)).size).toBe(env.length);
          const config = loadConfig(withSecrets(env));
          expect(config).toMatchObject({ databaseUrl: 'postgresql://a:b@db:5432/tidemark' });
          if (component !== 'migrate')
            expect(config).toMatchObject({
              dataDir: '/data',
              secretKeyFile: '/run/secrets/tidemark/secret_key',
            });
          if (component === 'api')
            expect(config).toMatchObject({ host: '0.0.0.0', port: 4000, logins: { tokens: true } });
          const secret = env.filter((variable) =>
            /DATABASE_URL|SECRET|API_KEY|_PASSWORD/.test(variable.name),
          );
          expect(
            secret.filter(({ value, name: key }) => value !== undefined && !key.endsWith('_FILE')),
          ).toEqual([]);
        }
    },
  );

  test.each(examples)('connects the objects of %s by labels that do not change', (name) => {
    const objects = objectsOf(name);
    const pods = podsOf(objects);
    for (const { kind, spec } of objects.filter((object) => object.kind !== 'ServiceMonitor')) {
      const selector = labelsOf(kind, spec);
      if (selector === undefined) continue;
      expect(Object.keys(selector).sort()).toEqual([
        'app.kubernetes.io/component',
        'app.kubernetes.io/instance',
        'app.kubernetes.io/name',
      ]);
      const selected = pods.filter(({ labels }) =>
        Object.entries(selector).every(([key, value]) => labels[key] === value),
      );
      expect(selected).toHaveLength(1);
    }
  });

  test('serves metrics on a port of its own, to the monitoring only', () => {
    const objects = objectsOf('s3.yaml');
    const monitor = objects.find(({ kind }) => kind === 'ServiceMonitor');
    const selector = Object.entries(labelsOf('ServiceMonitor', monitor?.spec ?? {}) ?? {});
    const services = objects.filter(
      ({ kind, metadata: { labels = {} } }) =>
        kind === 'Service' && selector.every(([key, value]) => labels[key] === value),
    );
    const [port] = valuesOf(monitor?.spec, 'port');
    const read = services.filter(({ spec }) => valuesOf(spec['ports'], 'name').includes(port));
    expect(read.map(({ metadata, spec }) => [metadata.name, spec['clusterIP']])).toEqual([
      ['tidemark-api-metrics', 'None'],
      ['tidemark-worker-metrics', 'None'],
    ]);
    const open = objects
      .filter(({ kind }) => kind === 'NetworkPolicy')
      .map(({ spec }) => valuesOf(spec['ingress'], 'port'));
    expect(open).toEqual([['http', 'metrics'], ['metrics'], []]);
    for (const { component, spec } of podsOf(objects))
      for (const { env } of spec.containers)
        expect(loadConfig(withSecrets(env)).metricsAddress !== undefined, component).toBe(
          component !== 'migrate',
        );
  });

  test('migrates before an installation and an upgrade, with a Secret that is there by then', () => {
    const objects = objectsOf('gateway.yaml');
    const hooks = objects.filter(({ metadata }) => metadata.annotations?.['helm.sh/hook'] !== undefined);
    const weightOf = (kind: string): number =>
      Number(hooks.find((hook) => hook.kind === kind)?.metadata.annotations?.['helm.sh/hook-weight']);
    expect(hooks.map(({ kind }) => kind).sort()).toEqual(['ExternalSecret', 'Job']);
    for (const { metadata } of hooks)
      expect(metadata.annotations?.['helm.sh/hook']).toBe('pre-install,pre-upgrade');
    expect(weightOf('ExternalSecret')).toBeLessThan(weightOf('Job'));
    // The account of the chart is created after the hooks.
    const job = podsOf(hooks).map(({ spec }) => spec.serviceAccountName);
    expect(job).toEqual(['default']);
  });

  test('shares one volume, or gives each pod a folder for blobs on their way to the bucket', () => {
    const dataOf = (name: string): unknown[] =>
      podsOf(objectsOf(name))
        .filter(({ component }) => component !== 'migrate')
        .map(({ spec }) => spec.volumes.find((volume) => volume['name'] === 'data'));
    const claim = objectsOf('volume.yaml').find(({ kind }) => kind === 'PersistentVolumeClaim');
    expect(claim?.spec).toMatchObject({ accessModes: ['ReadWriteMany'] });
    expect(claim?.metadata.annotations).toEqual({ 'helm.sh/resource-policy': 'keep' });
    const shared = { name: 'data', persistentVolumeClaim: { claimName: claim?.metadata.name } };
    expect(dataOf('volume.yaml')).toEqual([shared, shared]);
    const own = { name: 'data', emptyDir: { sizeLimit: '80Gi' } };
    expect(dataOf('s3.yaml')).toEqual([own, own]);
    expect(objectsOf('s3.yaml').filter(({ kind }) => kind === 'PersistentVolumeClaim')).toEqual([]);
  });

  test('leaves the number of replicas to an autoscaler', () => {
    const replicas = (name: string): unknown[] =>
      objectsOf(name)
        .filter(isDeployment)
        .map(({ spec }) => spec['replicas']);
    expect(replicas('own-parts.yaml')).toEqual([3, 6]);
    expect(replicas('s3.yaml')).toEqual([undefined, undefined]);
    const targets = objectsOf('s3.yaml')
      .filter(({ kind }) => kind === 'HorizontalPodAutoscaler')
      .map(({ spec }) => spec['scaleTargetRef']);
    expect(targets).toEqual(
      objectsOf('s3.yaml')
        .filter(isDeployment)
        .map(({ apiVersion, kind, metadata: { name } }) => ({ apiVersion, kind, name })),
    );
  });

  test('lets a migration reach no upstreams, where egress is restricted', () => {
    const policies = objectsOf('gateway.yaml').filter(({ kind }) => kind === 'NetworkPolicy');
    const portsOf = (component: string): unknown =>
      valuesOf(policies.find(({ metadata }) => metadata.name.endsWith(component))?.spec['egress'], 'port');
    expect(portsOf('migrate')).toEqual([53, 53, 5432, 7233]);
    expect(portsOf('worker')).toEqual([53, 53, 5432, 7233, 443, 5000, 8443]);
    expect(policies.map(({ spec }) => valuesOf(spec['ingress'], 'port'))).toEqual([['http'], [], []]);
  });
});

/** The variables as the kubelet would set them. */
function withSecrets(env: readonly Env[]): Record<string, string> {
  const secrets: Record<string, string> = { DATABASE_URL: 'postgresql://a:b@db:5432/tidemark' };
  return Object.fromEntries(
    env.flatMap(({ name, value, valueFrom }) => {
      const found = value ?? secrets[valueFrom?.secretKeyRef.key ?? ''];
      return found === undefined ? [] : [[name, found]];
    }),
  );
}

function parseObjects(text: string): KubernetesObject[] {
  return parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject);
}
