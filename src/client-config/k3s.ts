import { certificateFile, hostOf, quote } from './client-configuration.ts';
import type {
  ClientConfiguration,
  ClientFile,
  ClientSettings,
  NamespaceMapping,
} from './client-configuration.ts';

const folder = '/etc/rancher/k3s';
const certificatePath = `${folder}/tidemark-ca.crt`;

/** K3s' "Private Registry Configuration": mirrors by registry, with rewritten names. */
export function configureK3s(settings: ClientSettings): ClientConfiguration {
  const { url, mappings, certificates } = settings;
  const tls =
    certificates === undefined
      ? []
      : ['configs:', `  ${quote(hostOf(url))}:`, '    tls:', `      ca_file: ${quote(certificatePath)}`];
  const lines = ['mirrors:', ...mappings.flatMap((mapping) => mirror(url, mapping)), ...tls];
  return {
    files: [
      { path: `${folder}/registries.yaml`, content: `${lines.join('\n')}\n`, note: null },
      ...withoutFallback(settings),
      ...certificateFile(settings, certificatePath),
    ],
    commands: ['systemctl restart k3s'],
    notes: [
      'Write the files on each node. The service of an agent is k3s-agent.',
      'RKE2 reads the same files in /etc/rancher/rke2, and its services are rke2-server and rke2-agent.',
    ],
  };
}

function mirror(url: string, { namespace, basePath }: NamespaceMapping): string[] {
  return [
    `  ${quote(namespace)}:`,
    '    endpoint:',
    `      - ${quote(url)}`,
    '    rewrite:',
    `      "^(.*)$": ${quote(`${basePath}/$1`)}`,
  ];
}

function withoutFallback({ fallback }: ClientSettings): ClientFile[] {
  if (fallback) return [];
  return [
    {
      path: `${folder}/config.yaml.d/tidemark.yaml`,
      content: 'disable-default-registry-endpoint: true\n',
      note: 'For all registries of registries.yaml. It needs K3s 1.26.13, 1.27.10, 1.28.6, 1.29.1 or newer.',
    },
  ];
}
