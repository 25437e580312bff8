import { certificateFile, quote } from './client-configuration.ts';
import type {
  ClientConfiguration,
  ClientFile,
  ClientSettings,
  NamespaceMapping,
} from './client-configuration.ts';

const folder = '/etc/containerd/certs.d';
const certificatePath = `${folder}/tidemark-ca.crt`;
/** From a hosts.toml, so that the folder may be at another place. */
const certificateFromHosts = '../tidemark-ca.crt';

/**
 * containerd's docs/hosts.md: a folder for each registry. The path of a host ends in `/v2/<base path>`, which containerd uses as it is
 * (`override_path`). `_default` is for all other registries, which containerd names in `ns`. While this server ignores unknown namespaces, that
 * file would mix up images of one name in two registries, so it is left out.
 */
export function configureContainerd(settings: ClientSettings): ClientConfiguration {
  return {
    files: [
      ...settings.mappings.map((mapping) => hostsFile(settings, mapping)),
      ...(settings.isNamespaceKnown ? [defaultFile(settings)] : []),
      ...certificateFile(settings, certificatePath),
    ],
    commands: [],
    notes: [
      'containerd reads these files at each pull, if config_path names their folder. Set it in /etc/containerd/config.toml, then run ' +
        '"systemctl restart containerd". containerd 2: [plugins."io.containerd.cri.v1.images".registry]; containerd 1.5 to 1.7: ' +
        `[plugins."io.containerd.grpc.v1.cri".registry]; each with config_path = "${folder}".`,
      'Name this one folder. containerd 2.2 has a list of two folders as its default, and some versions ignore mirrors then.',
      'Remove registry.mirrors and registry.configs from config.toml: containerd refuses them beside config_path.',
      `ctr and nerdctl read the files with --hosts-dir ${folder}.`,
      ...(settings.isNamespaceKnown ? [] : [withoutDefault]),
    ],
  };
}

const withoutDefault =
  'There is no file _default for all other registries: no proxy of this server has a namespace, so it could not tell their images apart. Create ' +
  'proxies with namespaces first.';

/** Without fallback this server is also the last one that is asked. */
function hostsFile(settings: ClientSettings, { namespace, basePath }: NamespaceMapping): ClientFile {
  const host = `${settings.url}/v2/${basePath}`;
  const options = ['capabilities = ["pull", "resolve"]', 'override_path = true', ...certificate(settings)];
  const server = settings.fallback
    ? [`server = ${quote(serverOf(namespace))}`]
    : [`server = ${quote(host)}`, ...options];
  return {
    path: `${folder}/${namespace}/hosts.toml`,
    content: toText([...server, '', ...hostTable(host, options)]),
    note: null,
  };
}

function defaultFile(settings: ClientSettings): ClientFile {
  const options = ['capabilities = ["pull", "resolve"]', ...certificate(settings)];
  const server = settings.fallback ? [] : [`server = ${quote(settings.url)}`, ...options, ''];
  return {
    path: `${folder}/_default/hosts.toml`,
    content: toText([...server, ...hostTable(settings.url, options)]),
    note: 'For all registries without a folder of their own. Leave it out to pull from those directly.',
  };
}

function hostTable(host: string, options: readonly string[]): string[] {
  return [`[host.${quote(host)}]`, ...options.map((option) => `  ${option}`)];
}

function certificate({ certificates }: ClientSettings): string[] {
  return certificates === undefined ? [] : [`ca = ${quote(certificateFromHosts)}`];
}

/** Docker Hub's API is at another host than its images are named by. */
function serverOf(namespace: string): string {
  return `https://${namespace === 'docker.io' ? 'registry-1.docker.io' : namespace}`;
}

function toText(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
}
