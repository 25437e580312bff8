import { hostOf, isPlainHttp, quote } from './client-configuration.ts';
import type { ClientConfiguration, ClientFile, ClientSettings } from './client-configuration.ts';

const mirrorsFile = 'tidemark-mirrors.yaml';
const certificatesFile = 'tidemark-ca.yaml';
const certificatesName = 'tidemark-ca';

/** The image configuration of the cluster; lists in it are replaced, not extended. */
const patchImages = (spec: object): string =>
  `oc patch image.config.openshift.io/cluster --type merge --patch '${JSON.stringify({ spec })}'`;

/** OpenShift 4.13 and newer: one object for pulls by digest, another for pulls by tag. */
export function configureOpenShift(settings: ClientSettings): ClientConfiguration {
  const { url, certificates } = settings;
  const trust = certificates === undefined ? [] : [certificatesMap(url, certificates)];
  return {
    files: [
      {
        path: mirrorsFile,
        content: [
          mirrorSet(settings, 'ImageDigestMirrorSet', 'imageDigestMirrors'),
          mirrorSet(settings, 'ImageTagMirrorSet', 'imageTagMirrors'),
        ].join('---\n'),
        note: null,
      },
      ...trust,
    ],
    commands: [
      ...trust.flatMap(({ path }) => [
        `oc apply -f ${path}`,
        patchImages({ additionalTrustedCA: { name: certificatesName } }),
      ]),
      ...(isPlainHttp(url) ? [patchImages({ registrySources: { insecureRegistries: [hostOf(url)] } })] : []),
      `oc apply -f ${mirrorsFile}`,
    ],
    notes: [
      'The Machine Config Operator then updates the nodes one after another; "oc get machineconfigpool" shows when they are done.',
      '"oc patch" replaces additionalTrustedCA and insecureRegistries. Add to existing ones instead.',
      `Where a pull needs a login: add ${hostOf(url)} to the cluster's global pull secret, openshift-config/pull-secret.`,
    ],
  };
}

function mirrorSet({ url, mappings, fallback }: ClientSettings, kind: string, field: string): string {
  const entries = mappings.flatMap(({ namespace, basePath }) => [
    `    - source: ${quote(namespace)}`,
    '      mirrors:',
    `        - ${quote(`${hostOf(url)}/${basePath}`)}`,
    ...(fallback ? [] : ['      mirrorSourcePolicy: NeverContactSource']),
  ]);
  const head = ['apiVersion: config.openshift.io/v1', `kind: ${kind}`, 'metadata:', '  name: tidemark'];
  return `${[...head, 'spec:', `  ${field}:`, ...entries].join('\n')}\n`;
}

/** Keys may have no colon: OpenShift writes the one before a port as two dots. */
function certificatesMap(url: string, certificates: string): ClientFile {
  const key = hostOf(url).replace(':', '..');
  const head = ['apiVersion: v1', 'kind: ConfigMap', 'metadata:'];
  const name = [`  name: ${certificatesName}`, '  namespace: openshift-config'];
  const data = certificates.trimEnd().split('\n');
  const lines = [...head, ...name, 'data:', `  ${quote(key)}: |`, ...data.map((line) => `    ${line}`)];
  return { path: certificatesFile, content: `${lines.join('\n')}\n`, note: null };
}
