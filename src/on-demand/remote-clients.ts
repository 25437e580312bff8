import { createLimiter } from '../upstream/limiter.ts';
import type { Limiter } from '../upstream/limiter.ts';
import type { Upstream } from '../upstream/naming-request.ts';
import { createRegistryClients } from '../upstream/clients/registry-clients.ts';
import { remoteOptions } from '../upstream/clients/remote-options.ts';
import type { RemoteDeps } from '../upstream/clients/remote-options.ts';
import type { Remote } from '../db/schema/remotes.ts';
import type { Registry, RegistryOptions } from '../registry/registry.ts';

/** A remote with the client that pulls use. */
export interface HeldUpstream extends Upstream {
  /** Limits the blobs that this process downloads to store: the remote's `downloadConcurrency`. */
  readonly downloads: Limiter;
  readonly release: () => void;
}

export interface RemoteClients {
  hold(remote: Remote): HeldUpstream;
  close(): Promise<void>;
}

export interface RemoteClientDeps extends RemoteDeps {
  readonly openRegistry: (options: RegistryOptions) => Registry;
}

export function createRemoteClients(deps: RemoteClientDeps): RemoteClients {
  const clients = createRegistryClients();
  const limiters = new WeakMap<Registry, Limiter>();
  return {
    hold(remote) {
      const { value: registry, release } = clients.hold(remote.id, remote, () =>
        deps.openRegistry(remoteOptions(deps, remote)),
      );
      const downloads = limiters.get(registry) ?? createLimiter(remote.downloadConcurrency);
      limiters.set(registry, downloads);
      return { remote, registry, downloads, release };
    },
    close: () => clients.close(),
  };
}
