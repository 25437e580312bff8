import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ProcessMetrics } from '../telemetry/metrics.ts';
import { TidemarkError } from '../oci/error.ts';
import { unusableReason } from './listen.ts';

export interface MetricsServer {
  /** `http://127.0.0.1:9464/metrics` */
  readonly url: string;
  /** Until then, everything is answered 503. */
  show(metrics: Pick<ProcessMetrics, 'print'>): void;
  close(): Promise<void>;
}

/**
 * Takes the address of the metrics of a process, for workers have no other port. Without logins: the network decides who reads them.
 * @throws TidemarkError `PORT_UNAVAILABLE`
 */
export async function openMetricsServer(address: string): Promise<MetricsServer> {
  let metrics: Pick<ProcessMetrics, 'print'> | undefined;
  const server = createServer((request, response) => {
    if (metrics === undefined) return void response.writeHead(503, { 'retry-after': '1' }).end();
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
    const reason =
      unusableReason(error) ?? `fails: ${error instanceof Error ? error.message : String(error)}`;
    throw new TidemarkError(
      'PORT_UNAVAILABLE',
      `The metrics cannot be served on ${address}, which ${reason}. Each process of a host needs an address of its own: set ` +
        'TIDEMARK_METRICS_ADDRESS to another one, or leave it unset.',
      { origin: 'caller', cause: error },
    );
  }
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}/metrics`,
    show: (given) => (metrics = given),
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
