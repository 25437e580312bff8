import type { Database } from '../../db/open-database.ts';
import type { RegistryProxy } from '../../db/schema/proxies.ts';
import { Remote } from '../../db/schema/remotes.ts';
import type { ManifestToStore } from '../../db/content/meaning.ts';
import { isTidemarkError } from '../../oci/error.ts';
import { proxySecrets } from '../../operations/proxies/proxies.ts';
import { templateOf } from '../../operations/remotes/remote-template.ts';
import { withDefaults } from '../../operations/remotes/given-fields.ts';
import { remoteDefaults } from '../../operations/remotes/remote-fields.ts';
import type { RemoteFields } from '../../operations/remotes/remote-fields.ts';
import { applyPlain } from '../../operations/remotes/remote-row.ts';
import { fieldOptions, remoteOptions } from '../../upstream/clients/remote-options.ts';
import type { Breakers } from '../../upstream/failover/breakers.ts';
import { openPlaces } from '../../upstream/failover/places.ts';
import { fetchManifest } from '../../upstream/fetch-manifest.ts';
import { registryOf } from '../remote-clients.ts';
import type { RemoteClientDeps } from '../remote-clients.ts';

export interface AskDeps extends RemoteClientDeps {
  readonly database: Database;
  readonly breakers: Breakers;
}

export interface DraftRemote {
  /** As the proxy would make it, without secrets and id. It is not stored. */
  readonly remote: Remote;
  /** With the secrets in clear text. */
  readonly fields: RemoteFields;
}

/** The remote that a proxy would make for a repository of its upstream. */
export function draftRemote(deps: AskDeps, proxy: RegistryProxy, upstreamName: string): DraftRemote {
  const { name, url, fallbacks } = proxy;
  const fields = withDefaults(templateOf(proxy, proxySecrets(deps.secrets)), remoteDefaults);
  const own = { name, url, upstreamName, headerNames: [], realmHosts: [], tagRules: {}, fallbacks };
  const remote = deps.database.em.fork().create(Remote, own, { persist: false });
  applyPlain(remote, fields);
  return { remote, fields };
}

/**
 * A manifest of a repository that is not here yet. Undefined: the upstream lacks it. Registries such as Docker Hub answer 401 or 403 for
 * repositories that do not exist, which the caller gets as `refused`.
 * @throws TidemarkError of the upstream
 */
export async function askUpstream(
  deps: AskDeps,
  proxy: RegistryProxy,
  { draft, reference }: { readonly draft: DraftRemote; readonly reference: string },
  signal: AbortSignal,
): Promise<ManifestToStore | { readonly refused: string } | undefined> {
  const { remote, fields } = draft;
  const { credentialId } = proxy;
  const clear = { ...fields, url: remote.url, upstreamName: remote.upstreamName, credentialId };
  const places = openPlaces(remote, (upstream) =>
    deps.openRegistry(upstream === remote ? fieldOptions(deps, clear) : remoteOptions(deps, upstream)),
  );
  try {
    const registry = registryOf(places, remote, deps.breakers);
    return await fetchManifest({ remote, registry }, reference, signal);
  } catch (error) {
    const isRefused =
      isTidemarkError(error) && ['UPSTREAM_UNAUTHORIZED', 'UPSTREAM_FORBIDDEN'].includes(error.code);
    if (!isRefused) throw error;
    return { refused: error.message };
  } finally {
    await places.close();
  }
}
