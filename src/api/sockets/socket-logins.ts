import type { IncomingMessage } from 'node:http';
import type { WebSocket } from 'ws';
import type { Presented } from '../../access/credentials.ts';
import type { Viewer } from '../../access/viewer.ts';
import { isTidemarkError } from '../../oci/error.ts';
import type { ApiDependencies } from '../dependencies.ts';
import { identifyCaller } from '../graphql/context.ts';
import type { Caller } from '../graphql/context.ts';
import { sessionOfSocket } from '../session/presented.ts';

/** graphql-ws clients treat it as an invalid login and do not retry. */
const unauthorized = 4401;
/** The maximum of a timer. */
const longestMs = 2 ** 31 - 1;

export interface SocketLogins {
  /**
   * Authenticates a socket by the payload of connection_init, the header of the upgrade, or the session cookie of a page of our own. A socket
   * with invalid credentials is closed.
   */
  admit(socket: WebSocket, request: IncomingMessage, payload: unknown): Promise<Viewer | undefined>;
  /** The caller of an admitted socket, read anew. @throws TidemarkError `UNAUTHENTICATED` */
  identify(socket: WebSocket): Promise<Caller>;
}

/** The caller of each socket. A socket ends when its login does (fault 92). */
export function createSocketLogins(api: ApiDependencies): SocketLogins {
  const shown = new WeakMap<WebSocket, Presented>();
  const nothing: Presented = { authorization: undefined, session: undefined };
  return {
    async admit(socket, request, payload) {
      const authorization = readAuthorization(payload) ?? request.headers.authorization;
      const session = authorization === undefined ? sessionOfSocket(request.headers, api) : undefined;
      try {
        const { viewer, presented } = await identifyCaller(api, { authorization, session });
        shown.set(socket, presented);
        if (viewer.expiresAt !== undefined) closeAt(socket, viewer.expiresAt);
        return viewer;
      } catch (error) {
        if (!isTidemarkError(error) || error.code !== 'UNAUTHENTICATED') throw error;
        socket.close(unauthorized, 'Unauthorized');
        return undefined;
      }
    },
    identify: (socket) => identifyCaller(api, shown.get(socket) ?? nothing),
  };
}

function closeAt(socket: WebSocket, instant: Date): void {
  const waitMs = Math.min(Math.max(0, instant.getTime() - Date.now()), longestMs);
  const timer = setTimeout(() => socket.close(unauthorized, 'The login has expired'), waitMs);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
}

/** `{"authorization": "Bearer …"}`; clients write the first letter in either case. */
function readAuthorization(payload: unknown): string | undefined {
  if (typeof payload !== 'object' || payload === null) return undefined;
  const { authorization, Authorization } = payload as { authorization?: unknown; Authorization?: unknown };
  const value = authorization ?? Authorization;
  return typeof value === 'string' ? value : undefined;
}
