import type { BuiltDiscovery } from '../../oci/hosts/discovery.ts';
import type { RegistryOptions } from '../registry.ts';
import { apiUrl } from '../client.ts';
import { createRequester } from '../requester.ts';
import type { ClientSettings } from '../requester.ts';
import { listCatalog } from './catalog.ts';
import { listDockerHub } from './docker-hub.ts';
import { listHarbor } from './harbor.ts';
import { listQuay } from './quay.ts';
import type { ListRepositories } from './source.ts';

/** Those that ask the registry. `LIST` asks nothing. */
const adapters: Record<Exclude<BuiltDiscovery, 'LIST'>, ListRepositories> = {
  CATALOG: listCatalog,
  HARBOR: listHarbor,
  QUAY: listQuay,
  DOCKER_HUB: listDockerHub,
  // its catalog has the repositories that the credentials may read
  TIDEMARK: listCatalog,
};

export interface OpenDiscovery {
  list(signal: AbortSignal): AsyncIterable<readonly string[]>;
  close(): Promise<void>;
}

/**
 * Opens the list of a registry's repositories. The options are those of a remote; `upstreamName` is not used.
 * @param namespaces For those that list one namespace at a time.
 */
export function openDiscovery(
  discovery: Exclude<BuiltDiscovery, 'LIST'>,
  options: RegistryOptions,
  namespaces: readonly string[] = [],
  settings: ClientSettings = {},
): OpenDiscovery {
  const adapter = adapters[discovery];
  const { username, password } = options;
  const base = apiUrl(options);
  const requester = createRequester(options, settings);
  return {
    list: (signal) => adapter({ requester, base, signal, namespaces, username, password }),
    close: () => requester.close(),
  };
}
