import type { Upstream } from '../upstream/naming-request.ts';
import { createRegistryClients } from '../upstream/clients/registry-clients.ts';
import { createLimiter } from '../upstream/limiter.ts';
import type { Limiter } from '../upstream/limiter.ts';
import { remoteOptions } from '../upstream/clients/remote-options.ts';
import type { RemoteDeps } from '../upstream/clients/remote-options.ts';
import type { Breakers } from '../upstream/failover/breakers.ts';
import { uncounted } from '../upstream/failover/deliveries.ts';
import { openFailoverRegistry } from '../upstream/failover/failover-registry.ts';
import { openPlaces } from '../upstream/failover/places.ts';
import type { Places } from '../upstream/failover/places.ts';
import type { Remote } from '../db/schema/remotes.ts';
import type { Registry, RegistryOptions } from '../registry/registry.ts';

/** A remote with the client that pulls use. */
export interface HeldUpstream extends Upstream {
  /** Limits the blobs that this process downloads to store: the remote's `downloadConcurrency`. */
  readonly downloads: Limiter;
  readonly release: () => void;
}

export interface RemoteClients {
  /** With fallbacks, each hold takes its tags from one of the upstreams. */
  hold(remote: Remote): HeldUpstream;
  close(): Promise<void>;
}

export interface RemoteClientDeps extends RemoteDeps {
  readonly openRegistry: (options: RegistryOptions) => Registry;
}

export function createRemoteClients(deps: RemoteClientDeps, breakers: Breakers): RemoteClients {
  const clients = createRegistryClients<Places>();
  const limiters = new WeakMap<Places, Limiter>();
  return {
    hold(remote) {
      const { value: places, release } = clients.hold(remote.id, remote, () =>
        openPlaces(remote, (upstream) => deps.openRegistry(remoteOptions(deps, upstream))),
      );
      const downloads = limiters.get(places) ?? createLimiter(remote.downloadConcurrency);
      limiters.set(places, downloads);
      return { remote, registry: registryOf(places, remote, breakers), downloads, release };
    },
    close: () => clients.close(),
  };
}

/** Asks the fallbacks of a remote too. */
export function registryOf({ all }: Places, remote: Remote, breakers: Breakers): Registry {
  if (all.length === 1) return all[0].registry;
  const hasSignatureStore = remote.sigstore != null;
  return openFailoverRegistry({ places: all, breakers, deliveries: uncounted, hasSignatureStore });
}
