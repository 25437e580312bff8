import { TidemarkError } from '../../oci/error.ts';
import type { Discovery } from '../../oci/hosts/discovery.ts';
import type { RegistryOptions } from '../registry.ts';
import { apiUrl } from '../client.ts';
import { fixedLogin } from '../auth/fixed-login.ts';
import { checkRealm } from '../auth/realm.ts';
import { createRequester } from '../requester.ts';
import type { ClientSettings } from '../requester.ts';
import { listCatalog } from './catalog.ts';
import { listDockerHub } from './docker-hub.ts';
import { listGitlab } from './gitlab.ts';
import { listGoogle } from './google.ts';
import { listHarbor } from './harbor.ts';
import { listQuay } from './quay.ts';
import type { BasicLogin, ListRepositories } from './source.ts';

/** `LIST` asks nothing, and ECR is asked by AWS's own library. */
export type RegistryDiscovery = Exclude<Discovery, 'LIST' | 'ECR'>;

const adapters: Record<RegistryDiscovery, ListRepositories> = {
  CATALOG: listCatalog,
  HARBOR: listHarbor,
  QUAY: listQuay,
  DOCKER_HUB: listDockerHub,
  GITLAB: listGitlab,
  GOOGLE: listGoogle,
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
  discovery: RegistryDiscovery,
  options: RegistryOptions,
  namespaces: readonly string[] = [],
  settings: ClientSettings = {},
): OpenDiscovery {
  const adapter = adapters[discovery];
  const base = apiUrl(options);
  const requester = createRequester(options, settings);
  const { realmHosts = [], allowPrivate } = options;
  return {
    list: (signal) =>
      adapter({
        requester,
        base,
        signal,
        namespaces,
        login: () => readLogin(options, signal),
        checkRealm: (realm) => checkRealm(realm, { registry: new URL(base), realmHosts, allowPrivate }),
      }),
    close: () => requester.close(),
  };
}

/** APIs beside the registry take user names and passwords only. */
async function readLogin(options: RegistryOptions, signal: AbortSignal): Promise<BasicLogin | undefined> {
  const login = await (options.logins ?? fixedLogin(options)).get({ signal, postForm: refuseForm });
  return login?.kind === 'basic' ? login : undefined;
}

function refuseForm(url: URL): Promise<never> {
  const message = `The API of ${url.host} cannot be asked with a credential that ${url.host} exchanges. Give the names with discovery: LIST.`;
  return Promise.reject(new TidemarkError('CREDENTIAL_UNAVAILABLE', message));
}
