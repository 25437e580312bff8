import { createHash } from 'node:crypto';
import { createIdlePool } from '../idle-pool.ts';
import type { RegistryOptions } from '../registry.ts';
import { openTransport } from './transport.ts';
import type { Transport } from './transport.ts';

/** Connections that clients share, at the same time and one after the other. */
export interface TransportPool {
  /** The connections to the options' host. `close` gives them back. */
  open(options: RegistryOptions): Transport;
  close(): Promise<void>;
}

/** Clients share connections if these have the same host, TLS options, proxy, timeouts and allowed addresses. Requests carry the credentials. */
export function createTransportPool(): TransportPool {
  const pool = createIdlePool<Transport>();
  return {
    open(options) {
      const { value, release } = pool.hold(keyOf(options), () => openTransport(options));
      return {
        ...value,
        close() {
          release();
          return Promise.resolve();
        },
      };
    },
    close: () => pool.close(),
  };
}

/** A hash, because the options have secrets. */
function keyOf({
  url,
  tls,
  proxyUrl,
  connectTimeoutMs,
  sockReadTimeoutMs,
  ...options
}: RegistryOptions): string {
  const { origin } = new URL(url);
  const { allowPrivate, allowAddresses = [] } = options;
  const { ca, cert, key, rejectUnauthorized } = tls ?? {};
  const parts = [
    origin,
    ca,
    cert,
    key,
    rejectUnauthorized,
    proxyUrl,
    connectTimeoutMs,
    sockReadTimeoutMs,
    allowPrivate,
    allowAddresses,
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
