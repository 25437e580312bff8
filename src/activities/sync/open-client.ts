import type { Remote } from '../../db/schema/remotes.ts';
import type { ListedPlace } from '../../db/tasks/host-listing.ts';
import type { Registry } from '../../registry/registry.ts';
import type { Breakers } from '../../upstream/failover/breakers.ts';
import type { AnnouncedQuotas } from '../../upstream/clients/announced-quotas.ts';
import { hostScope } from '../../upstream/clients/host-scope.ts';
import { remoteOptions } from '../../upstream/clients/remote-options.ts';
import type { ActivityDeps } from '../deps.ts';
import type { HostMemories } from './host-memories.ts';
import type { Quotas } from './quotas.ts';
import type { Throttles } from './throttles.ts';

/** What the clients of a worker share. */
export interface SharedByClients {
  readonly throttles: Throttles;
  readonly memories: HostMemories;
  readonly breakers: Breakers;
  readonly quotas: Quotas;
  readonly announced: AnnouncedQuotas;
}

export interface ClientOptions {
  /** One of `upstreamsOf`. */
  readonly remote: Remote;
  /** Whether the API that took the sync allows upstreams on private addresses. This worker must allow them too. */
  readonly allowPrivate: boolean;
  /** Names the sync, or the looks that use this client. */
  readonly witness: string;
  /** Called for each answer that asks to slow down. */
  readonly onRateLimited?: () => void;
  /** Called for each answer of the host. */
  readonly onAnswer?: () => void;
}

/** A client of a remote's upstream, which waits while the host must not be asked. */
export function openClient(
  deps: ActivityDeps,
  { throttles, memories, quotas, announced }: SharedByClients,
  { remote, allowPrivate, witness, onRateLimited, onAnswer }: ClientOptions,
): Registry {
  const host = hostOf(remote.url);
  const announce = announced.of(remote, host);
  const options = remoteOptions({ ...deps, allowPrivate: deps.allowPrivate && allowPrivate }, remote, {
    onRateLimited: () => onRateLimited?.(),
    onRateLimit: (limit) => {
      throttles.see(host, limit);
      announce(limit);
    },
  });
  const beforeRequest = async (signal?: AbortSignal) => {
    await throttles.check(host);
    await options.beforeRequest?.(signal);
  };
  const manifestQuota = quotas.open(remote);
  return deps.openRegistry({
    ...options,
    ...(manifestQuota !== undefined && { manifestQuota }),
    beforeRequest,
    memory: memories.open(remote, witness),
    ...(onAnswer !== undefined && { onAnswer }),
  });
}

/** The repository of a remote, under which syncs and looks remember lists with digests. */
export function listedPlace(remote: Remote): ListedPlace {
  return { scope: hostScope(remote), host: hostOf(remote.url), repository: remote.upstreamName };
}

/** The same as `upstreamHost` in db/tasks/sync-turns.ts. */
export function hostOf(url: string): string {
  return (/^[a-z]+:\/\/([^/?#]+)/i.exec(url)?.[1] ?? url).toLowerCase();
}
