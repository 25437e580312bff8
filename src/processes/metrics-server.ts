import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ProcessMetrics } from '../telemetry/metrics.ts';
import { TidemarkError } from '../oci/error.ts';

export interface MetricsServer {
  /** `http://127.0.0.1:9464/metrics` */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves the metrics that a process counts, for workers have no other port. Without logins: the network decides who reads them.
 * @throws TidemarkError `PORT_UNAVAILABLE`
 */
export async function serveMetrics(
  address: string,
  metrics: Pick<ProcessMetrics, 'print'>,
): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    const path = request.url?.split('?', 1)[0];
    if (path !== '/metrics') return void response.writeHead(path === '/healthz' ? 200 : 404).end();
    metrics.print().then(
      (text) =>
        response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  const { host, port } = splitAddress(address);
  try {
    server.listen({ host, port });
    await once(server, 'listening');
  } catch (error) {
    throw new TidemarkError(
      'PORT_UNAVAILABLE',
      `The metrics cannot be served on ${address}: ${error instanceof Error ? error.message : String(error)}. Set TIDEMARK_METRICS_ADDRESS to another address.`,
      { origin: 'caller', cause: error },
    );
  }
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}/metrics`,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function splitAddress(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':');
  return {
    host: address.slice(0, colon).replace(/^\[|\]$/g, ''),
    port: Number(address.slice(colon + 1)),
  };
}
