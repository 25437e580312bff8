import type { Remote } from '../db/schema/remotes.ts';
import type { Registry } from '../registry/registry.ts';

/** A shared client of an upstream. It stays open until its last user releases it. */
export interface HeldClient {
  readonly registry: Registry;
  readonly release: () => void;
}

/** Clients with their tokens and connections. Each is closed when it has been idle for a minute. */
export interface RegistryClients {
  /**
   * The client of this key. A new one is opened when there is none, or when the remote has changed. Users of the old client finish with it.
   */
  hold(key: number, remote: Remote, open: () => Registry): HeldClient;
  /** Closes the clients that nobody uses. */
  close(): Promise<void>;
}

interface OpenClient {
  readonly registry: Registry;
  readonly remoteVersion: number;
  users: number;
  idleSince: number;
}

const idleMs = 60_000;

export function createRegistryClients(): RegistryClients {
  const clients = new Map<number, OpenClient>();
  let isClosed = false;
  const sweep = setInterval(() => void closeIdle(performance.now() - idleMs), idleMs / 4);
  sweep.unref();

  async function closeIdle(before: number): Promise<void> {
    for (const [key, client] of clients) {
      if (client.users > 0 || client.idleSince > before) continue;
      clients.delete(key);
      await client.registry.close();
    }
  }

  function find(key: number, remote: Remote, open: () => Registry): OpenClient {
    const known = clients.get(key);
    const remoteVersion = remote.updatedAt.getTime();
    if (known && known.remoteVersion === remoteVersion) return known;
    const client = { registry: open(), remoteVersion, users: 0, idleSince: performance.now() };
    clients.set(key, client);
    if (known?.users === 0) void known.registry.close();
    return client;
  }

  return {
    hold(key, remote, open) {
      const client = find(key, remote, open);
      client.users += 1;
      return {
        registry: client.registry,
        release() {
          client.users -= 1;
          client.idleSince = performance.now();
          // a replaced client has no other user
          const isLeft = isClosed || clients.get(key) !== client;
          if (client.users === 0 && isLeft) void client.registry.close();
        },
      };
    },
    async close() {
      isClosed = true;
      clearInterval(sweep);
      await closeIdle(Number.POSITIVE_INFINITY);
    },
  };
}
