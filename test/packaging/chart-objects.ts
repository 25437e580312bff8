/** Renders the Helm chart, and has the parts of Kubernetes' objects that its tests read. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findPeer } from '../interop/peers.ts';
import { projectRoot } from '../support/import-graph.ts';

const run = promisify(execFile);
export const chart = join(projectRoot, 'deploy', 'helm', 'tidemark');
export const exampleFolder = join(projectRoot, 'deploy', 'helm', 'examples');

export async function runHelm(...args: readonly string[]): Promise<string> {
  return (await run(findPeer('helm') ?? 'helm', args)).stdout;
}

/** The chart's objects as YAML. */
export function renderChart(...options: readonly string[]): Promise<string> {
  const place = ['--namespace', 'mirror', '--kube-version', '1.37.0'];
  return runHelm('template', 'tidemark', chart, ...place, ...options);
}

/** What kubeconform says of objects; it rejects where one is wrong. */
export async function checkObjects(text: string): Promise<string> {
  const schemas = join(
    projectRoot,
    'test',
    'packaging',
    'kubernetes',
    '{{.ResourceKind}}{{.KindSuffix}}.json',
  );
  const options = ['-strict', '-output', 'json', '-summary', '-schema-location', schemas];
  const checked = run(findPeer('kubeconform') ?? 'kubeconform', options);
  checked.child.stdin?.end(text);
  return (await checked).stdout;
}

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly labels?: Record<string, string>;
    readonly annotations?: Record<string, string>;
  };
  readonly spec: Record<string, unknown>;
}

export interface Env {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly secretKeyRef: { readonly key: string } };
}

interface PodSpec {
  readonly serviceAccountName: string;
  readonly containers: readonly {
    readonly args: readonly string[];
    readonly env: readonly Env[];
    readonly securityContext: unknown;
    readonly resources: unknown;
    readonly volumeMounts: readonly { readonly name: string }[];
  }[];
  readonly volumes: readonly Record<string, unknown>[];
}

export interface Pod {
  readonly component: string | undefined;
  readonly labels: Record<string, string>;
  readonly spec: PodSpec;
}

export function isDeployment({ kind }: KubernetesObject): boolean {
  return kind === 'Deployment';
}

export function podsOf(objects: readonly KubernetesObject[]): Pod[] {
  return objects
    .filter(({ kind }) => kind === 'Deployment' || kind === 'Job')
    .map(({ spec }) => {
      const template = spec['template'] as {
        metadata: { labels: Record<string, string> };
        spec: PodSpec;
      };
      const { labels } = template.metadata;
      return { component: labels['app.kubernetes.io/component'], labels, spec: template.spec };
    });
}

/** The labels by which an object selects pods, or a ServiceMonitor a Service. */
export function labelsOf(kind: string, spec: Record<string, unknown>): Record<string, string> | undefined {
  if (kind === 'Service') return spec['selector'] as Record<string, string>;
  const selector = (spec?.['selector'] ?? spec?.['podSelector']) as
    | { matchLabels?: Record<string, string> }
    | undefined;
  return selector?.matchLabels;
}

/** All values of a key, wherever it is. */
export function valuesOf(node: unknown, key: string): unknown[] {
  if (Array.isArray(node)) return node.flatMap((item) => valuesOf(item, key));
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([name, value]) => (name === key ? [value] : valuesOf(value, key)));
}
