import type { Server } from 'node:http';
import type { Server as Listener } from 'node:net';

/** After this time the connections of unfinished requests are closed. */
const drainMs = 5_000;
const lookEveryMs = 50;

/**
 * Lets a closing server end. Without it, connections that were busy at the time of closing stay open until their keep-alive timeout, a
 * minute (fault 115).
 * @param listener What accepts the connections, and is closing.
 */
export function drainConnections(server: Server, listener: Listener = server): void {
  const look = setInterval(() => server.closeIdleConnections(), lookEveryMs);
  const cut = setTimeout(() => server.closeAllConnections(), drainMs);
  listener.once('close', () => {
    clearInterval(look);
    clearTimeout(cut);
  });
}
