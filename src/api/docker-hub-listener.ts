import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { drainConnections } from './drain.ts';
import { markDockerHub } from './distribution/docker-hub.ts';

export interface DockerHubListener {
  listen(address: { readonly host: string; readonly port: number }): Promise<string>;
  /** Accepts no more connections, and ends the open ones as the API does. */
  close(): Promise<void>;
}

/** A second port of the API. Its connections are handed to the API's own server, so that all limits apply to them too. */
export function createDockerHubListener(app: FastifyInstance): DockerHubListener {
  const listener = createServer((connection) => {
    markDockerHub(connection);
    app.server.emit('connection', connection);
  });
  return {
    async listen({ host, port }) {
      listener.listen({ host, port });
      await once(listener, 'listening');
      const { address, family, port: bound } = listener.address() as AddressInfo;
      return `http://${family === 'IPv6' ? `[${address}]` : address}:${bound}`;
    },
    async close() {
      if (!listener.listening) return;
      const closed = once(listener, 'close');
      drainConnections(app.server, listener);
      listener.close();
      await closed;
    },
  };
}
