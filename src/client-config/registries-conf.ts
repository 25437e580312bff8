import { certificateFile, hostOf, isPlainHttp, quote } from './client-configuration.ts';
import type { ClientConfiguration, ClientSettings, NamespaceMapping } from './client-configuration.ts';

/** containers-registries.conf(5), read by podman, skopeo, Buildah and CRI-O. */
function configureRegistries(settings: ClientSettings): Pick<ClientConfiguration, 'files'> {
  const { url, mappings } = settings;
  return {
    files: [
      {
        path: '/etc/containers/registries.conf.d/050-tidemark.conf',
        content: mappings.map((mapping) => registryTable(settings, mapping)).join('\n'),
        note: null,
      },
      ...certificateFile(settings, `/etc/containers/certs.d/${hostOf(url)}/ca.crt`),
    ],
  };
}

/** Without fallback, the images of the registry are looked up on this server only. */
function registryTable({ url, fallback }: ClientSettings, { namespace, basePath }: NamespaceMapping): string {
  const mirror = [
    `location = ${quote(`${hostOf(url)}/${basePath}`)}`,
    ...(isPlainHttp(url) ? ['insecure = true'] : []),
  ];
  const lines = fallback ? [`location = ${quote(namespace)}`, '', '[[registry.mirror]]', ...mirror] : mirror;
  return `${['[[registry]]', `prefix = ${quote(namespace)}`, ...lines].join('\n')}\n`;
}

const shortNames = (file: string): string =>
  `Short names such as "alpine" reach the mirror of Docker Hub, if unqualified-search-registries in ${file} has "docker.io".`;

export function configurePodman(settings: ClientSettings): ClientConfiguration {
  return {
    ...configureRegistries(settings),
    commands: [],
    notes: [
      'podman, Buildah and skopeo read the file at each call.',
      'Users with a registries.conf of their own read only ~/.config/containers/registries.conf.d. Put the file there for them.',
      shortNames('/etc/containers/registries.conf'),
      `Where a pull needs a login: podman login ${hostOf(settings.url)}.`,
    ],
  };
}

export function configureCrio(settings: ClientSettings): ClientConfiguration {
  return {
    ...configureRegistries(settings),
    commands: ['systemctl reload crio'],
    notes: [
      shortNames('/etc/containers/registries.conf'),
      `Where a pull needs a login: add ${hostOf(settings.url)} to the file that global_auth_file of crio.conf names. Pull secrets are for the registry ` +
        'that the image names.',
    ],
  };
}
