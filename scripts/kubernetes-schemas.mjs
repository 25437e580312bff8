/**
 * Writes the JSON Schemas that the chart's test checks objects with, one file a kind, into test/packaging/kubernetes:
 *
 *   node scripts/kubernetes-schemas.mjs <folder of Kubernetes' schemas> <CustomResourceDefinition.yaml> …
 *
 * The folder is `kubernetes_validate/kubernetes-json-schema/v…-local-strict` of pip's package kubernetes-validate. The definitions of HTTPRoute,
 * ServiceMonitor and ExternalSecret are in the Go modules sigs.k8s.io/gateway-api, github.com/prometheus-operator/prometheus-operator and
 * github.com/external-secrets/external-secrets. Descriptions are left out, and unknown fields are refused.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

/** The kinds of the chart, as kubeconform names their files. */
const kinds = [
  'deployment-apps-v1',
  'horizontalpodautoscaler-autoscaling-v2',
  'ingress-networking-v1',
  'job-batch-v1',
  'networkpolicy-networking-v1',
  'persistentvolumeclaim-v1',
  'poddisruptionbudget-policy-v1',
  'service-v1',
  'serviceaccount-v1',
];
const target = fileURLToPath(new URL('../test/packaging/kubernetes/', import.meta.url));
const ours = '#/$defs/';

const [folder, ...customDefinitions] = process.argv.slice(2);
if (folder === undefined)
  throw new Error('Name the folder of the schemas; the comment of this script says where it is.');
await mkdir(target, { recursive: true });
const { $defs: definitions } = JSON.parse(await readFile(join(folder, '_definitions.json'), 'utf8'));
for (const kind of kinds) {
  const used = {};
  const schema = tidy(JSON.parse(await readFile(join(folder, `${kind}.json`), 'utf8')), used);
  await write(kind, { ...schema, $defs: used });
}
for (const path of customDefinitions) {
  const { spec } = parse(await readFile(path, 'utf8'));
  const { schema } = spec.versions.find(({ name }) => name === 'v1');
  const [group] = spec.group.split('.');
  const root = tidy(schema.openAPIV3Schema, {});
  // Kubernetes adds the fields of metadata.
  const properties = { ...root.properties, metadata: { type: 'object' } };
  await write(`${spec.names.kind.toLowerCase()}-${group}-v1`, { ...root, properties });
}

/** Without descriptions and extensions; puts what it refers to into `used`. */
function tidy(node, used) {
  if (Array.isArray(node)) return node.map((item) => tidy(item, used));
  if (typeof node !== 'object' || node === null) return node;
  if (typeof node.$ref === 'string') return { $ref: refer(node.$ref, used) };
  const isOpen = 'x-kubernetes-preserve-unknown-fields' in node || 'additionalProperties' in node;
  const isClosed = node.type === 'object' && 'properties' in node && !isOpen;
  return {
    ...Object.fromEntries(
      Object.entries(node)
        .filter(([key]) => !isLeftOut(key))
        .map(([key, value]) => [key, key === 'properties' ? tidyEach(value, used) : tidy(value, used)]),
    ),
    ...(isClosed && { additionalProperties: false }),
  };
}

/** The names of properties are no keywords. */
function tidyEach(properties, used) {
  return Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, tidy(value, used)]));
}

function isLeftOut(key) {
  return ['description', 'default', 'format', '$schema'].includes(key) || key.startsWith('x-');
}

function refer(reference, used) {
  const name = reference.split('/').at(-1);
  if (!(name in used)) {
    used[name] = {};
    used[name] = tidy(definitions[name], used);
  }
  return `${ours}${name}`;
}

async function write(kind, schema) {
  const sorted = schema.$defs === undefined ? schema : { ...schema, $defs: sortKeys(schema.$defs) };
  await writeFile(join(target, `${kind}.json`), `${JSON.stringify(sorted)}\n`);
}

function sortKeys(object) {
  return Object.fromEntries(Object.entries(object).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
