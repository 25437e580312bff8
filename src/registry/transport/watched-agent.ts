import type { Socket } from 'node:net';
import { Agent, Client, Pool } from 'undici';
import type { Dispatcher, buildConnector } from 'undici';

/** The connection that has a request. */
export interface WatchedConnection {
  /** An answer has ended. */
  rest(): void;
  /** Whether the connection had rested before this request, and has received nothing since. Then the server may not have seen the request. */
  isUntouched(): boolean;
}

/** A handler that is told its connection when the request is queued on it. */
export interface WatchingHandler extends Dispatcher.DispatchHandler {
  onConnection(connection: WatchedConnection): void;
}

/** undici's client of one connection at a time. */
class WatchedClient extends Client {
  readonly #connection: WatchedConnection;

  constructor(origin: URL, options: Client.Options, connect: buildConnector.connector) {
    let socket: Socket | undefined;
    let restedAt: number | undefined;
    super(origin, {
      ...options,
      connect(target, callback) {
        restedAt = undefined;
        connect(target, (...opened) => {
          socket = opened[1] ?? undefined;
          callback(...opened);
        });
      },
    });
    this.#connection = {
      rest() {
        restedAt = socket?.bytesRead;
      },
      isUntouched: () => restedAt !== undefined && restedAt === socket?.bytesRead,
    };
  }

  override dispatch(
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler | WatchingHandler,
  ): boolean {
    if ('onConnection' in handler) handler.onConnection(this.#connection);
    return super.dispatch(options, handler);
  }
}

/** undici's agent, with connections that tell whether they have been used before. */
export function createWatchedAgent(
  options: Omit<Agent.Options, 'connect' | 'factory'>,
  connect: buildConnector.connector,
): Agent {
  return new Agent({
    ...options,
    factory: (origin, pool: Pool.Options) =>
      new Pool(origin, { ...pool, factory: (target, client) => new WatchedClient(target, client, connect) }),
  });
}
