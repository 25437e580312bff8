import type { Server } from 'node:http';

/** Requests in flight have this long to be answered once the server closes; then their connections are cut. */
const drainMs = 5_000;
const lookEveryMs = 50;

/**
 * Lets a closing server end. By itself it would wait for connections that were busy when it began to close and are kept alive by
 * their clients afterwards: up to the keep-alive timeout, a minute (fault 115).
 */
export function drainConnections(server: Server): void {
  const look = setInterval(() => server.closeIdleConnections(), lookEveryMs);
  const cut = setTimeout(() => server.closeAllConnections(), drainMs);
  server.once('close', () => {
    clearInterval(look);
    clearTimeout(cut);
  });
}
