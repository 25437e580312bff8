import type { IncomingMessage } from 'node:http';
import type { WebSocket } from 'ws';
import type { Viewer } from '../access/viewer.ts';
import { isTidemarkError } from '../oci/error.ts';
import type { ApiDependencies } from './dependencies.ts';
import { identifyCaller } from './graphql/context.ts';
import type { Caller } from './graphql/context.ts';

/** What graphql-ws's clients take for "your login does not count", and do not retry. */
const unauthorized = 4401;
/** Timers cannot wait for longer. */
const longestMs = 2 ** 31 - 1;

export interface SocketLogins {
  /** Takes what the client shows in the payload of connection_init, or in the header of the upgrade; a socket that shows nothing good is closed. */
  admit(socket: WebSocket, request: IncomingMessage, payload: unknown): Promise<Viewer | undefined>;
  /** Who is at a socket that was admitted, asked anew. @throws TidemarkError `UNAUTHENTICATED` */
  identify(socket: WebSocket): Promise<Caller>;
}

/** Who is at which socket. A socket ends with its login (fault 92). */
export function createSocketLogins(api: ApiDependencies): SocketLogins {
  const shown = new WeakMap<WebSocket, string | undefined>();
  return {
    async admit(socket, request, payload) {
      const authorization = readAuthorization(payload) ?? request.headers.authorization;
      try {
        const { viewer } = await identifyCaller(api, authorization);
        shown.set(socket, authorization);
        if (viewer.expiresAt !== undefined) closeAt(socket, viewer.expiresAt);
        return viewer;
      } catch (error) {
        if (!isTidemarkError(error) || error.code !== 'UNAUTHENTICATED') throw error;
        socket.close(unauthorized, 'Unauthorized');
        return undefined;
      }
    },
    identify: (socket) => identifyCaller(api, shown.get(socket)),
  };
}

function closeAt(socket: WebSocket, instant: Date): void {
  const waitMs = Math.min(Math.max(0, instant.getTime() - Date.now()), longestMs);
  const timer = setTimeout(() => socket.close(unauthorized, 'The login has expired'), waitMs);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
}

/** `{"authorization": "Bearer …"}`, in either case of its first letter, as clients write it. */
function readAuthorization(payload: unknown): string | undefined {
  if (typeof payload !== 'object' || payload === null) return undefined;
  const { authorization, Authorization } = payload as { authorization?: unknown; Authorization?: unknown };
  const value = authorization ?? Authorization;
  return typeof value === 'string' ? value : undefined;
}
