import type { Server } from 'node:http';

/** After this time the connections of unfinished requests are closed. */
const drainMs = 5_000;
const lookEveryMs = 50;

/**
 * Lets a closing server end. Without it, connections that were busy at the time of closing stay open until their keep-alive timeout, a
 * minute (fault 115).
 */
export function drainConnections(server: Server): void {
  const look = setInterval(() => server.closeIdleConnections(), lookEveryMs);
  const cut = setTimeout(() => server.closeAllConnections(), drainMs);
  server.once('close', () => {
    clearInterval(look);
    clearTimeout(cut);
  });
}
