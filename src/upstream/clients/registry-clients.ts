import type { Remote } from '../../db/schema/remotes.ts';
import { createIdlePool } from '../../registry/idle-pool.ts';
import type { Held } from '../../registry/idle-pool.ts';
import type { Registry } from '../../registry/registry.ts';

/** Clients with their tokens, or the clients of a remote's places. Each is closed when it has been idle for a minute. */
export interface RegistryClients<Client> {
  /** The client of this key. A new one is opened when there is none, or when the remote has changed. Users of the old client finish with it. */
  hold(key: number | string, remote: Remote, open: () => Client): Held<Client>;
  /** Closes the clients that nobody uses. */
  close(): Promise<void>;
}

export function createRegistryClients<Client extends Pick<Registry, 'close'>>(): RegistryClients<Client> {
  const pool = createIdlePool<Client>();
  return {
    hold: (key, remote, open) => pool.hold(`${key} ${remote.updatedAt.getTime()}`, open),
    close: () => pool.close(),
  };
}
