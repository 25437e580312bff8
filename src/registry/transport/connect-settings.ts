import type { LookupFunction, Socket } from 'node:net';
import { createSecureContext, getCACertificates } from 'node:tls';
import type { SecureContext } from 'node:tls';
import { bareHost } from '../../oci/hosts/address.ts';
import { TidemarkError } from '../../oci/error.ts';
import type { TlsOptions } from '../registry.ts';

/** The settings of undici's connections and our own. */
export interface TlsSettings {
  readonly rejectUnauthorized?: boolean;
  readonly secureContext?: SecureContext;
}

export interface ConnectSettings {
  readonly connectTimeoutMs: number;
  readonly readTimeoutMs: number;
  readonly lookup: LookupFunction;
  /** Checks a connected address. @throws TidemarkError `ADDRESS_REFUSED` */
  readonly admit: (address: string, name: string) => Promise<void> | void;
  readonly tls: TlsSettings;
}

/** Checks the address of a connected socket. @throws TidemarkError `ADDRESS_REFUSED` */
export async function admitConnected(
  { admit }: Pick<ConnectSettings, 'admit'>,
  socket: Socket,
  hostname: string,
): Promise<void> {
  const address = socket.remoteAddress;
  // A peer that has closed has no address; the request will fail.
  if (address !== undefined) await admit(address, bareHost(hostname));
}

/** @throws TidemarkError `TLS_OPTIONS_INVALID` */
export function tlsSettings(options: TlsOptions | undefined): TlsSettings {
  if (options === undefined) return {};
  return {
    ...(options.rejectUnauthorized === false ? { rejectUnauthorized: false } : {}),
    ...secureContext(options),
  };
}

function secureContext({ ca, cert, key }: TlsOptions): { secureContext?: SecureContext } {
  const certificate = cert !== undefined && key !== undefined ? { cert, key } : {};
  if (ca === undefined && !('cert' in certificate)) return {};
  const roots =
    ca === undefined ? {} : { ca: [...getCACertificates('default'), ...getCACertificates('system'), ca] };
  try {
    return { secureContext: createSecureContext({ ...roots, ...certificate }) };
  } catch (cause) {
    // OpenSSL's message may quote the input.
    const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
    throw new TidemarkError(
      'TLS_OPTIONS_INVALID',
      `The remote's CA, client certificate or client key is invalid${code}; expected PEM, with a key without passphrase that matches the certificate.`,
      { origin: 'caller' },
    );
  }
}
