import type { Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { GraphQLError } from 'graphql';
import type { GraphQLSchema } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import type { ApiDependencies } from './dependencies.ts';
import { createContext, createTrace } from './graphql/context.ts';
import type { RequestContext } from './graphql/context.ts';
import { toClientError, toClientResult } from './graphql/errors.ts';
import { prepareOperation } from './graphql/execution.ts';
import { checkHost } from './host-guard.ts';
import { createSocketDoor } from './socket-door.ts';
import { createSocketLogins } from './socket-logins.ts';
import type { TaskWatch } from './task-watch.ts';

export const socketLimits = {
  /** Authenticated sockets. */
  sockets: 1_000,
  socketsPerCaller: 250,
  /** Unauthenticated sockets. A further one closes the oldest, so that they never exclude others. */
  newSockets: 1_000,
  loginWithinMs: 5_000,
  operationsPerSocket: 50,
  messageBytes: 1024 * 1024,
} as const;

export interface SocketTransport {
  /** Asks the clients to leave, then closes their connections. */
  close(): Promise<void>;
}

/** graphql-ws on /graphql: queries, mutations and subscriptions with the limits of the other transports. */
export function serveSockets(
  server: Server,
  options: { readonly schema: GraphQLSchema; readonly api: ApiDependencies; readonly taskWatch: TaskWatch },
): SocketTransport {
  const { schema, api, taskWatch } = options;
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: socketLimits.messageBytes,
    handleProtocols: (protocols) => (protocols.has('graphql-transport-ws') ? 'graphql-transport-ws' : false),
  });
  const contexts = new Map<string, RequestContext>();
  let sequence = 0;
  const keys = new WeakMap<object, string>();
  const keyOf = (socket: object, id: string): string => {
    const known = keys.get(socket) ?? String((sequence += 1));
    keys.set(socket, known);
    return `${known}/${id}`;
  };
  const toldWith = (socket: object, id: string) => {
    const { trace, cost } = contexts.get(keyOf(socket, id)) ?? {};
    return { trace: trace ?? createTrace(api), cost };
  };
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
      onSubscribe: async (connection, id, payload) => {
        const { socket } = connection.extra;
        if (Object.keys(connection.subscriptions).length > socketLimits.operationsPerSocket)
          return [
            tooMany(
              `More than ${socketLimits.operationsPerSocket} operations are open on this socket; complete some first.`,
            ),
          ];
        try {
          const context = createContext(api, taskWatch, await logins.identify(socket), {
            signal: endOf(socket),
          });
          contexts.set(keyOf(socket, id), context);
          const prepared = prepareOperation(schema, payload, context);
          return isErrorList(prepared) ? prepared : { ...prepared };
        } catch (error) {
          return [asGraphqlError(error)];
        }
      },
      onError: (connection, id, _payload, errors) => {
        const { trace } = toldWith(connection.extra.socket, id);
        contexts.delete(keyOf(connection.extra.socket, id));
        return errors.map((error) => toClientError(error, trace));
      },
      onNext: (connection, id, _payload, _args, result) =>
        toClientResult(result, toldWith(connection.extra.socket, id)),
      onComplete: (connection, id) => {
        contexts.delete(keyOf(connection.extra.socket, id));
      },
      onClose: (connection) => {
        const prefix = keyOf(connection.extra.socket, '');
        for (const key of contexts.keys()) if (key.startsWith(prefix)) contexts.delete(key);
      },
    },
    sockets,
  );

  server.on('upgrade', (request, socket: Duplex, head) => {
    const refusal = refuseUpgrade(request.url ?? '', checkHost(request.headers, api.config));
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

/** Aborts when the socket ends. */
function endOf(socket: WebSocket): AbortSignal {
  const known = ends.get(socket);
  if (known !== undefined) return known;
  const ending = new AbortController();
  socket.once('close', () => ending.abort());
  ends.set(socket, ending.signal);
  return ending.signal;
}

const ends = new WeakMap<WebSocket, AbortSignal>();

function isErrorList(value: object): value is readonly GraphQLError[] {
  return Array.isArray(value);
}

/** `onError` tells the client what it may know of the original error. */
function asGraphqlError(error: unknown): GraphQLError {
  const originalError = error instanceof Error ? error : new Error(String(error));
  return new GraphQLError(originalError.message, { originalError });
}

function tooMany(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_REQUEST' } });
}
