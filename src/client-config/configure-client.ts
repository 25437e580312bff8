import { isRepositoryName } from '../oci/reference.ts';
import { quoteValue } from '../oci/error.ts';
import { configureContainerd } from './containerd.ts';
import { configureDocker } from './docker.ts';
import { configureK3s } from './k3s.ts';
import { configureOpenShift } from './openshift.ts';
import { configureCrio, configurePodman } from './registries-conf.ts';
import type { ClientConfiguration, ClientSettings, ContainerClient } from './client-configuration.ts';

/** The files that point a client at this server; or what is wrong with the settings, all of it. */
export function configureClient(
  client: ContainerClient,
  settings: ClientSettings,
): { readonly value: ClientConfiguration } | { readonly mistakes: readonly string[] } {
  const mistakes = settingMistakes(client, settings);
  return mistakes.length > 0 ? { mistakes } : { value: write(client, settings) };
}

function write(client: ContainerClient, settings: ClientSettings): ClientConfiguration {
  switch (client) {
    case 'containerd':
      return configureContainerd(settings);
    case 'docker':
      return configureDocker(settings, settings.dockerHubUrl ?? '');
    case 'podman':
      return configurePodman(settings);
    case 'crio':
      return configureCrio(settings);
    case 'k3s':
      return configureK3s(settings);
    case 'openshift':
      return configureOpenShift(settings);
  }
}

function settingMistakes(client: ContainerClient, settings: ClientSettings): string[] {
  const { mappings, dockerHubUrl } = settings;
  const names = mappings.map(({ namespace }) => namespace);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  return [
    ...mappings.flatMap(({ namespace, basePath }) => [
      ...(isNamespace(namespace)
        ? []
        : [
            `The namespace is ${quoteValue(namespace)}; expected a host such as quay.io or registry.example:5000.`,
          ]),
      ...(isRepositoryName(basePath)
        ? []
        : [`The base path is ${quoteValue(basePath)}; expected one such as quay.io or mirror/quay.`]),
    ]),
    ...(twice === undefined ? [] : [`The namespace ${twice} has two base paths; expected one.`]),
    ...(mappings.length > 0 || client === 'docker'
      ? []
      : ['No namespace is mapped. Name one with its base path, such as quay.io=quay.io.']),
    ...(client === 'docker' && dockerHubUrl === undefined
      ? [
          'dockerd takes only an address without a path as a mirror. Set TIDEMARK_DOCKER_HUB_PORT or TIDEMARK_DOCKER_HUB_URL on the server, ' +
            'or name the address that serves Docker Hub.',
        ]
      : []),
  ];
}

/** Nothing in it can leave a folder, or end a string of TOML or YAML. */
function isNamespace(text: string): boolean {
  const [, host = '', port] = /^([a-z0-9.-]{1,253})(?::(\d{1,5}))?$/.exec(text) ?? [];
  // otherwise clients take it for a part of a name at Docker Hub
  const isRegistry = host.includes('.') || host === 'localhost' || port !== undefined;
  const isPort = port === undefined || (Number(port) > 0 && Number(port) <= 65_535);
  return isRegistry && isPort && /^[a-z0-9]+(?:[.-]+[a-z0-9]+)*$/.test(host);
}
