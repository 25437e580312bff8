import type { Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { isForDockerHub } from '../distribution/docker-hub.ts';
import { checkHost } from '../host-guard.ts';
import { createSocketDoor } from './socket-door.ts';
import { createSocketLogins } from './socket-logins.ts';
import { serveOperations } from './socket-operations.ts';
import type { SocketOptions } from './socket-operations.ts';

export const socketLimits = {
  /** Authenticated sockets. */
  sockets: 1_000,
  socketsPerCaller: 250,
  /** Unauthenticated sockets. A further one closes the oldest, so that they never exclude others. */
  newSockets: 1_000,
  loginWithinMs: 5_000,
  messageBytes: 1024 * 1024,
} as const;

export interface SocketTransport {
  /** Asks the clients to leave, then closes their connections. */
  close(): Promise<void>;
}

/** graphql-ws on /graphql: queries, mutations and subscriptions with the limits of the other transports. */
export function serveSockets(server: Server, options: SocketOptions): SocketTransport {
  const { schema, api } = options;
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: socketLimits.messageBytes,
    handleProtocols: (protocols) => (protocols.has('graphql-transport-ws') ? 'graphql-transport-ws' : false),
  });
  const logins = createSocketLogins(api);
  const door = createSocketDoor(socketLimits);
  const disposable = useServer(
    {
      schema,
      connectionInitWaitTimeout: socketLimits.loginWithinMs,
      onConnect: async ({ extra: { socket, request }, connectionParams }) => {
        const viewer = await logins.admit(socket, request, connectionParams);
        return viewer !== undefined && door.seat(socket, viewer);
      },
      ...serveOperations(options, logins),
    },
    sockets,
  );

  server.on('upgrade', (request, socket: Duplex, head) => {
    const url = isForDockerHub(request, api.config) ? '' : (request.url ?? '');
    const refusal = refuseUpgrade(url, checkHost(request.headers, api.config));
    if (refusal !== undefined) {
      socket.on('error', () => undefined);
      socket.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (client) => {
      door.enter(client);
      sockets.emit('connection', client, request);
    });
  });
  return {
    async close() {
      await disposable.dispose();
      for (const client of sockets.clients) client.terminate();
    },
  };
}

function refuseUpgrade(url: string, host: ReturnType<typeof checkHost>): string | undefined {
  if (host !== undefined) return host.status === 421 ? '421 Misdirected Request' : '403 Forbidden';
  return url.split('?', 1)[0] === '/graphql' ? undefined : '404 Not Found';
}
